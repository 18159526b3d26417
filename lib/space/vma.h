/* What one mapping is: its kind, its rights, its names.
 *
 * A range of pages in a space (spaces.h) has the number of what it is as its value: two mappings of the
 * same number are alike in everything but where they lie. Of a mapping without a name the number tells
 * where it began, so that each has its own; so a trace of many mappings needs nothing but its ranges. */
#ifndef PW_VMA_H
#define PW_VMA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ranges.h"
#include "pagewalk.h"

/* The first texts. */
enum { PW_TEXT_UNKNOWN, PW_TEXT_MMAP, PW_TEXT_KERNEL, PW_TEXT_ROOT, PW_TEXTS };

enum pw_vma_kind {
  PW_VMA_MMAP,    /* without a file or a name */
  PW_VMA_STACK,   /* called so, or without a name and growing downwards */
  PW_VMA_HEAP,    /* the kernel's break, called "[heap]" */
  PW_VMA_FILE,
  PW_VMA_BSS,     /* the zeroed rest of a file's data, behind it */
  PW_VMA_SPECIAL, /* another name in brackets */
  PW_VMA_KINDS
};

struct pw_vma {
  uint64_t first, last;   /* base pages of it that are left here, both included */
  uint64_t number;        /* of what it is */
  enum pw_vma_kind kind;
  unsigned rights;        /* PW_MAP_READ, WRITE, EXECUTE, SHARED, as it was mapped */
  bool grows;             /* downwards by itself */
  unsigned hugetlb;       /* PW_MAP_HUGETLB, PW_MAP_HUGE_1G, as it was mapped */
  uint32_t object;        /* text: the file, "[heap]", …; PW_TEXT_MMAP without a name */
  uint64_t inode, offset; /* of a file whose backing the trace tells: offset of `first`, in pages; else 0 */
};

struct pw_spaces;
struct pw_space;

/* The number of what a map event makes; -1 when there is no room for its name. */
int pw_vma_number(struct pw_spaces *spaces, const struct pw_space *space, const struct pw_event *map, uint64_t *number);
/* The number of the same at an offset in a file of this inode; -1 when memory ran out. */
int pw_vma_back(struct pw_spaces *spaces, const struct pw_range *mapped, const struct pw_event *backing, uint64_t *number);
/* What a range is. */
struct pw_vma pw_vma_of(const struct pw_spaces *spaces, const struct pw_range *range);

/* The text that names its region: a segment of a file, the heap, one anonymous mapping. PW_NO_TEXT when there is no room. */
uint32_t pw_vma_region(struct pw_spaces *spaces, const struct pw_vma *vma);

/* A path's last part; other texts as they are. */
const char *pw_short_name(const char *text);

#endif
