/* Prints the events of a trace, one a line, and checks each visit and event against them.
 *
 * What is checked: a page is mapped when it is visited, and may be stored to if it is; no map
 * lies on another; what is moved, protected or discarded is mapped. Complaints go to stderr and
 * make the exit status 1. Mappings are a list that is searched from its start: for tests. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pagewalk.h"

struct area {
  uint64_t start, end, bits;
};

static struct area areas[65536];
static size_t n_areas;
static unsigned complaints;

static void complain(const char *what, uint64_t address, uint64_t bytes)
{
  if (complaints++ < 20) fprintf(stderr, "%s: %" PRIx64 " + %" PRIx64 "\n", what, address, bytes);
}

static void add(uint64_t start, uint64_t end, uint64_t bits)
{
  if (start >= end) return;
  if (n_areas == sizeof areas / sizeof *areas) exit(2);
  areas[n_areas++] = (struct area){start, end, bits};
}

/* Takes the range out of all areas; the bytes that were there. */
static uint64_t cut(uint64_t start, uint64_t end)
{
  uint64_t found = 0;
  for (size_t i = 0; i < n_areas;) {
    struct area a = areas[i];
    if (a.end <= start || a.start >= end) {
      i++;
      continue;
    }
    uint64_t low = a.start > start ? a.start : start, high = a.end < end ? a.end : end;
    found += high - low;
    areas[i] = areas[--n_areas];
    add(a.start, low, a.bits);
    add(high, a.end, a.bits);
  }
  return found;
}

static const struct area *find(uint64_t address)
{
  for (size_t i = n_areas; i-- > 0;)
    if (address >= areas[i].start && address < areas[i].end) return &areas[i];
  return NULL;
}

static void check_range(const char *what, uint64_t start, uint64_t bytes)
{
  for (uint64_t page = start >> 12; page <= (start + bytes - 1) >> 12; page++)
    if (!find(page << 12)) {
      complain(what, start, bytes);
      return;
    }
}

static void apply(const struct pw_event *e)
{
  uint64_t end = e->a + e->b;
  switch (e->kind) {
  case PW_EVENT_MAP:
    for (size_t i = 0; i < n_areas; i++)
      if (areas[i].start < end && areas[i].end > e->a) complain("a map on another", e->a, e->b);
    add(e->a, end, e->c);
    break;
  case PW_EVENT_UNMAP: cut(e->a, end); break;
  case PW_EVENT_PROTECT:
    if (cut(e->a, end) != e->b) complain("protects what is not mapped", e->a, e->b);
    add(e->a, end, e->c);
    break;
  case PW_EVENT_MOVE:
    check_range("moves what is not mapped", e->a, e->b);
    check_range("moves to where nothing is mapped", e->c, e->b);
    break;
  case PW_EVENT_DISCARD: check_range("discards what is not mapped", e->a, e->b); break;
  case PW_EVENT_KERNEL_READ: check_range("the kernel read what is not mapped", e->a, e->b); break;
  case PW_EVENT_KERNEL_WRITE: check_range("the kernel wrote what is not mapped", e->a, e->b); break;
  default: break;
  }
}

static void print(const struct pw_event *e, uint64_t visit)
{
  static const char *const names[PW_EVENT_KINDS] = {"?", "thread", "process", "map", "unmap", "fork", "exec", "exit", "mark",
    "protect", "discard", "move", "kernel-read", "kernel-write", "thread-start", "thread-end", "backing", "symbol", "advise", "child"};
  printf("%" PRIu64 " %s %" PRIx64 " %" PRIx64 " %" PRIx64 " %.*s\n", visit, names[e->kind], e->a, e->b, e->c,
         (int)e->text_bytes, e->text ? e->text : "");
}

static void check_visits(const struct pw_block *b, uint32_t from, uint32_t to)
{
  static struct area last[2];
  for (uint32_t i = from; i < to; i++) {
    uint64_t address = b->pages[b->page[i]] << 12;
    unsigned stream = b->flags[i] & PW_VISIT_CODE, need = b->stores[i] && !stream ? PW_MAP_WRITE : 0;
    struct area *a = &last[stream];
    if (i == from || address < a->start || address >= a->end) {
      const struct area *found = find(address);
      *a = found ? *found : (struct area){0};
      if (!found) complain("visits what is not mapped", address, 4096);
    }
    if (a->end && need & ~a->bits) complain("stores to what may not be written", address, 4096);
  }
}

int main(int argc, char **argv)
{
  struct pw_trace *trace;
  struct pw_error err;
  struct pw_trace_options options = {.counts = true};
  if (argc != 2 || pw_trace_open(&trace, argv[1], &options, &err)) return 2;
  const struct pw_block *block;
  uint64_t visits = 0;
  int got;
  while ((got = pw_trace_next(trace, &block, &err)) > 0) {
    uint32_t at = 0;
    for (uint32_t i = 0; i < block->n_events; i++) {
      const struct pw_event *e = &block->events[i];
      if (n_areas) check_visits(block, at, e->at);
      at = e->at;
      print(e, visits + at);
      apply(e);
    }
    check_visits(block, at, block->n_visits);
    visits += block->n_visits;
  }
  pw_trace_close(trace);
  if (got < 0) fprintf(stderr, "%s\n", err.text);
  return got < 0 || complaints ? 1 : 0;
}
