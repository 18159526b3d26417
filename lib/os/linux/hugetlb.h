/* Huge pages that are set aside at the start (hugetlbfs): a pool of pages of 2 MiB and one of 1 GiB, which nothing else is made
 * of and which never leave.
 *
 * A mapping *reserves* its pages, private ones for the process that made it, shared ones for whoever maps them, so that a touch
 * finds one; a fork's child has none reserved. A page that entries share counts them; the last gives it back, and in an
 * address space that had reserved it the reservation is there again. Pages are told apart by their numbers in the pool.
 *
 * The rules are those of mm/hugetlb.c (Linux 6.18). [simple] Where a parent copies after a fork and the pool is empty, Linux
 * takes the page from the children; here the parent ends. An event that reaches into a part of such a page means all of it. */
#ifndef PW_HUGETLB_H
#define PW_HUGETLB_H

#include "base/pagemap.h"
#include "os/linux/buddy.h"

enum { PW_POOLS = 2 }; /* 2 MiB, 1 GiB */

struct pw_pool {
  uint64_t pages, free, reserved; /* reserved: of the free ones */
  uint32_t *frame, *holders;      /* [pages] first frame; entries and files that have it */
  uint32_t *spare;                /* [free] numbers */
};

struct pw_hugetlb {
  struct pw_pool pools[PW_POOLS];
  struct pw_pagemap shared;       /* page of shared memory (pw_file_key, in pages of its pool) -> number */
};

struct pw_computer;
struct pw_mm;
struct pw_mm_vma;

/* Takes so many of each from memory that nothing was taken of: 0, PW_EINVAL with a sentence, or PW_ENOMEM. */
int pw_hugetlb_init(struct pw_computer *computer, const uint64_t pages[PW_POOLS], struct pw_error *err);
void pw_hugetlb_clear(struct pw_hugetlb *hugetlb);
/* Nobody maps the shared memory any more. */
void pw_hugetlb_forget_file(struct pw_computer *computer, uint32_t file);

/* Base pages of a pool's page, by PW_MAP_HUGE_1G. */
static inline uint64_t pw_hugetlb_span(uint32_t flags)
{
  return UINT64_C(1) << (flags & 128u ? 18 : 9);
}

#endif
