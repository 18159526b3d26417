/* Scores of the OOM killer. See oom.h. */
#include "os/linux/oom.h"

enum { ADJ_MOST = 15, ADJ_NEVER = -17, SCALE = 1000 };

uint64_t pw_oom_total(const struct pw_computer *c, bool group)
{
  return (group ? c->options.reclaim.limit_pages : c->frames.managed) + c->reclaim.swap.n;
}

/* [oom_badness] Tables that are set aside count, as in mm_pgtables_bytes; the root does not. */
int64_t pw_oom_points(const struct pw_process *p, uint64_t total)
{
  const struct pw_mm *m = &p->mm;
  uint64_t tables = 0;
  if (p->adj == PW_OOM_NEVER) return INT64_MIN;
  for (unsigned level = 0; level + 1 < m->tables.levels; level++) tables += m->tables.n[level] * m->computer->table_bytes[level];
  uint64_t pages = m->counts.own + m->counts.cached + m->counts.swapped + (tables >> PW_BASE_SHIFT);
  return (int64_t)pages + p->adj * (int64_t)(total / SCALE);
}

/* [proc_oom_score] */
uint64_t pw_oom_score(int64_t points, uint64_t total)
{
  if (points == INT64_MIN || !total) return 0;
  int64_t score = (SCALE + points * SCALE / (int64_t)total) * 2 / 3;
  return score < 0 ? 0 : (uint64_t)score;
}

int pw_oom_adj_to_score(int adj)
{
  return adj >= ADJ_MOST ? SCALE : adj <= ADJ_NEVER ? -SCALE : adj * SCALE / -ADJ_NEVER;
}

int pw_oom_score_to_adj(int score_adj)
{
  return score_adj >= SCALE ? ADJ_MOST : score_adj * -ADJ_NEVER / SCALE;
}

static uint64_t mapped(const struct pw_process *p)
{
  return p->mm.counts.own + p->mm.counts.cached;
}

/* [badness, Linux 2.6] */
int64_t pw_oom_classic(const struct pw_process *p, struct pw_process *const *all, size_t n, const struct pw_oom_facts *facts)
{
  int adj = p->oom_adj;
  if (p->adj == PW_OOM_NEVER) return INT64_MIN;
  uint64_t points = mapped(p), seconds = facts->accesses / facts->rate, age = (facts->now - p->began) / facts->rate;
  for (size_t i = 0; i < n; i++)
    if (all[i]->lives && all[i]->parent == p) points += mapped(all[i]) / 2 + 1;
  uint64_t by_time = pw_root(seconds >> 3), by_age = pw_root(pw_root(age >> 10));
  if (by_time) points /= by_time;
  if (by_age) points /= by_age;
  if (p->nice > 0) points *= 2;
  if (adj > 0) points = (points ? points : 1) << adj;
  if (adj < 0) points >>= -adj;
  return (int64_t)points;
}
