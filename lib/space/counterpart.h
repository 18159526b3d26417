/* Which native call is a recorded mapping's counterpart: the first that is not used yet, of the same size and file.
 *
 * Calls that answer the same question are a chain in their order; what is used at its front is dropped once. */
#ifndef PW_COUNTERPART_H
#define PW_COUNTERPART_H

#include "base/pagemap.h"
#include "space/native.h"

enum { PW_CALL_QUESTIONS = 4 };

struct pw_counterparts {
  struct pw_native_call *calls; /* borrowed; marked as used */
  size_t n_calls;
  struct pw_pagemap first;      /* hash of a question -> the first call of its chain */
  uint32_t *next;               /* [questions x calls] the one behind it */
  size_t behind;                /* the map that was used last of all */
  size_t similar;               /* no map from there to here can be used */
  uint64_t steps;               /* calls looked at so far */
};

/* -1 when memory runs out. */
int pw_counterparts_init(struct pw_counterparts *c, struct pw_native_call *calls, size_t n_calls);
void pw_counterparts_clear(struct pw_counterparts *c);
/* Each: or NULL. */
struct pw_native_call *pw_counterparts_map(struct pw_counterparts *c, uint64_t pages, uint64_t inode, uint64_t offset);
struct pw_native_call *pw_counterparts_similar(struct pw_counterparts *c, uint64_t pages, uint64_t inode);
struct pw_native_call *pw_counterparts_move(struct pw_counterparts *c, uint64_t from, uint64_t pages);
/* Of a file, 0 when no call mapped it. */
uint64_t pw_counterparts_file_pages(const struct pw_counterparts *c, uint64_t inode);
void pw_counterparts_use(struct pw_counterparts *c, struct pw_native_call *call);

#endif
