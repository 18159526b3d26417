/* Address spaces fed with events by the tests: one call an event. */
#ifndef SPACEKIT_H
#define SPACEKIT_H

#include "tracekit.h"

#include "base/block.h"
#include "space/spaces.h"

struct space_kit {
  struct pw_spaces s;
  size_t n, events;                 /* changes told, events taken */
  struct pw_space_change last;      /* the last of them */
};

static inline int space_kit_note(void *context, const struct pw_space_change *change, struct pw_error *err)
{
  struct space_kit *k = context;
  (void)err;
  k->n++;
  k->last = *change;
  return 0;
}

static inline void space_kit_init(struct space_kit *k, unsigned flags)
{
  memset(k, 0, sizeof *k);
  assert_int_equal(pw_spaces_init(&k->s, flags), 0);
}

/* Changes that the event tells. */
static inline size_t space_event(struct space_kit *k, uint32_t kind, uint64_t a, uint64_t b, uint64_t c, const char *text)
{
  struct pw_error err = {0};
  size_t before = k->n;
  k->events++;
  struct pw_event e = {.kind = kind, .a = a, .b = b, .c = c, .text = text, .text_bytes = text ? (uint32_t)strlen(text) : 0};
  KIT_OK(pw_spaces_event(&k->s, &e, space_kit_note, k, &err), err);
  return k->n - before;
}

/* Pages first … first + n - 1. */
static inline size_t space_map(struct space_kit *k, uint64_t first, uint64_t n, uint64_t bits, const char *text)
{
  return space_event(k, PW_EVENT_MAP, first << 12, n << 12, bits, text);
}

static inline size_t space_unmap(struct space_kit *k, uint64_t first, uint64_t n)
{
  return space_event(k, PW_EVENT_UNMAP, first << 12, n << 12, 0, NULL);
}

static inline void space_run(struct space_kit *k, uint32_t process)
{
  assert_int_equal(space_event(k, PW_EVENT_PROCESS, 100 + process, process, 0, NULL), 0);
}

static inline size_t space_fork(struct space_kit *k, uint32_t child)
{
  return space_event(k, PW_EVENT_FORK, 100 + child, child, 0, NULL);
}

static inline size_t space_symbol(struct space_kit *k, uint64_t address, uint64_t bytes, const char *name)
{
  return space_event(k, PW_EVENT_SYMBOL, address, bytes, PW_SYMBOL_DATA, name);
}

#endif
