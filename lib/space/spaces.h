/* What is where in the address space of each process, as a trace's events tell: areas and symbols.
 *
 * An area is what one map event made, less what was unmapped of it; it belongs to whole pages of
 * 4 KiB. It has two names: its region (a segment of a file, the heap, a stack, one anonymous mapping)
 * and its object (the file, "[heap]", "[stack]", "[mmap]"). A stack that grows by itself also has what
 * lies below it and is mapped by nobody.
 *
 * Not modelled: later changes of protection. A page that two mappings share belongs to the later.
 *
 * Invariant: the areas of a process rise in address and do not overlap. */
#ifndef PW_SPACES_H
#define PW_SPACES_H

#include "base/intern.h"
#include "space/symbols.h"
#include "pagewalk.h"

/* The first texts. */
enum { PW_TEXT_UNKNOWN, PW_TEXT_MMAP, PW_TEXT_KERNEL, PW_TEXT_ROOT, PW_TEXTS };

struct pw_area {
  uint64_t first, last;    /* base pages, both included */
  uint32_t region, object; /* texts */
  bool file, executable, writable, grows, anonymous;
};

struct pw_space {
  struct pw_area *areas;
  size_t n, room;
  struct pw_symbols *symbols[2]; /* data, functions; NULL: none */
};

struct pw_spaces {
  struct pw_intern texts;
  struct pw_space *spaces; /* by process index */
  size_t n, room;
  uint32_t process;        /* that runs */
  bool known;              /* the trace has map events */
  struct pw_area last_map; /* of the running process */
};

int pw_spaces_init(struct pw_spaces *spaces);
void pw_spaces_clear(struct pw_spaces *spaces); /* frees */
/* Takes an event: -1 when memory ran out. *changed is set when an address may belong to something else now. */
int pw_spaces_event(struct pw_spaces *spaces, const struct pw_event *event, bool *changed);

/* The area of a base page, or NULL. */
const struct pw_area *pw_spaces_area(const struct pw_spaces *spaces, uint32_t process, uint64_t page);
/* The symbol at an address; *found is NULL where there is none. -1 when memory ran out. */
int pw_spaces_symbol(const struct pw_spaces *spaces, uint32_t process, uint64_t address, enum pw_symbol_kind kind,
                     const struct pw_symbol_stretch **found);

/* A path's last part; other texts as they are. */
const char *pw_short_name(const char *text);

#endif
