/* TLBs whose entries have sizes. See sized.h. */
#include "mmu/sized.h"

#include <string.h>

static int init_level(struct pw_sized_level *l, const struct pw_tlb_array *arrays, const char *what, uint64_t seed, uint64_t salt,
                      struct pw_error *err)
{
  unsigned taken = 0;
  memset(l->of, -1, sizeof l->of);
  for (unsigned i = 0; i < PW_SIZED_ARRAYS && arrays[i].tlb.entries; i++) {
    int status = pw_tlb_config_check(&arrays[i].tlb, what, err);
    if (status) return status;
    if (taken & arrays[i].sizes || !arrays[i].sizes)
      return pw_error_set(err, PW_EINVAL, "two arrays of the %s take pages of one size; give each size to one of them", what);
    taken |= arrays[i].sizes;
    const struct pw_tlb_config *c = &arrays[i].tlb;
    if (pw_tlb_policy(c->policy) == &pw_tlb_lru ? pw_lru_init(&l->lru[i], c->entries, c->ways) : pw_tlb_init(&l->tlb[i], c, seed, salt + 3 * i))
      return pw_error_set(err, PW_ENOMEM, "memory ran out for the %s", what);
    l->n++;
    for (unsigned size = 0; size < PW_PAGE_SIZES; size++)
      if (arrays[i].sizes >> size & 1) l->of[size] = (int8_t)i;
  }
  return 0;
}

int pw_sized_init(struct pw_sized *s, const struct pw_sized_config *c, uint64_t seed, struct pw_error *err)
{
  static const char *const names[3] = {"ITLB", "DTLB", "STLB"};
  const struct pw_tlb_array *const arrays[3] = {c->itlb, c->dtlb, c->stlb};
  int status = 0;
  memset(s, 0, sizeof *s);
  s->last[0] = s->last[1] = PW_NO_KEY;
  for (unsigned i = 0; !status && i < 3; i++) status = init_level(&s->level[i], arrays[i], names[i], seed, i + 1, err);
  for (int code = 0; !status && code < 2; code++) {
    struct pw_sized_level *l = &s->level[code ? 0 : 1];
    for (unsigned size = 0; size < PW_PAGE_SIZES; size++)
      if (l->of[size] >= 0 && l->lru[l->of[size]].keys) s->first[code][size] = &l->lru[l->of[size]];
  }
  if (status) pw_sized_clear(s);
  return status;
}

void pw_sized_clear(struct pw_sized *s)
{
  for (int i = 0; i < 3; i++)
    for (unsigned k = 0; k < PW_SIZED_ARRAYS; k++) {
      pw_tlb_clear(&s->level[i].tlb[k]);
      pw_lru_clear(&s->level[i].lru[k]);
    }
}

static bool ask(struct pw_sized_level *l, uint64_t key, enum pw_page_size size, uint32_t *at)
{
  int array = l->of[size];
  if (array >= 0 && l->lru[array].keys ? pw_lru_ask(&l->lru[array], key, at)
                                       : array >= 0 && l->tlb[array].policy->ask(&l->tlb[array], key))
    return true;
  l->misses++;
  return false;
}

bool pw_sized_ask(struct pw_sized *s, unsigned code, uint64_t key, enum pw_page_size size, uint32_t *at)
{
  struct pw_sized_level *first = &s->level[code ? 0 : 1];
  uint32_t ignored;
  s->last[code] = first->of[size] >= 0 ? key : PW_NO_KEY;
  s->held[size] = true;
  if (first->n && ask(first, key, size, at)) return true;
  s->passed++;
  return s->level[2].n && ask(&s->level[2], key, size, &ignored);
}

static void drop(struct pw_sized *s, unsigned tag, uint64_t first, uint64_t last, enum pw_page_size size)
{
  uint64_t from = pw_sized_key(tag, first, size), to = pw_sized_key(tag, last, size);
  for (int i = 0; i < 3; i++) {
    struct pw_sized_level *l = &s->level[i];
    int array = l->of[size];
    if (array < 0) continue;
    if (l->lru[array].keys) pw_lru_drop(&l->lru[array], from, to);
    else pw_tlb_drop_range(&l->tlb[array], from, to);
  }
}

void pw_sized_drop(struct pw_sized *s, unsigned tag, uint64_t start, uint64_t end)
{
  s->last[0] = s->last[1] = PW_NO_KEY;
  for (unsigned size = 0; start < end && size < PW_PAGE_SIZES; size++)
    if (s->held[size]) drop(s, tag, start, end - 1, (enum pw_page_size)size);
}

void pw_sized_drop_tag(struct pw_sized *s, unsigned tag)
{
  pw_sized_drop(s, tag, 0, PW_PAGE_MASK + 1);
}
