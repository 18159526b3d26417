/* Makes small traces for tests: accesses and events to blocks, blocks to a .pwt in memory, and back to touches.
 *
 * The builder collapses accesses to visits in the plainest way that docs/trace-format.md allows (it keeps
 * every touch of the open visit in a list), so it shares no code with the library's visits. */
#ifndef TRACEKIT_H
#define TRACEKIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "base/block.h"
#include "base/random.h"
#include "pagewalk.h"
#include "trace/pwt_write.h"

/* Calls that must succeed; the sentence is shown when they do not. */
#define KIT_OK(call, err)                                                              \
  do {                                                                                 \
    int kit_status = (call);                                                           \
    if (kit_status) fail_msg("%s: status %d: %s", #call, kit_status, (err).text);      \
  } while (0)

/* Sanitizers look for what a third of the random cases shows as well; the numbers are the plain build's to check. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
enum { SLOW = 1 };
#else
enum { SLOW = 0 };
#endif

static inline void *kit_alloc(size_t n, size_t size_bytes)
{
  void *p = calloc(n ? n : 1, size_bytes);
  assert_non_null(p);
  return p;
}

/* True when the allocation that was to fail was not reached: it still lies ahead. */
static inline bool kit_still_armed(void)
{
  for (int i = 0; i < 1000000; i++) {
    void *p = pw_malloc(1, 1);
    if (!p) return true;
    pw_free(p);
  }
  return false;
}

/* ---- bytes: a .pwt being written to memory ---- */

struct kit_file {
  FILE *stream;
  char *bytes;
  size_t n;
  struct pw_writer *writer;
};

static inline void kit_file_open(struct kit_file *f, const struct pw_writer_options *options)
{
  static const struct pw_writer_options plain = {0};
  struct pw_error err = {0};
  memset(f, 0, sizeof *f);
  f->stream = open_memstream(&f->bytes, &f->n);
  assert_non_null(f->stream);
  KIT_OK(pw_writer_create_stream(&f->writer, f->stream, "T", options ? options : &plain, &err), err);
}

static inline void kit_file_add(struct kit_file *f, const struct pw_block *block)
{
  struct pw_error err = {0};
  KIT_OK(pw_writer_add(f->writer, block, &err), err);
}

static inline void kit_file_finish(struct kit_file *f)
{
  struct pw_error err = {0};
  KIT_OK(pw_writer_finish(f->writer, &err), err);
  pw_writer_destroy(f->writer);
  f->writer = NULL;
  assert_int_equal(fclose(f->stream), 0);
  f->stream = NULL;
}

static inline void kit_file_free(struct kit_file *f)
{
  free(f->bytes);
  f->bytes = NULL;
}

/* ---- builder: accesses and events to blocks ---- */

struct kit_builder {
  uint32_t n_visits, n_events, n_keys;
  uint64_t key[PW_BLOCK_VISITS];
  uint64_t keys[PW_BLOCK_VISITS];
  uint16_t page[PW_BLOCK_VISITS], count[4][PW_BLOCK_VISITS];
  uint8_t flags[PW_BLOCK_VISITS];
  bool sides;                /* give the block side columns, made up */
  uint16_t offset[PW_BLOCK_VISITS];
  uint64_t pc[PW_BLOCK_VISITS];
  struct pw_event events[PW_BLOCK_VISITS];
  struct pw_totals totals;
  struct pw_block block;
  /* the open visit, touch by touch */
  bool open, store_first;
  uint32_t n_touches, counts[3];
  uint8_t code[4096], wrote[4096];
  uint64_t current[2]; /* data, code */
};

static inline void kit_start(struct kit_builder *b)
{
  b->n_visits = b->n_events = 0;
  b->totals = (struct pw_totals){0, 0, 0};
  b->open = false;
  b->current[0] = b->current[1] = UINT64_MAX;
}

static inline void kit_close_visit(struct kit_builder *b)
{
  if (!b->open) return;
  b->open = false;
  uint32_t i = b->n_visits++, n = b->n_touches, replayed = n;
  while (replayed > 4) replayed -= 2;
  unsigned flags = (b->code[0] ? 1u : 0u) | (b->store_first ? 2u : 0u) | (replayed - 1) << 2;
  /* the data page's touches beyond its second in the pattern count with the second */
  unsigned in_pattern = b->code[0] ? replayed / 2 : (replayed + 1) / 2, seen = 0;
  for (uint32_t t = 0; t < n; t++) {
    if (b->code[t]) continue;
    seen++;
    if (b->wrote[t]) flags |= seen >= 2 && in_pattern >= 2 ? 32u : 16u;
  }
  b->flags[i] = (uint8_t)flags;
  b->key[i] = b->current[b->code[0]];
  for (int c = 0; c < 3; c++) b->count[c][i] = (uint16_t)b->counts[c];
  b->count[3][i] = (uint16_t)n;
  b->totals.fetches += b->counts[PW_FETCH];
  b->totals.loads += b->counts[PW_LOAD];
  b->totals.stores += b->counts[PW_STORE];
}

/* One access on one base page. */
static inline void kit_access(struct kit_builder *b, uint32_t process, uint64_t page, uint32_t op)
{
  uint8_t code = op == PW_FETCH;
  uint64_t key = (uint64_t)process << 52 | page;
  if (!b->open || b->current[code] != key || b->n_touches == 4095 || b->counts[op] == UINT16_MAX) {
    kit_close_visit(b);
    assert_true(b->n_visits < PW_BLOCK_VISITS);
    b->open = true;
    b->current[code] = key;
    b->store_first = op == PW_STORE;
    b->n_touches = 0;
    memset(b->counts, 0, sizeof b->counts);
  }
  if (b->n_touches == 0 || b->code[b->n_touches - 1] != code) {
    b->code[b->n_touches] = code;
    b->wrote[b->n_touches++] = 0;
  }
  if (op == PW_STORE) b->wrote[b->n_touches - 1] = 1;
  b->counts[op]++;
}

static inline void kit_event(struct kit_builder *b, struct pw_event event)
{
  kit_close_visit(b);
  assert_true(b->n_events < PW_BLOCK_VISITS);
  event.at = b->n_visits;
  b->events[b->n_events++] = event;
  b->current[0] = b->current[1] = UINT64_MAX;
}

static inline int kit_compare_keys(const void *a, const void *b)
{
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

/* Side columns that depend on the visits alone; an instruction may be anywhere. */
static inline void kit_make_sides(struct kit_builder *b)
{
  for (uint32_t i = 0; i < b->n_visits; i++) {
    uint64_t random = (b->key[i] + i) * UINT64_C(0x9e3779b97f4a7c15);
    b->offset[i] = (uint16_t)(random >> 52);
    b->pc[i] = random >> (random & 63);
    if (b->flags[i] & PW_VISIT_CODE) b->pc[i] = b->key[i] << 12 | b->offset[i];
  }
  b->block.offset = b->offset;
  b->block.pc = b->pc;
}

/* The finished block, valid until the next kit_start. */
static inline const struct pw_block *kit_finish(struct kit_builder *b)
{
  kit_close_visit(b);
  memcpy(b->keys, b->key, b->n_visits * sizeof *b->key);
  qsort(b->keys, b->n_visits, sizeof *b->keys, kit_compare_keys);
  b->n_keys = 0;
  for (uint32_t i = 0; i < b->n_visits; i++)
    if (i == 0 || b->keys[i] != b->keys[b->n_keys - 1]) b->keys[b->n_keys++] = b->keys[i];
  for (uint32_t i = 0; i < b->n_visits; i++) {
    const uint64_t *at = bsearch(&b->key[i], b->keys, b->n_keys, sizeof *b->keys, kit_compare_keys);
    b->page[i] = (uint16_t)(at - b->keys);
  }
  b->block = (struct pw_block){.n_visits = b->n_visits, .n_pages = b->n_keys, .n_events = b->n_events, .pages = b->keys,
                               .page = b->page, .flags = b->flags, .fetches = b->count[0], .loads = b->count[1],
                               .stores = b->count[2], .touches = b->count[3], .events = b->events, .totals = b->totals};
  if (b->sides) kit_make_sides(b);
  return &b->block;
}

/* ---- what every block must obey ---- */

/* What the models rely on without looking. */
static inline void kit_check_indices(const struct pw_block *b)
{
  assert_true(b->n_visits <= PW_BLOCK_VISITS && b->n_pages <= b->n_visits && b->n_visits + b->n_events > 0);
  uint8_t *used = kit_alloc(b->n_pages, 1);
  bool opened[2] = {false, false};
  for (uint32_t i = 1; i < b->n_pages; i++) assert_true(b->pages[i - 1] < b->pages[i]);
  for (uint32_t i = 0; i < b->n_visits; i++) {
    assert_true(b->page[i] < b->n_pages);
    used[b->page[i]] = 1;
    opened[b->flags[i] & 1] = true;
    if (b->flags[i] & PW_VISIT_TOUCHES) assert_true(opened[0] && opened[1]);
    assert_int_equal(b->flags[i] >> 6, 0);
    if (b->touches) assert_true(b->touches[i] >= (b->flags[i] >> 2 & 3u) + 1);
  }
  for (uint32_t i = 0; i < b->n_pages; i++) assert_true(used[i]);
  for (uint32_t i = 0; i < b->n_events; i++)
    assert_true(b->events[i].at <= b->n_visits && (i == 0 || b->events[i - 1].at <= b->events[i].at));
  free(used);
}

/* And what a block that was made, not forged, keeps besides: counts and patterns fit each other. */
static inline void kit_check_block(const struct pw_block *b)
{
  kit_check_indices(b);
  struct pw_totals sum = {0, 0, 0};
  for (uint32_t i = 0; b->fetches && i < b->n_visits; i++) {
    unsigned n = (b->flags[i] >> 2 & 3u) + 1;
    assert_true((b->touches[i] - n) % 2 == 0 && (n > 2 || b->touches[i] == n));
    assert_true(b->fetches[i] + b->loads[i] + b->stores[i] >= b->touches[i]);
    sum.fetches += b->fetches[i];
    sum.loads += b->loads[i];
    sum.stores += b->stores[i];
  }
  if (b->fetches) assert_memory_equal(&sum, &b->totals, sizeof sum);
}

/* ---- touches: what a block says the models see ---- */

struct kit_touch {
  uint64_t key;
  uint8_t code, wrote;
};

struct kit_touches {
  size_t n, room;
  struct kit_touch *list;
};

static inline void kit_touch_add(struct kit_touches *t, uint64_t key, unsigned code, unsigned wrote)
{
  if (t->n == t->room) {
    t->room = t->room ? 2 * t->room : 1024;
    t->list = realloc(t->list, t->room * sizeof *t->list);
    assert_non_null(t->list);
  }
  t->list[t->n++] = (struct kit_touch){key, code != 0, wrote != 0};
}

/* The touches of visits [from, to) of the block; O is the C of the last visit of the other stream. */
static inline void kit_expand(const struct pw_block *b, uint32_t from, uint32_t to, struct kit_touches *out)
{
  uint64_t current[2] = {UINT64_MAX, UINT64_MAX};
  for (uint32_t i = 0; i < to; i++) {
    unsigned code = b->flags[i] & 1, n = (b->flags[i] >> 2 & 3u) + 1;
    current[code] = b->pages[b->page[i]];
    for (unsigned k = 0; i >= from && k < n; k++) {
      unsigned of = k % 2 ? 1 - code : code;
      kit_touch_add(out, current[of], of, of ? 0 : b->flags[i] & (k < 2 ? 16u : 32u));
    }
  }
}

#endif
