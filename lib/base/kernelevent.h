/* What a kernel did with its memory, as its tracepoints tell it: objects and blocks of frames that came and went. */
#ifndef PW_KERNELEVENT_H
#define PW_KERNELEVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pw_kernel_event_kind { PW_KERNEL_KMALLOC, PW_KERNEL_KFREE, PW_KERNEL_CACHE_ALLOC, PW_KERNEL_CACHE_FREE, PW_KERNEL_PAGE_ALLOC, PW_KERNEL_PAGE_FREE };

/* Of the flags of a request, those that say what it is for. */
enum { PW_GFP_NOWARN = 1, PW_GFP_NORETRY = 2, PW_GFP_COMP = 4, PW_GFP_ZERO = 8, PW_GFP_ACCOUNT = 16 };

struct pw_kernel_event {
  uint64_t at_ns;         /* since the first of them */
  uint64_t address;       /* of the object, as it was printed; of pages: number of the first frame */
  uint32_t cache;         /* number of its name among `names`; kmalloc: of none */
  uint32_t bytes;         /* of the object, as it was given */
  uint8_t kind, order, migrate, gfp;
};

struct pw_kernel_events {
  struct pw_kernel_event *list; /* in the order of their times */
  size_t n, room;
  char **names;           /* of caches, in order of appearance */
  size_t n_names, names_room;
};

#define PW_NO_CACHE UINT32_MAX

#endif
