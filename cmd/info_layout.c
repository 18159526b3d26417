/* The address-space layout that a trace's map events tell: areas, what they are, how much was touched.
 *
 * Models all that was ever mapped, each address as it was mapped last, so that pages touched at any
 * time find their area; unmaps are not needed for that. Not modelled: what a forked child inherits,
 * changes of protection, and which anonymous mapping is a thread's stack.
 *
 * The mappings of a process are painted from the last to the first on the stretches between their
 * ends; a painted stretch is skipped by a union-find, so that n mappings take O(n log n).
 * Invariant: the rows of a process rise in address and do not overlap. */
#include "info_layout.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heap.h"
#include "say.h"

#define MOST_ROWS 40u /* printed unless all are asked for */
#define NO_MAPPING SIZE_MAX
#define PAGES_OF(address) ((uint64_t)(address) >> PW_BASE_SHIFT)

enum kind { PROGRAM, LIBRARY, PLAIN_FILE, HEAP, STACK, ANONYMOUS, SPECIAL };

struct mapping {
  uint64_t first, end; /* page numbers */
  const char *name;    /* borrowed from the layout's names; NULL = anonymous */
  uint8_t protection;
  bool early;          /* before the first access: the kernel's work, not the program's */
  bool bss;            /* has no file of its own, belongs to the one before it */
};

struct layout_space {
  struct mapping *mappings;
  size_t n, room;
  bool left; /* by an exec: the next mapping is another program's */
};

struct row {
  uint64_t first, end;
  const char *name;
  enum kind kind;
  uint8_t protections; /* one bit for each of the eight that occur */
  size_t touched;
};

struct rows {
  struct row *items;
  size_t n, room;
  uint64_t process_key;
  const struct pageset *code, *data;
};

/* ---- taking events ---- */

/* Segments of a file are mapped one after the other, so the last names will do. */
static const char *keep_name(struct layout *l, const struct pw_event *e)
{
  if (!e->text || !e->text_bytes) return NULL;
  char *name = heap_text("%.*s", (int)e->text_bytes, e->text);
  for (size_t i = l->n_names; i > 0 && i + 16 > l->n_names; i--) {
    if (strcmp(l->names[i - 1], name) != 0) continue;
    free(name);
    return l->names[i - 1];
  }
  l->names = heap_grow(l->names, &l->room_names, l->n_names + 1, sizeof *l->names);
  return l->names[l->n_names++] = name;
}

static bool is_file(const char *name)
{
  return name && name[0] != '[';
}

static void take_map(struct layout *l, const struct pw_event *e, bool early)
{
  if (e->b == 0) return;
  if (!l->spaces) l->spaces = heap_zero(PW_PROCESSES + 1, sizeof *l->spaces);
  struct layout_space *s = &l->spaces[l->process];
  if (s->left) s->n = 0;
  s->left = false;
  uint64_t last = e->b - 1 > UINT64_MAX - e->a ? UINT64_MAX : e->a + e->b - 1;
  struct mapping m = {PAGES_OF(e->a), PAGES_OF(last) + 1, keep_name(l, e), e->c & 7, early, false};
  const struct mapping *before = s->n ? &s->mappings[s->n - 1] : NULL;
  /* a loader maps the zeroed rest of a file's data (.bss) right after and behind that data */
  if (!m.name && before && is_file(before->name) && !before->bss && before->protection == 3 && m.protection == 3 &&
      before->end == m.first) {
    m.name = before->name;
    m.bss = true;
  }
  s->mappings = heap_grow(s->mappings, &s->room, s->n + 1, sizeof m);
  s->mappings[s->n++] = m;
}

void layout_take(struct layout *l, const struct pw_block *block)
{
  for (uint32_t i = 0; i < block->n_events; i++) {
    const struct pw_event *e = &block->events[i];
    if (e->kind == PW_EVENT_PROCESS && e->b <= PW_PROCESSES) l->process = (uint32_t)e->b;
    if (e->kind == PW_EVENT_EXEC && l->spaces) l->spaces[l->process].left = true;
    if (e->kind == PW_EVENT_MAP) take_map(l, e, !l->started && e->at == 0);
  }
  if (block->n_visits) l->started = true;
}

void layout_clear(struct layout *l)
{
  for (size_t i = 0; l->spaces && i <= PW_PROCESSES; i++) free(l->spaces[i].mappings);
  for (size_t i = 0; i < l->n_names; i++) free(l->names[i]);
  free(l->spaces);
  free(l->names);
  memset(l, 0, sizeof *l);
}

/* ---- painting ---- */

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

static size_t unpainted(size_t *next, size_t i)
{
  while (next[i] != i) i = next[i] = next[next[i]];
  return i;
}

/* Returns the number of stretches; ends[i] to ends[i + 1] shows mapping owners[i]. */
static size_t paint(const struct layout_space *s, uint64_t *ends, size_t *owners)
{
  size_t n = 0, *next = heap_zero(2 * s->n, sizeof *next);
  for (size_t i = 0; i < s->n; i++) {
    ends[2 * i] = s->mappings[i].first;
    ends[2 * i + 1] = s->mappings[i].end;
  }
  qsort(ends, 2 * s->n, sizeof *ends, by_number);
  for (size_t i = 0; i < 2 * s->n; i++)
    if (n == 0 || ends[n - 1] != ends[i]) ends[n++] = ends[i];
  for (size_t i = 0; i < n; i++) {
    next[i] = i;
    owners[i] = NO_MAPPING;
  }
  for (size_t m = s->n; m-- > 0;) {
    size_t end = lower_bound(ends, n, s->mappings[m].end);
    for (size_t i = unpainted(next, lower_bound(ends, n, s->mappings[m].first)); i < end; i = unpainted(next, i)) {
      owners[i] = m;
      next[i] = i + 1;
    }
  }
  free(next);
  return n - 1;
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

static bool same_name(const char *a, const char *b)
{
  return a == b || (a && b && strcmp(a, b) == 0);
}

/* The first file mapped is the program. */
static const char *find_program(const struct layout_space *s)
{
  for (size_t i = 0; i < s->n; i++)
    if (is_file(s->mappings[i].name)) return s->mappings[i].name;
  return NULL;
}

/* A file that is executable, or called so, is a library. */
static enum kind kind_of(const struct mapping *m, const char *program, const struct mapping *stack)
{
  if (m == stack || same_name(m->name, "[stack]")) return STACK;
  if (!m->name) return ANONYMOUS;
  if (!is_file(m->name)) return same_name(m->name, "[heap]") ? HEAP : SPECIAL;
  if (same_name(program, m->name)) return PROGRAM;
  const char *so = strstr(m->name, ".so");
  return m->protection & 4 || (so && (so[3] == '\0' || (so[3] == '.' && so[4] >= '0' && so[4] <= '9'))) ? LIBRARY : PLAIN_FILE;
}

/* A trace need not name the stack: the kernel puts it above all else that a program starts with. */
static const struct mapping *find_stack(const struct layout_space *s)
{
  const struct mapping *stack = NULL;
  for (size_t i = 0; i < s->n; i++) {
    const struct mapping *m = &s->mappings[i];
    if (same_name(m->name, "[stack]")) return m;
    if (m->early && !m->name && (m->protection & 3) == 3 && m->end <= PAGES_OF(UINT64_C(1) << 63) && (!stack || m->first > stack->first))
      stack = m;
  }
  return stack;
}

static void add_row(struct rows *r, struct row row, bool all)
{
  struct row *last = r->n ? &r->items[r->n - 1] : NULL;
  bool file = row.kind == LIBRARY || row.kind == PLAIN_FILE;
  if (last && last->end == row.first && same_name(last->name, row.name) &&
      ((last->kind == row.kind && last->protections == row.protections) ||
       (!all && file && (last->kind == LIBRARY || last->kind == PLAIN_FILE)))) {
    last->end = row.end;
    last->protections |= row.protections;
    if (row.kind == LIBRARY) last->kind = LIBRARY;
    return;
  }
  r->items = heap_grow(r->items, &r->room, r->n + 1, sizeof row);
  r->items[r->n++] = row;
}

static void make_rows(struct rows *r, const struct layout_space *s, bool all)
{
  uint64_t *ends = heap_zero(2 * s->n, sizeof *ends);
  size_t *owners = heap_zero(2 * s->n, sizeof *owners), n = paint(s, ends, owners);
  const struct mapping *stack = find_stack(s);
  const char *program = find_program(s);
  for (size_t i = 0; i < n; i++) {
    if (owners[i] == NO_MAPPING) continue;
    const struct mapping *m = &s->mappings[owners[i]];
    add_row(r, (struct row){ends[i], ends[i + 1], m->name, kind_of(m, program, stack), (uint8_t)(1 << m->protection), 0}, all);
  }
  for (size_t i = 0; i < r->n; i++) {
    struct row *row = &r->items[i];
    /* a stack grows without an event: what was touched in the gap below it is its own */
    if (i && row->kind == STACK) row->first = lowest_touched(r, row[-1].end, row->first);
    row->touched = touched(r, row->first, row->end);
  }
  free(ends);
  free(owners);
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

static void print_row(const struct row *row, int digits)
{
  static const char *const words[] = {"program ", "library ", "file ", "heap", "stack", "anonymous mapping", ""};
  char size[32], pages[32], name[4096];
  human_bytes(size, sizeof size, (row->end - row->first) << PW_BASE_SHIFT);
  human_count(pages, sizeof pages, row->touched);
  text_printable(name, sizeof name, row->kind == PROGRAM || row->kind == LIBRARY || row->kind == PLAIN_FILE || row->kind == SPECIAL ? row->name : "");
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
    const struct row *row = &r->items[i];
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

void layout_print(const struct layout *l, const struct pageset *code, const struct pageset *data, bool all)
{
  size_t n = 0;
  for (size_t i = 0; l->spaces && i <= PW_PROCESSES; i++) n += l->spaces[i].n > 0;
  for (size_t i = 0; n && i <= PW_PROCESSES; i++) {
    if (!l->spaces[i].n) continue;
    struct rows rows = {.process_key = (uint64_t)i << PW_PAGE_BITS, .code = code, .data = data};
    make_rows(&rows, &l->spaces[i], all);
    if (n > 1) printf("  process %zu\n", i);
    print_rows(&rows, all);
    free(rows.items);
  }
}
