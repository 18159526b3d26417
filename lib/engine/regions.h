/* Whose doing walks and faults of a computer are: by process and region of its memory (a segment of a file, the heap, one mapping).
 *
 * Cost: a look at the process's mappings for each walk and fault; nothing for an access that hits. */
#ifndef PW_REGIONS_H
#define PW_REGIONS_H

#include "base/intern.h"
#include "base/pagemap.h"
#include "pagewalk.h"

struct pw_system;
struct pw_told;

struct pw_regions {
  struct pw_intern texts;
  struct pw_pagemap by_owner;      /* process and text -> row */
  struct pw_system_region *rows;   /* names are not filled in */
  uint32_t *text;                  /* by row */
  size_t n, room, text_room;
  bool failed;                     /* memory ran out: rows are missing */
  void (*then)(void *context, const struct pw_told *told); /* who is told besides; or NULL */
  void *then_context;
};

void pw_regions_clear(struct pw_regions *regions); /* frees */
/* The process that runs walked the tables, and read so many entries. */
void pw_regions_walk(struct pw_system *system, uint64_t page, uint64_t refs);
/* For pw_computer.tell: context is the system. */
void pw_regions_told(void *context, const struct pw_told *told);

#endif
