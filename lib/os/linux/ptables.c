/* Page tables as Linux keeps them. See ptables.h. */
#include "os/linux/ptables.h"

#include "base/alloc.h"

struct pw_ptable {
  void *entry[PW_PTABLE_ENTRIES]; /* a struct pw_ptable, or at the level above the pages their bytes */
};

/* The entries of a table of level 3 (the root) … 1 span 2^(9 level) pages. */
static unsigned slot(uint64_t page, unsigned level)
{
  return (unsigned)(page >> 9 * level) & (PW_PTABLE_ENTRIES - 1);
}

static uint64_t span(unsigned level)
{
  return UINT64_C(1) << 9 * level;
}

int pw_ptables_init(struct pw_ptables *t)
{
  *t = (struct pw_ptables){.root = pw_calloc(1, sizeof *t->root)};
  return t->root ? 0 : -1;
}

/* Frees what an entry of a table of that level leads to. */
static void free_below(struct pw_ptables *t, void *entry, unsigned level)
{
  struct pw_ptable *table = entry;
  for (unsigned i = 0; level > 1 && i < PW_PTABLE_ENTRIES; i++)
    if (table->entry[i]) free_below(t, table->entry[i], level - 1);
  t->n[level - 1]--;
  pw_free(entry);
}

void pw_ptables_clear(struct pw_ptables *t)
{
  for (unsigned i = 0; t->root && i < PW_PTABLE_ENTRIES; i++)
    if (t->root->entry[i]) free_below(t, t->root->entry[i], PW_PTABLE_LEVELS);
  pw_free(t->root);
  t->root = NULL;
}

uint8_t *pw_ptables_find(const struct pw_ptables *t, uint64_t page)
{
  void *at = t->root;
  for (unsigned level = PW_PTABLE_LEVELS; level && at; level--) at = ((struct pw_ptable *)at)->entry[slot(page, level)];
  return at;
}

uint8_t *pw_ptables_make(struct pw_ptables *t, uint64_t page)
{
  void *at = t->root;
  for (unsigned level = PW_PTABLE_LEVELS; level; level--) {
    void **entry = &((struct pw_ptable *)at)->entry[slot(page, level)];
    if (!*entry) {
      *entry = pw_calloc(1, level > 1 ? sizeof(struct pw_ptable) : PW_PTABLE_ENTRIES);
      if (!*entry) return NULL;
      t->n[level - 1]++;
    }
    at = *entry;
  }
  return at;
}

uint8_t *pw_ptables_next(const struct pw_ptables *t, uint64_t *page, uint64_t end)
{
  while (*page < end) {
    void *at = t->root;
    unsigned level = PW_PTABLE_LEVELS;
    while (level && (at = ((struct pw_ptable *)at)->entry[slot(*page, level)])) level--;
    if (at) return at;
    *page = (*page | (span(level) - 1)) + 1;
  }
  return NULL;
}

struct cut {
  uint64_t start, end, floor, ceiling;
};

static void prune(struct pw_ptables *t, struct pw_ptable *table, unsigned level, uint64_t base, const struct cut *cut)
{
  for (unsigned i = 0; i < PW_PTABLE_ENTRIES; i++) {
    uint64_t first = base + i * span(level), end = first + span(level);
    if (!table->entry[i] || end <= cut->start || first >= cut->end) continue;
    if (first >= cut->floor && end <= cut->ceiling) {
      free_below(t, table->entry[i], level);
      table->entry[i] = NULL;
    } else if (level > 1) {
      prune(t, table->entry[i], level - 1, first, cut);
    }
  }
}

void pw_ptables_prune(struct pw_ptables *t, uint64_t start, uint64_t end, uint64_t floor, uint64_t ceiling)
{
  struct cut cut = {start, end, floor, ceiling};
  prune(t, t->root, PW_PTABLE_LEVELS, 0, &cut);
}
