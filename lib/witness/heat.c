/* Counts by address and time. See heat.h. */
#include "witness/heat.h"

#include <string.h>

#include "base/alloc.h"

int pw_heat_create(struct pw_heat **heat)
{
  struct pw_heat *h = *heat = pw_calloc(1, sizeof *h);
  if (!h) return -1;
  h->keys = pw_malloc(PW_HEAT_ROWS, sizeof *h->keys);
  h->names = pw_malloc(PW_HEAT_ROWS, sizeof *h->names);
  h->counts = pw_calloc((size_t)PW_HEAT_ROWS * PW_HEAT_COLUMNS, sizeof *h->counts);
  if (h->keys && h->names && h->counts && pw_pagemap_reserve(&h->rows, PW_HEAT_ROWS) == 0) return 0;
  pw_heat_destroy(h);
  *heat = NULL;
  return -1;
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

static uint64_t *row_of(const struct pw_heat *h, size_t row)
{
  return h->counts + row * PW_HEAT_COLUMNS;
}

void pw_heat_reset(struct pw_heat *h)
{
  memset(h->counts, 0, (size_t)PW_HEAT_ROWS * PW_HEAT_COLUMNS * sizeof *h->counts);
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

void pw_heat_add(struct pw_heat *h, uint64_t key, uint32_t name, uint64_t when, uint64_t n)
{
  while (when >> h->column_shift >= PW_HEAT_COLUMNS) join_columns(h);
  bool added;
  uint32_t *there;
  while (!(there = pw_pagemap_find(&h->rows, key >> h->row_shift)) && h->rows.n == PW_HEAT_ROWS) join_rows(h);
  uint32_t row = there ? *there : *pw_pagemap_insert(&h->rows, key >> h->row_shift, (uint32_t)h->rows.n, &added);
  if (!there) {
    h->keys[row] = key >> h->row_shift;
    h->names[row] = name;
  }
  row_of(h, row)[when >> h->column_shift] += n;
}
