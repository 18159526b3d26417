/* Which page tables exist, for many geometries at once. See tables.h. */
#include "os/tables.h"

#include <string.h>

#include "base/alloc.h"
#include "base/ranges.h"
#include "mmu/geometry.h"

struct span {
  unsigned bits;              /* a table covers 2^bits bytes */
  struct of_process {
    uint64_t used;            /* tables with a page under them */
    uint64_t n_empty;         /* the others, and their prefixes */
    struct pw_ranges empty;
  } *of;                      /* by process */
  size_t room;
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
  uint64_t roots;
  size_t n_processes;         /* from here on none has had an empty table */
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
  for (size_t i = 0; i < t->n_spans; i++) {
    for (size_t k = 0; k < t->n_processes; k++) pw_ranges_clear(&t->spans[i].of[k].empty);
    pw_free(t->spans[i].of);
  }
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

int pw_tables_reserve(struct pw_tables *t, size_t n_processes)
{
  for (struct span *s = t->spans; s < t->spans + t->n_spans; s++) {
    size_t room = s->room;
    if (pw_grow((void **)&s->of, &s->room, n_processes, sizeof *s->of)) return -1;
    if (s->room > room) memset(s->of + room, 0, (s->room - room) * sizeof *s->of);
  }
  return 0;
}

void pw_tables_watch(struct pw_tables *t, pw_tables_fn *tell, void *context)
{
  t->tell = tell;
  t->tell_context = context;
}

static void tell_table(const struct pw_tables *t, size_t span, uint32_t process, uint64_t prefix, bool exists)
{
  uint64_t bytes = t->trees[0].table_bytes[t->spans[span].bits];
  if (t->tell && bytes) t->tell(t->tell_context, t->spans[span].bits, pw_key(process, prefix), bytes, exists);
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
  t->roots++;
  for (size_t i = 0; i < t->n_trees; i++) grow_bytes(&t->trees[i], t->trees[i].root_bytes);
  tell_root(t, true);
}

void pw_tables_remove_process(struct pw_tables *t)
{
  if (t->roots == 0) return;
  t->roots--;
  for (size_t i = 0; i < t->n_trees; i++) t->trees[i].bytes -= t->trees[i].root_bytes;
  tell_root(t, false);
}

uint64_t pw_tables_lowest(const struct pw_tables *t, uint64_t page)
{
  unsigned bits = t->n_spans ? t->spans[0].bits - t->page_shift : 64;
  return bits >= 6 ? UINT64_MAX : ((UINT64_C(1) << (1u << bits)) - 1) << ((page & 63) >> bits << bits);
}

static void add_tables(struct pw_tables *t, size_t s, uint64_t n)
{
  for (size_t i = 0; i < t->n_trees; i++) grow_bytes(&t->trees[i], n * t->trees[i].table_bytes[t->spans[s].bits]);
}

static void take_tables(struct pw_tables *t, size_t s, uint64_t n)
{
  for (size_t i = 0; i < t->n_trees; i++) t->trees[i].bytes -= n * t->trees[i].table_bytes[t->spans[s].bits];
}

/* Is there a page under the table of this prefix? */
static bool is_used(const struct pw_present *p, uint64_t prefix, unsigned shift)
{
  uint64_t page;
  return pw_present_next(p, prefix << shift, &page) && page >> shift == prefix;
}

/* Is there an empty table right below the one of this prefix? */
static bool has_empty(const struct pw_tables *t, size_t s, uint32_t process, uint64_t prefix)
{
  struct pw_range found;
  if (s == 0) return false;
  unsigned shift = t->spans[s].bits - t->spans[s - 1].bits;
  return pw_ranges_next(&t->spans[s - 1].of[process].empty, prefix << shift, &found) && found.first >> shift == prefix;
}

void pw_tables_add_page(struct pw_tables *t, const struct pw_present *p, uint32_t process, uint64_t page)
{
  for (size_t s = 0; s < t->n_spans; s++) {
    struct of_process *of = &t->spans[s].of[process];
    unsigned shift = t->spans[s].bits - t->page_shift;
    uint64_t prefix = page >> shift;
    struct pw_range found;
    if (is_used(p, prefix, shift)) return; /* the tables above are, too */
    of->used++;
    if (pw_ranges_at(&of->empty, prefix, &found)) {
      pw_ranges_cut(&of->empty, prefix, prefix); /* needs no memory */
      of->n_empty--;
      continue;
    }
    add_tables(t, s, 1);
    tell_table(t, s, process, prefix, true);
  }
}

/* From the lowest table over a page up, those that no page is under any more. */
static int unuse(struct pw_tables *t, const struct pw_present *p, uint32_t process, uint64_t page, bool keep)
{
  for (size_t s = 0; s < t->n_spans; s++) {
    struct of_process *of = &t->spans[s].of[process];
    unsigned shift = t->spans[s].bits - t->page_shift;
    uint64_t prefix = page >> shift;
    if (is_used(p, prefix, shift)) return 0;
    of->used--;
    if (keep || has_empty(t, s, process, prefix)) {
      if (pw_ranges_put(&of->empty, prefix, prefix, 0)) return -1;
      of->n_empty++;
      if (t->n_processes <= process) t->n_processes = process + 1;
      continue;
    }
    take_tables(t, s, 1);
    tell_table(t, s, process, prefix, false);
  }
  return 0;
}

int pw_tables_remove(struct pw_tables *t, const struct pw_present *p, uint32_t process, const struct pw_present_part *gone,
                     bool keep)
{
  for (uint64_t rest = gone->bits; rest;) {
    uint64_t page = gone->first + (uint64_t)__builtin_ctzll(rest);
    if (unuse(t, p, process, page, keep)) return -1;
    rest &= ~pw_tables_lowest(t, page);
  }
  return 0;
}

void pw_tables_forget(struct pw_tables *t, uint32_t process, uint64_t first_page, uint64_t last_page, pw_mapped_fn *mapped,
                      void *context)
{
  for (size_t s = 0; s < t->n_spans; s++) {
    struct pw_ranges *empty = &t->spans[s].of[process].empty;
    unsigned shift = t->spans[s].bits - PW_BASE_SHIFT;
    struct pw_range found;
    for (uint64_t from = first_page >> shift; pw_ranges_next(empty, from, &found) && found.first <= last_page >> shift;) {
      from = found.first + 1;
      uint64_t first = found.first << shift, last = first + (UINT64_C(1) << shift) - 1;
      if (has_empty(t, s, process, found.first) || mapped(context, process, first, last)) continue;
      pw_ranges_cut(empty, found.first, found.first); /* a whole range that nobody shares: needs no memory */
      t->spans[s].of[process].n_empty--;
      take_tables(t, s, 1);
      tell_table(t, s, process, found.first, false);
    }
  }
}

void pw_tables_fork(struct pw_tables *t, uint32_t parent, uint32_t child)
{
  for (size_t s = 0; s < t->n_spans; s++) {
    t->spans[s].of[child].used = t->spans[s].of[parent].used;
    add_tables(t, s, t->spans[s].of[child].used);
  }
}

void pw_tables_clear(struct pw_tables *t, uint32_t process)
{
  for (size_t s = 0; s < t->n_spans; s++) {
    struct of_process *of = &t->spans[s].of[process];
    take_tables(t, s, of->used + of->n_empty);
    of->used = of->n_empty = 0;
    pw_ranges_clear(&of->empty);
  }
}

uint64_t pw_tables_peak_bytes(const struct pw_tables *t, size_t geometry)
{
  return t->trees[geometry].peak_bytes;
}
