/* TLBs: the policy table, creation and the cold operations. */
#include "mmu/tlb.h"

#include <string.h>

#include "base/alloc.h"
#include "base/random.h"

static const struct pw_tlb_policy *const policies[] = {&pw_tlb_lru, &pw_tlb_fifo, &pw_tlb_plru, &pw_tlb_random};

#define N_POLICIES ((int)(sizeof policies / sizeof *policies))

const struct pw_tlb_policy *pw_tlb_policy(int index)
{
  return index >= 0 && index < N_POLICIES ? policies[index] : NULL;
}

int pw_tlb_policy_find(const char *name)
{
  for (int i = 0; i < N_POLICIES; i++)
    if (strcmp(policies[i]->name, name) == 0) return i;
  return -1;
}

int pw_tlb_config_check(const struct pw_tlb_config *c, const char *what, struct pw_error *err)
{
  if (c->entries == 0) return 0;
  const struct pw_tlb_policy *policy = pw_tlb_policy(c->policy);
  if (!policy) return pw_error_set(err, PW_EINVAL, "the %s has an unknown policy; see pagewalk list policies", what);
  if (c->entries > 1u << 26)
    return pw_error_set(err, PW_EINVAL, "the %s has %u entries; at most 67108864 (64 Mi) can be simulated", what, c->entries);
  if (c->ways == 0 || c->ways > c->entries)
    return pw_error_set(err, PW_EINVAL, "the %s has %u ways but %u entries; take at most as many ways as entries", what,
                        c->ways, c->entries);
  if (c->entries % c->ways)
    return pw_error_set(err, PW_EINVAL, "the %s's %u entries are not a multiple of its %u ways; the number of sets must be whole",
                        what, c->entries, c->ways);
  if (policy->power_of_two_ways && (c->ways & (c->ways - 1)))
    return pw_error_set(err, PW_EINVAL, "the %s has %u ways, and %s needs a power of two", what, c->ways, policy->name);
  return 0;
}

int pw_tlb_init(struct pw_tlb *tlb, const struct pw_tlb_config *config, uint64_t seed, uint64_t salt)
{
  memset(tlb, 0, sizeof *tlb);
  tlb->policy = pw_tlb_policy(config->policy);
  tlb->ways = config->ways;
  tlb->sets = config->entries / config->ways;
  tlb->power_of_two = (tlb->sets & (tlb->sets - 1)) == 0;
  tlb->random = pw_random_seed(seed, salt);
  tlb->keys = pw_malloc(config->entries, sizeof *tlb->keys);
  tlb->bits = pw_calloc(config->entries, sizeof *tlb->bits);
  if (!tlb->keys || !tlb->bits) {
    pw_tlb_clear(tlb);
    return PW_ENOMEM;
  }
  pw_tlb_flush(tlb);
  return 0;
}

void pw_tlb_clear(struct pw_tlb *tlb)
{
  pw_free(tlb->keys);
  pw_free(tlb->bits);
  memset(tlb, 0, sizeof *tlb);
}

void pw_tlb_flush(struct pw_tlb *tlb)
{
  if (!tlb->keys) return;
  memset(tlb->keys, 0xff, (size_t)tlb->sets * tlb->ways * sizeof *tlb->keys);
}

void pw_tlb_drop_closing(struct pw_tlb *tlb, uint32_t number, uint32_t way)
{
  uint64_t *set = tlb->keys + (size_t)number * tlb->ways;
  memmove(set + way, set + way + 1, (tlb->ways - way - 1) * sizeof *set);
  set[tlb->ways - 1] = PW_NO_KEY;
}

void pw_tlb_drop_in_place(struct pw_tlb *tlb, uint32_t number, uint32_t way)
{
  tlb->keys[(size_t)number * tlb->ways + way] = PW_NO_KEY;
}

void pw_tlb_drop_range(struct pw_tlb *tlb, uint64_t first_key, uint64_t last_key)
{
  if (!tlb->keys) return;
  if (last_key - first_key < tlb->sets) { /* a set for each of its pages is less than all sets */
    for (uint64_t key = first_key; key <= last_key; key++) pw_tlb_invalidate(tlb, key);
    return;
  }
  for (uint32_t set = 0; set < tlb->sets; set++)
    for (uint32_t way = tlb->ways; way-- > 0;) { /* downwards: a drop may move later ways up */
      uint64_t key = tlb->keys[(size_t)set * tlb->ways + way];
      if (key != PW_NO_KEY && key >= first_key && key <= last_key) tlb->policy->drop(tlb, set, way);
    }
}
