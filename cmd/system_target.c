/* The least memory for a target. See system_target.h. */
#include "system_target.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "heap.h"
#include "say.h"

bool system_alike_but(const struct pw_system_config *a, const struct pw_system_config *b, unsigned varied)
{
  return (varied & SYSTEM_MEMORY || a->memory_bytes == b->memory_bytes) && (varied & SYSTEM_GROUP_LIMIT || a->group_bytes == b->group_bytes) &&
         (varied & SYSTEM_THP || a->thp == b->thp) && (varied & SYSTEM_RECLAIM || a->reclaim == b->reclaim) && a->quantum == b->quantum &&
         a->asids == b->asids && a->cold == b->cold && a->plain == b->plain && a->swap_bytes == b->swap_bytes && a->swap == b->swap && a->oom == b->oom &&
         a->swappiness == b->swappiness && a->hugetlb[0] == b->hugetlb[0] && a->hugetlb[1] == b->hugetlb[1];
}

/* What is searched, and how it is told. */
struct search {
  const struct system_plan *plan;
  const struct pw_system_case *cases;
  bool summary;
};

/* The same but for the size that is looked for: the group's limit, or where there is none all memory. */
static bool differ_in_size_alone(const struct pw_system_config *a, const struct pw_system_config *b)
{
  return !a->group_bytes == !b->group_bytes && system_alike_but(a, b, a->group_bytes ? SYSTEM_GROUP_LIMIT : SYSTEM_MEMORY);
}

static uint64_t size_of(const struct pw_system_config *c)
{
  return c->group_bytes ? c->group_bytes : c->memory_bytes;
}

/* Of those that are like configuration `first` but for the size: the least that keeps the target, and the largest below that does not. */
static void find_least(const struct search *s, size_t first, const struct target *target, size_t *least, size_t *below)
{
  const struct pw_system_config *configs = s->plan->configs;
  *least = *below = SIZE_MAX;
  for (size_t i = first; i < s->plan->n_configs; i++) {
    if (!differ_in_size_alone(&configs[first], &configs[i]) || s->cases[i].error.status) continue;
    const struct pw_system_result *r = &s->cases[i].result;
    const struct pw_totals *t = &r->sums.counted;
    bool kept = !r->oom_kills && target_keeps(target, r->sums.major_faults, t->fetches + t->loads + t->stores, configs[i].rate);
    size_t *to = kept ? least : below;
    bool better = *to == SIZE_MAX || (kept ? size_of(&configs[i]) < size_of(&configs[*to]) : size_of(&configs[i]) > size_of(&configs[*to]));
    if (better) *to = i;
  }
}

static void tell_least(const struct search *s, size_t first, const struct target *target, const char *text)
{
  const struct pw_system_config *configs = s->plan->configs;
  char a[32], b[32], c[32], d[32], *sentence;
  size_t least, below;
  find_least(s, first, target, &least, &below);
  const char *option = configs[first].group_bytes ? "--group-limit" : "--memory";
  if (below != SIZE_MAX) human_bytes(c, sizeof c, size_of(&configs[below]));
  if (below != SIZE_MAX) human_count(d, sizeof d, s->cases[below].result.sums.major_faults);
  if (least == SIZE_MAX && below == SIZE_MAX) return;
  if (least == SIZE_MAX) {
    sentence = heap_text("no %s of these keeps major faults at %s: the largest, %s, has %s%s", option, text, c, d,
                         s->cases[below].result.oom_kills ? ", and a process is killed" : "");
  } else {
    human_bytes(a, sizeof a, size_of(&configs[least]));
    human_count(b, sizeof b, s->cases[least].result.sums.major_faults);
    sentence = below == SIZE_MAX ? heap_text("%s %s keeps major faults at %s: %s; none that is less was tried", option, a, text, b)
                                 : heap_text("%s %s keeps major faults at %s: %s; %s has %s%s", option, a, text, b, c, d,
                                             s->cases[below].result.oom_kills ? ", and a process is killed" : "");
  }
  if (s->summary) printf("\n%s\n", sentence);
  else say_note("%s", sentence);
  free(sentence);
}

void system_target_tell(const struct system_plan *plan, const struct pw_system_case *cases, const struct target *target, const char *text, bool summary)
{
  const struct search s = {plan, cases, summary};
  for (size_t i = 0; i < plan->n_configs; i++) {
    size_t k = 0;
    while (k < i && !differ_in_size_alone(&plan->configs[k], &plan->configs[i])) k++;
    if (k == i) tell_least(&s, i, target, text);
  }
}
