/* Who is killed when nothing can be reclaimed. See processor.h; the scores are in os/linux/oom.h. */
#include "base/alloc.h"
#include "engine/processor.h"

static int64_t points_of(const struct pw_system *s, uint32_t number, uint64_t total)
{
  const struct pw_process *p = s->processes.list[number];
  if (s->config->oom == PW_SYSTEM_OOM_BADNESS) return pw_oom_points(p, total);
  struct pw_system_counters c = pw_system_counters_of(s, number);
  const struct pw_oom_facts facts = {.accesses = c.accesses.fetches + c.accesses.loads + c.accesses.stores, .now = s->clock,
                                     .rate = s->config->rate};
  return pw_oom_classic(p, s->processes.list, s->processes.n, &facts);
}

/* Linux 2.6 killed a child first, the oldest that could be, so that a shell outlived what it started. */
static uint32_t victim_of(const struct pw_system *s, uint32_t chosen)
{
  const struct pw_process *parent = s->processes.list[chosen];
  for (uint32_t i = 0; s->config->oom == PW_SYSTEM_OOM_CLASSIC && i < s->processes.n; i++) {
    const struct pw_process *p = s->processes.list[i];
    if (p->lives && p->parent == parent && p->adj != PW_OOM_NEVER) return i;
  }
  return chosen;
}

/* All who could be killed, and who is; UINT32_MAX: nobody. Of equals now the one that began last, then the first. */
static int choose_victim(struct pw_system *s, bool group, uint32_t *victim)
{
  uint64_t total = pw_oom_total(&s->computer, group);
  int64_t most = 0;
  size_t first = s->n_candidates;
  *victim = UINT32_MAX;
  if (pw_grow((void **)&s->candidates, &s->candidates_room, s->n_candidates + s->processes.n, sizeof *s->candidates)) return PW_ENOMEM;
  for (uint32_t i = 0; i < s->processes.n; i++) {
    int64_t points = s->processes.list[i]->lives ? points_of(s, i, total) : INT64_MIN;
    if (points == INT64_MIN) continue;
    bool classic = s->config->oom == PW_SYSTEM_OOM_CLASSIC;
    s->candidates[s->n_candidates++] = (struct pw_system_candidate){.process = i, .kill = s->kills, .points = points, .access = s->clock, .group = group,
                                                .score = classic ? (uint64_t)points : pw_oom_score(points, total),
                                                .free_bytes = s->computer.frames.free << PW_BASE_SHIFT,
                                                .swap_free_bytes = pw_swap_free(&s->computer.reclaim.swap) << PW_BASE_SHIFT};
    if (*victim != UINT32_MAX && (classic ? points <= most : points < most)) continue;
    most = points;
    *victim = i;
  }
  if (*victim == UINT32_MAX) return 0;
  *victim = victim_of(s, *victim);
  for (size_t i = first; i < s->n_candidates; i++) s->candidates[i].victim = s->candidates[i].process == *victim;
  s->kills++;
  return 0;
}

static void tell_kill(const struct pw_system *s, uint32_t victim)
{
  struct pw_told told = {.what = PW_TOLD_KILL, .mm = &s->processes.list[victim]->mm};
  for (size_t i = 0; i < s->n_candidates; i++)
    if (s->candidates[i].victim && s->candidates[i].process == victim) told.score = s->candidates[i].score;
  if (s->computer.tell) s->computer.tell(s->computer.tell_context, &told);
}

int pw_processor_kill(void *context, bool group)
{
  struct pw_system *s = context;
  uint32_t victim;
  s->parted = s->together;
  if (s->parted) return PW_MM_NO_FRAME;
  if (choose_victim(s, group, &victim)) return PW_ENOMEM;
  if (victim == UINT32_MAX) return PW_MM_NO_FRAME;
  tell_kill(s, victim);
  if (s->processes.list[victim] == s->computer.asker) return PW_MM_KILLED;
  pw_program_kill(&s->slots[s->processes.of[victim].program].program, s->processes.of[victim].process);
  return 0;
}
