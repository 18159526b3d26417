/* Who an address or an instruction belongs to: from places in address spaces to numbers of owners. */
#ifndef PW_WHO_H
#define PW_WHO_H

#include "witness/owners.h"
#include "space/spaces.h"
#include "pagewalk.h"

struct pw_who {
  enum pw_by by;
  struct pw_spaces spaces;
  struct pw_owners owners;
  struct pw_pagemap known; /* what was looked up before, by texts -> owner */
  bool failed;             /* memory ran out; owner 0 stood in */
};

int pw_who_init(struct pw_who *who, enum pw_by by);
void pw_who_clear(struct pw_who *who); /* frees */

/* Each is the number of an owner that there is. */
uint32_t pw_who_page(struct pw_who *who, uint64_t base_key);                        /* by region and object */
uint32_t pw_who_address(struct pw_who *who, uint32_t process, uint64_t address, bool fetched); /* by all but function */
uint32_t pw_who_function(struct pw_who *who, uint32_t process, uint64_t pc);
uint32_t pw_who_kernel(struct pw_who *who);
uint32_t pw_who_root(struct pw_who *who);

/* The text of the region around a base page. */
uint32_t pw_who_region(struct pw_who *who, uint64_t base_key);

#endif
