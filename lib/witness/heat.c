/* Counts by address and time. See heat.h. */
#include "witness/heat.h"

#include <string.h>

#include "base/alloc.h"
#include "base/block.h"

static uint64_t *row_of(const struct pw_heat *h, size_t row)
{
  return h->counts + row * PW_HEAT_COLUMNS;
}

static void join_columns(struct pw_heat *h)
{
  for (size_t row = 0; row < h->rows.n; row++) {
    uint64_t *counts = row_of(h, row);
    for (size_t i = 0; i < PW_HEAT_COLUMNS / 2; i++) counts[i] = counts[2 * i] + counts[2 * i + 1];
    memset(counts + PW_HEAT_COLUMNS / 2, 0, PW_HEAT_COLUMNS / 2 * sizeof *counts);
  }
  h->column_shift++;
}

/* Processes stay apart: a key's top bits are the process, and rows never grow that wide. */
static void join_rows(struct pw_heat *h)
{
  size_t n = h->rows.n;
  for (size_t row = 0; row < n; row++) pw_pagemap_remove(&h->rows, h->keys[row]);
  h->row_shift++;
  for (size_t row = 0; row < n; row++) {
    bool added;
    uint64_t key = h->keys[row] >> 1;
    uint32_t to = *pw_pagemap_insert(&h->rows, key, (uint32_t)h->rows.n, &added);
    if (added) { /* never behind the row that it is made of */
      h->keys[to] = key;
      h->names[to] = h->names[row];
      if (to != row) memmove(row_of(h, to), row_of(h, row), PW_HEAT_COLUMNS * sizeof *h->counts);
    } else {
      for (size_t i = 0; i < PW_HEAT_COLUMNS; i++) row_of(h, to)[i] += row_of(h, row)[i];
    }
    if (to != row) memset(row_of(h, row), 0, PW_HEAT_COLUMNS * sizeof *h->counts);
  }
}

/* n more on the base page of this key, when `when` accesses had been made. */
static void add(struct pw_heat *h, uint64_t key, uint64_t when, uint64_t n)
{
  while (when >> h->column_shift >= PW_HEAT_COLUMNS) join_columns(h);
  bool added;
  uint32_t *there;
  while (!(there = pw_pagemap_find(&h->rows, key >> h->row_shift)) && h->rows.n == PW_HEAT_ROWS) join_rows(h);
  uint32_t row = there ? *there : *pw_pagemap_insert(&h->rows, key >> h->row_shift, (uint32_t)h->rows.n, &added);
  if (!there) {
    h->keys[row] = key >> h->row_shift;
    h->names[row] = pw_who_region(h->who, key);
  }
  row_of(h, row)[when >> h->column_shift] += n;
}

/* ---- what it is told ---- */

static int begin(struct pw_witness *w, const struct pw_paged *paged, const uint64_t *key, struct pw_error *err)
{
  struct pw_heat *h = (struct pw_heat *)w;
  (void)err;
  h->block = paged->block;
  h->key = key;
  h->from = h->to = 0;
  return 0;
}

/* Every access of an absent first level passes on, and walks where there is no second. */
static void passes(struct pw_heat *h, unsigned stream, uint32_t visit, uint64_t n)
{
  const struct pw_config *c = &h->config;
  if (!n || !h->wants[stream] || c->stlb.entries || (stream ? c->itlb : c->dtlb).entries) return;
  add(h, pw_opened_key(h->block, h->opener[stream]), h->when[visit - h->from], n);
}

static void visits(struct pw_witness *w, uint32_t from, uint32_t to)
{
  struct pw_heat *h = (struct pw_heat *)w;
  const struct pw_block *b = h->block;
  h->from = from;
  h->to = to;
  for (uint32_t i = from; i < to; i++) {
    uint64_t data = (uint64_t)b->loads[i] + b->stores[i];
    h->opener[b->flags[i] & PW_VISIT_CODE] = i;
    h->when[i - from] = h->accesses;
    h->accesses += b->fetches[i] + data;
    if (h->of != PW_HEAT_WALKS) continue;
    passes(h, 1, i, b->fetches[i]);
    passes(h, 0, i, data);
  }
}

static void put(struct pw_heat *h, const struct pw_place *place, uint64_t n)
{
  uint64_t when = place->visit < h->to ? h->when[place->visit - h->from] : h->accesses; /* a copy comes before its visit */
  add(h, pw_opened_key(h->block, place->opener), when, n);
}

static void missed(struct pw_witness *w, enum pw_array array, const struct pw_place *place, uint64_t n)
{
  struct pw_heat *h = (struct pw_heat *)w;
  bool walks = (array == PW_ARRAY_STLB) == (h->config.stlb.entries > 0);
  if (h->of == PW_HEAT_WALKS ? walks : h->of == PW_HEAT_DTLB && array == PW_ARRAY_DTLB) put(h, place, n);
}

static void faulted(struct pw_witness *w, uint32_t frame, uint32_t id, bool major, const struct pw_place *place)
{
  struct pw_heat *h = (struct pw_heat *)w;
  unsigned shift = h->config.page_shift - PW_BASE_SHIFT;
  (void)frame;
  if (!major || h->of != PW_HEAT_FAULTS) return;
  if (place->event == PW_BY_VISIT) put(h, place, 1);
  else add(h, pw_key(pw_key_process(h->key[id]), (h->key[id] & PW_PAGE_MASK) << shift), h->accesses, 1);
}

static void changed(struct pw_witness *w, const struct pw_change *change, const struct pw_place *place)
{
  if (change->kind == PW_CHANGE_FAULT) faulted(w, 0, change->id, true, place);
}

static void count(struct pw_witness *w)
{
  struct pw_heat *h = (struct pw_heat *)w;
  memset(h->counts, 0, (size_t)PW_HEAT_ROWS * PW_HEAT_COLUMNS * sizeof *h->counts);
}

static const struct pw_witness_class class = {.begin = begin, .visits = visits, .changed = changed, .faulted = faulted,
                                              .missed = missed, .count = count};

/* ---- beginning and end ---- */

struct pw_heat *pw_heat_create(enum pw_heat_of of, const struct pw_config *config, enum pw_stream only, struct pw_who *who)
{
  struct pw_heat *h = pw_calloc(1, sizeof *h);
  if (!h) return NULL;
  h->witness.class = &class;
  h->of = of;
  h->config = *config;
  h->wants[0] = only != PW_STREAM_FETCH;
  h->wants[1] = only != PW_STREAM_DATA;
  h->who = who;
  h->keys = pw_malloc(PW_HEAT_ROWS, sizeof *h->keys);
  h->names = pw_malloc(PW_HEAT_ROWS, sizeof *h->names);
  h->counts = pw_calloc((size_t)PW_HEAT_ROWS * PW_HEAT_COLUMNS, sizeof *h->counts);
  if (h->keys && h->names && h->counts && pw_pagemap_reserve(&h->rows, PW_HEAT_ROWS) == 0) return h;
  pw_heat_destroy(h);
  return NULL;
}

void pw_heat_destroy(struct pw_heat *h)
{
  if (!h) return;
  pw_pagemap_clear(&h->rows);
  pw_free(h->keys);
  pw_free(h->names);
  pw_free(h->counts);
  pw_free(h);
}
