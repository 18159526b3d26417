/* Page tables of any geometry. See ptables.h. */
#include "os/linux/ptables.h"

#include <string.h>

#include "base/alloc.h"
#include "base/block.h"
#include "mmu/geometry.h"

struct pw_ptable {
  uint32_t frame;
  union {
    void *entry[1];  /* above the leaves: a struct pw_ptable, or a struct pw_huge with its lowest bit set */
    uint32_t pte[1]; /* of a leaf */
  };
};

static bool is_huge(const void *entry)
{
  return (uintptr_t)entry & 1;
}

static struct pw_huge *huge_of(void *entry)
{
  return (struct pw_huge *)((uintptr_t)entry & ~(uintptr_t)1);
}

static uint64_t slot(const struct pw_ptables *t, uint64_t page, unsigned level)
{
  return page >> t->shift[level] & ((UINT64_C(1) << t->width_bits[level]) - 1);
}

/* ---- tables ---- */

static int make_table(struct pw_ptables *t, unsigned level, struct pw_ptable **made)
{
  uint32_t frame = 0;
  int status = t->frames.take ? t->frames.take(t->frames.context, level, &frame) : 0;
  if (status) return status;
  size_t entries = (size_t)1 << t->width_bits[level], bytes = level ? sizeof(void *) : sizeof(uint32_t);
  *made = pw_calloc(1, offsetof(struct pw_ptable, entry) + entries * bytes);
  if (!*made) {
    if (t->frames.give) t->frames.give(t->frames.context, level, frame);
    return PW_ENOMEM;
  }
  (*made)->frame = frame;
  t->n[level]++;
  return 0;
}

static void free_table(struct pw_ptables *t, struct pw_ptable *table, unsigned level)
{
  if (t->frames.give) t->frames.give(t->frames.context, level, table->frame);
  t->n[level]--;
  pw_free(table);
}

static void free_huge(struct pw_ptables *t, struct pw_huge *huge)
{
  if (huge->aside) free_table(t, huge->aside, 0);
  pw_free(huge);
}

/* A table and all that is under it. */
static void free_below(struct pw_ptables *t, void *entry, unsigned level)
{
  if (is_huge(entry)) {
    free_huge(t, huge_of(entry));
    return;
  }
  struct pw_ptable *table = entry;
  for (size_t i = 0; level && i >> t->width_bits[level] == 0; i++)
    if (table->entry[i]) free_below(t, table->entry[i], level - 1);
  free_table(t, table, level);
}

int pw_ptables_init(struct pw_ptables *t, const struct pw_geometry *geometry, struct pw_table_frames frames)
{
  const struct pw_geometry *g = geometry ? geometry : pw_geometry_default();
  *t = (struct pw_ptables){.levels = g->n_levels, .frames = frames};
  for (unsigned level = 0, shift = 0; level < t->levels; level++) {
    t->width_bits[level] = g->width_bits[t->levels - 1 - level];
    t->shift[level] = shift;
    shift += t->width_bits[level];
    t->end = UINT64_C(1) << (shift > PW_PAGE_BITS ? PW_PAGE_BITS : shift);
  }
  t->huge = t->levels > 1 && t->shift[1] == PW_HUGE_ORDER && pw_geometry_walk_levels(g, PW_BASE_SHIFT + PW_HUGE_ORDER);
  t->gigantic = t->levels > 2 && t->shift[2] == PW_GIGANTIC_ORDER && pw_geometry_walk_levels(g, PW_BASE_SHIFT + PW_GIGANTIC_ORDER);
  return make_table(t, t->levels - 1, &t->root);
}

void pw_ptables_clear(struct pw_ptables *t)
{
  if (t->root) free_below(t, t->root, t->levels - 1);
  t->root = NULL;
}

/* ---- finding ---- */

struct pw_ptables_at pw_ptables_find(const struct pw_ptables *t, uint64_t page)
{
  void *at = t->root;
  for (unsigned level = t->levels - 1; level && at && !is_huge(at); level--) at = ((struct pw_ptable *)at)->entry[slot(t, page, level)];
  if (!at) return (struct pw_ptables_at){0};
  if (is_huge(at)) return (struct pw_ptables_at){.huge = huge_of(at)};
  return (struct pw_ptables_at){.ptes = ((struct pw_ptable *)at)->pte};
}

static void each_below(const struct pw_ptables *t, void *entry, unsigned level,
                       void (*take)(void *context, unsigned level, uint32_t frame), void *context)
{
  struct pw_ptable *table = is_huge(entry) ? huge_of(entry)->aside : entry;
  if (!table) return; /* a pool's page has none */
  if (is_huge(entry)) level = 0;
  take(context, level, table->frame);
  for (size_t i = 0; level && i >> t->width_bits[level] == 0; i++)
    if (table->entry[i]) each_below(t, table->entry[i], level - 1, take, context);
}

void pw_ptables_each(const struct pw_ptables *t, void (*take)(void *context, unsigned level, uint32_t frame), void *context)
{
  if (t->root) each_below(t, t->root, t->levels - 1, take, context);
}

/* The entry of level `above` - 1 under which the page lies, with all tables above it: `above` is at least 1. */
static int make_entry(struct pw_ptables *t, uint64_t page, unsigned above, void ***entry)
{
  struct pw_ptable *at = t->root;
  for (unsigned level = t->levels - 1;; level--) {
    *entry = &at->entry[slot(t, page, level)];
    if (level == above) return 0;
    if (!**entry) {
      struct pw_ptable *made;
      int status = make_table(t, level - 1, &made);
      if (status) return status;
      **entry = made;
    }
    at = **entry;
  }
}

int pw_ptables_make_above(struct pw_ptables *t, uint64_t page, unsigned order, bool *free)
{
  void **entry = NULL;
  int status = t->levels > 1 ? make_entry(t, page, order == PW_GIGANTIC_ORDER ? 2 : 1, &entry) : 0;
  if (free) *free = !status && entry && !*entry;
  return status;
}

int pw_ptables_make(struct pw_ptables *t, uint64_t page, uint32_t **ptes)
{
  struct pw_ptable *leaf = t->root;
  if (t->levels > 1) {
    void **entry;
    int status = make_entry(t, page, 1, &entry);
    if (!status && !*entry) {
      struct pw_ptable *made;
      status = make_table(t, 0, &made);
      if (!status) *entry = made;
    }
    if (status) return status;
    leaf = *entry;
  }
  *ptes = leaf->pte;
  return 0;
}

bool pw_ptables_next(const struct pw_ptables *t, uint64_t *page, uint64_t end, struct pw_ptables_at *found)
{
  if (end > t->end) end = t->end;
  while (*page < end) {
    void *at = t->root;
    unsigned level = t->levels - 1;
    while (level && !is_huge(at)) {
      void *below = ((struct pw_ptable *)at)->entry[slot(t, *page, level)];
      if (!below) break;
      at = below;
      level--;
    }
    if (level == 0 || is_huge(at)) {
      *found = is_huge(at) ? (struct pw_ptables_at){.huge = huge_of(at)} : (struct pw_ptables_at){.ptes = ((struct pw_ptable *)at)->pte};
      return true;
    }
    *page = (*page | ((UINT64_C(1) << t->shift[level]) - 1)) + 1;
  }
  return false;
}

/* ---- pruning ---- */

struct cut {
  uint64_t start, end, floor, ceiling;
  bool empty;
};

/* Has the table no entry? */
static bool is_empty(const struct pw_ptables *t, const void *entry, unsigned level)
{
  if (is_huge(entry)) return false;
  const struct pw_ptable *table = entry;
  for (size_t i = 0; i >> t->width_bits[level] == 0; i++)
    if (level ? table->entry[i] != NULL : table->pte[i] != 0) return false;
  return true;
}

/* Only the entries that the cut reaches. */
static void prune(struct pw_ptables *t, struct pw_ptable *table, unsigned level, uint64_t base, const struct cut *cut)
{
  uint64_t span = UINT64_C(1) << t->shift[level], entries = UINT64_C(1) << t->width_bits[level];
  uint64_t from = cut->start > base ? (cut->start - base) >> t->shift[level] : 0;
  for (uint64_t i = from; i < entries && base + i * span < cut->end; i++) {
    uint64_t first = base + i * span;
    bool below = level > 1 && table->entry[i] && !is_huge(table->entry[i]);
    if (!table->entry[i]) continue;
    if (cut->empty && below) prune(t, table->entry[i], level - 1, first, cut);
    if (first >= cut->floor && first + span <= cut->ceiling && (!cut->empty || is_empty(t, table->entry[i], level - 1))) {
      free_below(t, table->entry[i], level - 1);
      table->entry[i] = NULL;
    } else if (below && !cut->empty) {
      prune(t, table->entry[i], level - 1, first, cut);
    }
  }
}

void pw_ptables_prune(struct pw_ptables *t, uint64_t start, uint64_t end, uint64_t floor, uint64_t ceiling, bool empty)
{
  struct cut cut = {start, end, floor, ceiling, empty};
  if (t->levels > 1) prune(t, t->root, t->levels - 1, 0, &cut);
}

/* ---- 2 MiB ---- */

static int put_huge(void **entry, struct pw_ptable *aside, unsigned order, uint32_t pte)
{
  struct pw_huge *huge = pw_malloc(1, sizeof *huge);
  if (!huge) return PW_ENOMEM;
  *huge = (struct pw_huge){pte, order, aside};
  *entry = (void *)((uintptr_t)huge | 1);
  return 0;
}

int pw_ptables_map_huge(struct pw_ptables *t, uint64_t page, uint32_t pte)
{
  void **entry;
  struct pw_ptable *aside;
  int status = make_entry(t, page, 1, &entry);
  if (!status) status = make_table(t, 0, &aside);
  if (status) return status;
  status = put_huge(entry, aside, PW_HUGE_ORDER, pte);
  if (status) free_table(t, aside, 0);
  return status;
}

int pw_ptables_collapse(struct pw_ptables *t, uint64_t page, uint32_t pte)
{
  void **entry;
  int status = make_entry(t, page, 1, &entry); /* it makes nothing: all is there */
  if (status) return status;
  struct pw_ptable *leaf = *entry;
  status = put_huge(entry, leaf, PW_HUGE_ORDER, pte);
  if (!status) memset(leaf->pte, 0, sizeof *leaf->pte << t->width_bits[0]);
  return status;
}

int pw_ptables_map_pool(struct pw_ptables *t, uint64_t page, unsigned order, uint32_t pte)
{
  void **entry;
  int status = make_entry(t, page, order == PW_HUGE_ORDER ? 1 : 2, &entry);
  return status ? status : put_huge(entry, NULL, order, pte);
}

static struct pw_huge *take_huge(struct pw_ptables *t, uint64_t page, void ***entry)
{
  struct pw_ptable *at = t->root;
  for (unsigned level = t->levels - 1;; level--) {
    *entry = &at->entry[slot(t, page, level)];
    if (is_huge(**entry)) return huge_of(**entry);
    at = **entry;
  }
}

uint32_t *pw_ptables_split(struct pw_ptables *t, uint64_t page)
{
  void **entry;
  struct pw_huge *huge = take_huge(t, page, &entry);
  struct pw_ptable *leaf = huge->aside;
  *entry = leaf;
  pw_free(huge);
  return leaf->pte;
}

void pw_ptables_unmap_huge(struct pw_ptables *t, uint64_t page)
{
  void **entry;
  free_huge(t, take_huge(t, page, &entry));
  *entry = NULL;
}
