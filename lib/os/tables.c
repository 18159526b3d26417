/* Which page tables exist, for many geometries at once. See tables.h. */
#include "os/tables.h"

#include <string.h>

#include "base/alloc.h"
#include "mmu/geometry.h"

struct span {
  unsigned bits;              /* a table covers 2^bits bytes */
  struct pw_pagemap exists;   /* prefix key -> pages or tables right below it */
};

struct tree {
  uint64_t root_bytes, bytes, peak_bytes;
  uint64_t table_bytes[64];   /* by span_bits; 0 = no such level */
};

struct pw_tables {
  unsigned page_shift;
  struct span *spans;         /* from the smallest up */
  size_t n_spans, spans_room;
  struct tree *trees;
  size_t n_trees, trees_room;
  uint64_t processes;
  pw_tables_fn *tell;         /* or NULL */
  void *tell_context;
};

int pw_tables_create(struct pw_tables **tables, unsigned page_shift, struct pw_error *err)
{
  struct pw_tables *t = *tables = pw_calloc(1, sizeof *t);
  if (!t) return pw_error_set(err, PW_ENOMEM, "memory ran out for the page tables");
  t->page_shift = page_shift;
  return 0;
}

void pw_tables_destroy(struct pw_tables *t)
{
  if (!t) return;
  for (size_t i = 0; i < t->n_spans; i++) pw_pagemap_clear(&t->spans[i].exists);
  pw_free(t->spans);
  pw_free(t->trees);
  pw_free(t);
}

static int add_span(struct pw_tables *t, unsigned bits)
{
  size_t i = 0;
  while (i < t->n_spans && t->spans[i].bits < bits) i++;
  if (i < t->n_spans && t->spans[i].bits == bits) return 0;
  if (pw_grow((void **)&t->spans, &t->spans_room, t->n_spans + 1, sizeof *t->spans)) return -1;
  memmove(t->spans + i + 1, t->spans + i, (t->n_spans - i) * sizeof *t->spans);
  t->spans[i] = (struct span){.bits = bits};
  t->n_spans++;
  return 0;
}

int64_t pw_tables_add_geometry(struct pw_tables *t, const struct pw_geometry *g, struct pw_error *err)
{
  struct pw_shape shape;
  struct tree tree = {0};
  pw_geometry_shape(g, t->page_shift, &shape);
  tree.root_bytes = shape.table_bytes[0];
  for (unsigned i = 1; i < shape.n_levels; i++) tree.table_bytes[shape.span_bits[i]] = shape.table_bytes[i];
  for (size_t i = 0; i < t->n_trees; i++)
    if (t->trees[i].root_bytes == tree.root_bytes &&
        memcmp(t->trees[i].table_bytes, tree.table_bytes, sizeof tree.table_bytes) == 0)
      return (int64_t)i;
  for (unsigned i = 1; i < shape.n_levels; i++)
    if (add_span(t, shape.span_bits[i])) return pw_error_set(err, PW_ENOMEM, "memory ran out for the page tables");
  if (pw_grow((void **)&t->trees, &t->trees_room, t->n_trees + 1, sizeof *t->trees))
    return pw_error_set(err, PW_ENOMEM, "memory ran out for the page tables");
  t->trees[t->n_trees] = tree;
  return (int64_t)t->n_trees++;
}

int pw_tables_reserve(struct pw_tables *t, size_t more_pages)
{
  for (size_t i = 0; i < t->n_spans; i++)
    if (pw_pagemap_reserve(&t->spans[i].exists, more_pages)) return -1;
  return 0;
}

void pw_tables_watch(struct pw_tables *t, pw_tables_fn *tell, void *context)
{
  t->tell = tell;
  t->tell_context = context;
}

static void tell_table(const struct pw_tables *t, size_t span, uint64_t prefix_key, bool exists)
{
  uint64_t bytes = t->trees[0].table_bytes[t->spans[span].bits];
  if (t->tell && bytes) t->tell(t->tell_context, t->spans[span].bits, prefix_key, bytes, exists);
}

static void tell_root(const struct pw_tables *t, bool exists)
{
  if (t->tell) t->tell(t->tell_context, 64, 0, t->trees[0].root_bytes, exists);
}

static void grow_bytes(struct tree *tree, uint64_t bytes)
{
  tree->bytes += bytes;
  if (tree->bytes > tree->peak_bytes) tree->peak_bytes = tree->bytes;
}

void pw_tables_add_process(struct pw_tables *t)
{
  t->processes++;
  for (size_t i = 0; i < t->n_trees; i++) grow_bytes(&t->trees[i], t->trees[i].root_bytes);
  tell_root(t, true);
}

void pw_tables_remove_process(struct pw_tables *t)
{
  if (t->processes == 0) return;
  t->processes--;
  for (size_t i = 0; i < t->n_trees; i++) t->trees[i].bytes -= t->trees[i].root_bytes;
  tell_root(t, false);
}

static uint64_t prefix(const struct pw_tables *t, size_t span, uint64_t key)
{
  return pw_key_shift(key, t->spans[span].bits - t->page_shift);
}

void pw_tables_add_page(struct pw_tables *t, uint64_t key)
{
  for (size_t s = 0; s < t->n_spans; s++) {
    bool added;
    uint32_t *below = pw_pagemap_insert(&t->spans[s].exists, prefix(t, s, key), 1, &added);
    if (!added) {
      ++*below;
      return; /* the tables above exist too */
    }
    for (size_t i = 0; i < t->n_trees; i++) grow_bytes(&t->trees[i], t->trees[i].table_bytes[t->spans[s].bits]);
    tell_table(t, s, prefix(t, s, key), true);
  }
}

static void free_table(struct pw_tables *t, size_t s, uint64_t prefix_key)
{
  pw_pagemap_remove(&t->spans[s].exists, prefix_key);
  for (size_t i = 0; i < t->n_trees; i++) t->trees[i].bytes -= t->trees[i].table_bytes[t->spans[s].bits];
  tell_table(t, s, prefix_key, false);
  if (s + 1 == t->n_spans) return;
  uint32_t *above = pw_pagemap_find(&t->spans[s + 1].exists, pw_key_shift(prefix_key, t->spans[s + 1].bits - t->spans[s].bits));
  if (above && *above) --*above;
}

void pw_tables_remove_page(struct pw_tables *t, uint64_t key, bool keep)
{
  for (size_t s = 0; s < t->n_spans; s++) {
    uint32_t *below = pw_pagemap_find(&t->spans[s].exists, prefix(t, s, key));
    if (!below) return;
    if (s == 0 && *below) --*below;
    if (keep || *below) return;
    free_table(t, s, prefix(t, s, key)); /* takes one from the table above */
  }
}

static void forget_one(struct pw_tables *t, size_t s, uint64_t prefix_key, pw_mapped_fn *mapped, void *context)
{
  const uint32_t *below = pw_pagemap_find(&t->spans[s].exists, prefix_key);
  if (!below || *below) return; /* a page that no mapping is known of is still in use */
  unsigned shift = t->spans[s].bits - PW_BASE_SHIFT;
  uint64_t first = (prefix_key & PW_PAGE_MASK) << shift;
  if (!mapped(context, pw_key_process(prefix_key), first, first + (UINT64_C(1) << shift) - 1)) free_table(t, s, prefix_key);
}

void pw_tables_forget(struct pw_tables *t, uint32_t process, uint64_t first_page, uint64_t last_page, pw_mapped_fn *mapped,
                      void *context)
{
  for (size_t s = 0; s < t->n_spans; s++) {
    struct pw_pagemap *map = &t->spans[s].exists;
    unsigned shift = t->spans[s].bits - PW_BASE_SHIFT;
    uint64_t first = pw_key(process, first_page >> shift), last = pw_key(process, last_page >> shift);
    if (last - first < map->n) {
      for (uint64_t key = first; key <= last; key++) forget_one(t, s, key, mapped, context);
      continue;
    }
    /* a huge range: look at the tables there are; a removal moves a later key into its slot */
    for (size_t i = 0; map->bits && i < (size_t)1 << map->bits;) {
      uint64_t key = map->keys[i];
      if (key != PW_NO_KEY && key >= first && key <= last) forget_one(t, s, key, mapped, context);
      if (map->keys[i] == key) i++;
    }
  }
}

uint64_t pw_tables_bytes(const struct pw_tables *t, size_t geometry)
{
  return t->trees[geometry].bytes;
}

uint64_t pw_tables_peak_bytes(const struct pw_tables *t, size_t geometry)
{
  return t->trees[geometry].peak_bytes;
}
