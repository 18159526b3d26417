/* Symbols of one kind in one address space. See symbols.h. */
#include "space/symbols.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void pw_symbols_release(struct pw_symbols *s)
{
  if (!s || --s->references) return;
  pw_free(s->items);
  pw_free(s->stretches);
  pw_free(s);
}

struct pw_symbols *pw_symbols_own(struct pw_symbols **symbols)
{
  struct pw_symbols *old = *symbols;
  if (old && old->references == 1) return old;
  struct pw_symbols *own = pw_calloc(1, sizeof *own);
  if (!own) return NULL;
  own->references = 1;
  if (old && pw_grow((void **)&own->items, &own->room, old->n, sizeof *own->items)) {
    pw_free(own);
    return NULL;
  }
  if (old && old->n) memcpy(own->items, old->items, old->n * sizeof *own->items);
  if (old) own->n = old->n, own->sorted = old->sorted, own->next_order = old->next_order;
  pw_symbols_release(old);
  return *symbols = own;
}

int pw_symbols_add(struct pw_symbols **symbols, const struct pw_space_symbol *symbol)
{
  struct pw_symbols *s = pw_symbols_own(symbols);
  if (!s || pw_grow((void **)&s->items, &s->room, s->n + 1, sizeof *s->items)) return -1;
  s->items[s->n] = *symbol;
  s->items[s->n++].order = s->next_order++;
  s->sorted = s->flat = false;
  return 0;
}

/* Outer before inner. */
static int by_place(const void *a, const void *b)
{
  const struct pw_space_symbol *x = a, *y = b;
  if (x->first != y->first) return x->first < y->first ? -1 : 1;
  if (x->last != y->last) return x->last > y->last ? -1 : 1;
  return x->order > y->order ? -1 : x->order < y->order;
}

static void sort(struct pw_symbols *s)
{
  if (s->n && !s->sorted) qsort(s->items, s->n, sizeof *s->items, by_place);
  s->sorted = true;
}

/* The first symbol that starts at or after the address. */
static size_t lower_bound(const struct pw_symbols *s, uint64_t address)
{
  size_t low = 0, high = s->n;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (s->items[middle].first < address) low = middle + 1;
    else high = middle;
  }
  return low;
}

int pw_symbols_remove(struct pw_symbols **symbols, uint64_t first, uint64_t last)
{
  struct pw_symbols *s = *symbols;
  if (!s || s->n == 0) return 0;
  sort(s);
  size_t from = lower_bound(s, first), to = last == UINT64_MAX ? s->n : lower_bound(s, last + 1);
  if (from >= to) return 0;
  if (!(s = pw_symbols_own(symbols))) return -1;
  memmove(s->items + from, s->items + to, (s->n - to) * sizeof *s->items);
  s->n -= to - from;
  s->flat = false;
  return 0;
}

/* What the symbol shows from *next on, up to `last`. */
static void show(struct pw_symbols *s, const struct pw_space_symbol *symbol, uint64_t *next, uint64_t last)
{
  if (last > symbol->last) last = symbol->last;
  if (*next > last) return;
  s->stretches[s->n_stretches++] = (struct pw_symbol_stretch){*next, last, symbol->name, symbol->object};
  *next = last + 1;
}

/* Goes through the starts with a stack of what is open: the top has the address. A symbol starts
 * one stretch, and goes on after at most as many as start inside it: 2n stretches will do. */
static int flatten(struct pw_symbols *s)
{
  size_t *open = pw_malloc(s->n ? s->n : 1, sizeof *open), n_open = 0;
  if (!open || pw_grow((void **)&s->stretches, &s->stretches_room, 2 * s->n, sizeof *s->stretches)) {
    pw_free(open);
    return -1;
  }
  sort(s);
  uint64_t next = 0; /* no address below has to be shown any more */
  s->n_stretches = 0;
  for (size_t i = 0; i <= s->n; i++) {
    uint64_t start = i < s->n ? s->items[i].first : UINT64_MAX;
    for (; n_open && (i == s->n || s->items[open[n_open - 1]].last < start); n_open--)
      show(s, &s->items[open[n_open - 1]], &next, UINT64_MAX);
    if (i == s->n) break;
    if (n_open && start) show(s, &s->items[open[n_open - 1]], &next, start - 1);
    if (next < start) next = start;
    open[n_open++] = i;
  }
  pw_free(open);
  s->flat = true;
  return 0;
}

int pw_symbols_find(struct pw_symbols *s, uint64_t address, const struct pw_symbol_stretch **found)
{
  *found = NULL;
  if (!s || s->n == 0) return 0;
  if (!s->flat && flatten(s)) return -1;
  size_t low = 0, high = s->n_stretches;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (s->stretches[middle].last < address) low = middle + 1;
    else high = middle;
  }
  if (low < s->n_stretches && s->stretches[low].first <= address) *found = &s->stretches[low];
  return 0;
}
