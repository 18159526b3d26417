/* The layout of the address space that a trace's map events tell, with how much of each area was touched.
 *
 * Areas are as mapped last (pw_layout_next), so that pages touched at any time find theirs. Not modelled: what a
 * forked child inherits, changes of protection, and which anonymous mapping is a thread's stack.
 * Invariant: the rows of a process rise in address and do not overlap. */
#include "info_layout.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heap.h"
#include "say.h"

#define MOST_ROWS 40u /* printed unless all are asked for */
#define PAGES_OF(address) ((uint64_t)(address) >> PW_BASE_SHIFT)

struct layout_row {
  uint64_t first, end;
  const char *name;
  enum pw_layout_kind kind;
  uint8_t protections; /* one bit for each of the eight that occur */
  size_t touched;
};

struct rows {
  struct layout_row *items;
  size_t n, room;
  uint64_t process_key;
  const struct pageset *code, *data;
};

static int by_number(const void *a, const void *b)
{
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

/* The first of the sorted numbers that is not below x. */
static size_t lower_bound(const uint64_t *numbers, size_t n, uint64_t x)
{
  size_t low = 0;
  while (low < n) {
    size_t middle = low + (n - low) / 2;
    if (numbers[middle] < x)
      low = middle + 1;
    else
      n = middle;
  }
  return low;
}

/* ---- rows ---- */

static size_t touched(const struct rows *r, uint64_t first, uint64_t end)
{
  struct pageset part[2];
  const struct pageset *sets[] = {r->code, r->data};
  for (int i = 0; i < 2; i++) {
    size_t low = lower_bound(sets[i]->keys, sets[i]->n, r->process_key | first);
    size_t high = lower_bound(sets[i]->keys, sets[i]->n, r->process_key + end);
    part[i] = (struct pageset){.n = high - low, .keys = sets[i]->keys ? sets[i]->keys + low : NULL};
  }
  return pageset_union(&part[0], &part[1]);
}

/* The lowest page touched in first … end, or end. */
static uint64_t lowest_touched(const struct rows *r, uint64_t first, uint64_t end)
{
  const struct pageset *sets[] = {r->code, r->data};
  uint64_t lowest = r->process_key + end;
  for (int i = 0; i < 2; i++) {
    size_t at = lower_bound(sets[i]->keys, sets[i]->n, r->process_key | first);
    if (at < sets[i]->n && sets[i]->keys[at] < lowest) lowest = sets[i]->keys[at];
  }
  return lowest - r->process_key;
}

static void add_row(struct rows *r, struct layout_row row, bool all)
{
  struct layout_row *last = r->n ? &r->items[r->n - 1] : NULL;
  bool file = row.kind == PW_LAYOUT_LIBRARY || row.kind == PW_LAYOUT_FILE;
  if (last && last->end == row.first && strcmp(last->name, row.name) == 0 &&
      ((last->kind == row.kind && last->protections == row.protections) ||
       (!all && file && (last->kind == PW_LAYOUT_LIBRARY || last->kind == PW_LAYOUT_FILE)))) {
    last->end = row.end;
    last->protections |= row.protections;
    if (row.kind == PW_LAYOUT_LIBRARY) last->kind = PW_LAYOUT_LIBRARY;
    return;
  }
  r->items = heap_grow(r->items, &r->room, r->n + 1, sizeof row);
  r->items[r->n++] = row;
}

static void make_rows(struct rows *r, const struct pw_layout *layout, uint32_t process, bool all)
{
  struct pw_layout_area a;
  for (uint64_t page = 0; pw_layout_next(layout, process, page, &a); page = a.last_page + 1)
    add_row(r, (struct layout_row){a.first_page, a.last_page + 1, a.name, a.kind, (uint8_t)(1 << a.rights), 0}, all);
  for (size_t i = 0; i < r->n; i++) {
    struct layout_row *row = &r->items[i];
    /* a stack grows without an event: what was touched in the gap below it is its own */
    if (i && row->kind == PW_LAYOUT_STACK) row->first = lowest_touched(r, row[-1].end, row->first);
    row->touched = touched(r, row->first, row->end);
  }
}

/* ---- printing ---- */

static void print_range(uint64_t first, uint64_t end, int digits)
{
  printf("  %0*" PRIx64 "-%0*" PRIx64, digits, first << PW_BASE_SHIFT, digits, (end << PW_BASE_SHIFT) - 1);
}

static void print_protections(unsigned protections)
{
  char text[40];
  size_t n = 0;
  for (unsigned p = 0; p < 8; p++) {
    if (!(protections >> p & 1)) continue;
    if (n) text[n++] = ',';
    text[n++] = p & 1 ? 'r' : '-';
    text[n++] = p & 2 ? 'w' : '-';
    text[n++] = p & 4 ? 'x' : '-';
  }
  text[n] = '\0';
  printf("  %-11s", text);
}

static void print_row(const struct layout_row *row, int digits)
{
  static const char *const words[] = {"program ", "library ", "file ", "heap", "stack", "anonymous mapping", ""};
  char size[32], pages[32], name[4096];
  bool named = row->kind <= PW_LAYOUT_FILE || row->kind == PW_LAYOUT_SPECIAL;
  human_bytes(size, sizeof size, (row->end - row->first) << PW_BASE_SHIFT);
  human_count(pages, sizeof pages, row->touched);
  text_printable(name, sizeof name, named ? row->name : "");
  print_range(row->first, row->end, digits);
  printf("  %10s  %9s", size, pages);
  print_protections(row->protections);
  printf("  %s%s\n", words[row->kind], name);
}

static void print_part(const struct rows *r, const char *name, uint64_t first, uint64_t end, int digits)
{
  char pages[32];
  human_count(pages, sizeof pages, touched(r, first, end));
  print_range(first, end, digits);
  printf("  %10s  %9s  %11s  %s\n", "", pages, "", name);
}

static uint64_t highest_end(const struct rows *r)
{
  uint64_t end = r->n ? r->items[r->n - 1].end : 0;
  for (uint64_t bit = UINT64_C(1) << PW_PAGE_BITS; bit > end; bit >>= 1)
    if (touched(r, bit >> 1, bit)) return bit;
  return end;
}

/* Where user and kernel part, if no address contradicts it. */
static void print_split(const struct rows *r, int digits)
{
  const uint64_t top = UINT64_C(1) << PW_PAGE_BITS, user = PAGES_OF(UINT64_C(1) << 47), kernel = top - user;
  const uint64_t most = PAGES_OF(UINT64_C(1) << 32), split = PAGES_OF(0xc0000000);
  if (digits == 8) {
    if (highest_end(r) > split) return; /* another split, or a 64-bit kernel, which leaves all 4 GiB */
    print_part(r, "user part (32-bit Linux, 3 GiB of 4)", 0, split, digits);
    print_part(r, "kernel part", split, most, digits);
    return;
  }
  for (size_t i = 0; i < r->n; i++)
    if (r->items[i].first < kernel && r->items[i].end > user) return;
  if (touched(r, user, kernel)) return; /* not x86-64, or with five levels */
  print_part(r, "user half (x86-64)", 0, user, digits);
  print_part(r, "hole: not canonical, no addresses", user, kernel, digits);
  print_part(r, "kernel half", kernel, top, digits);
}

/* At least so many pages are touched in a row that is printed. */
static size_t least_touched(const struct rows *r, bool all)
{
  if (all || r->n <= MOST_ROWS) return 0;
  uint64_t *counts = heap_zero(r->n, sizeof *counts);
  for (size_t i = 0; i < r->n; i++) counts[i] = r->items[i].touched;
  qsort(counts, r->n, sizeof *counts, by_number);
  size_t least = (size_t)counts[r->n - MOST_ROWS];
  free(counts);
  return least;
}

static void print_rows(const struct rows *r, bool all)
{
  int digits = highest_end(r) <= PAGES_OF(UINT64_C(1) << 32) ? 8 : 16;
  size_t inside = 0, least = least_touched(r, all), more = 0, more_touched = 0, room = 0;
  for (size_t i = 0; i < r->n; i++) room += r->items[i].touched > least;
  room = all || r->n <= MOST_ROWS ? r->n : MOST_ROWS - room; /* for rows with just `least` */
  printf("  %-*s  %10s  %9s  %-11s  %s\n", 2 * digits + 1, "addresses", "size", "touched", "protection", "what, as mapped last");
  for (size_t i = 0; i < r->n; i++) {
    const struct layout_row *row = &r->items[i];
    inside += row->touched;
    if (row->touched > least || (row->touched == least && room && room--)) {
      print_row(row, digits);
    } else {
      more++;
      more_touched += row->touched;
    }
  }
  if (more) printf("  … and %zu more, %zu pages touched in them: --all lists them\n", more, more_touched);
  size_t outside = touched(r, 0, UINT64_C(1) << PW_PAGE_BITS) - inside;
  if (outside) printf("  %zu page%s touched where no event maps anything\n", outside, outside == 1 ? "" : "s");
  print_split(r, digits);
}

void layout_print(const struct pw_layout *layout, const struct pageset *code, const struct pageset *data, bool all)
{
  struct pw_layout_area area;
  size_t n = 0;
  for (uint32_t i = 0; i <= PW_PROCESSES; i++) n += pw_layout_next(layout, i, 0, &area);
  for (uint32_t i = 0; n && i <= PW_PROCESSES; i++) {
    if (!pw_layout_next(layout, i, 0, &area)) continue;
    struct rows rows = {.process_key = (uint64_t)i << PW_PAGE_BITS, .code = code, .data = data};
    make_rows(&rows, layout, i, all);
    if (n > 1) printf("  process %" PRIu32 "\n", i);
    print_rows(&rows, all);
    free(rows.items);
  }
}
