/* Events of a .pwt block, and who runs after them. */
#ifndef PW_PWT_EVENTS_H
#define PW_PWT_EVENTS_H

#include "base/pagemap.h"
#include "trace/pwt.h"

/* Zero it, and set n_processes to 1, before the first block. */
struct pwt_events {
  struct pw_event *list;       /* of the last block */
  size_t room;
  bool advice, family;         /* the file has the feature, so that there may be some */
  bool marked;                 /* one of them is a mark */
  uint32_t n_processes, process;
  uint64_t thread;
  struct pw_pagemap numbers;   /* thread ids, of 64 bits each, by number; all ones is no key, and number 0 */
  struct pw_pagemap threads;   /* (process, number) that made visits */
};

void pwt_events_clear(struct pwt_events *events); /* frees */
/* Makes room for the events of a block: 0, or -1 when memory runs out. */
int pwt_events_reserve(struct pwt_events *events, uint32_t n_events);
/* Fills events->list[n_events], and moves the cursor on; room was made. False: they make no sense. Texts stay where they are. */
bool pwt_events_decode(struct pwt_events *events, const struct pwt_block_header *h, struct pwt_cursor *cursor);
/* Are pages opened again after events, and pages those of who runs? `page` and `pages` are decoded. */
bool pwt_events_fit(const struct pwt_events *events, const struct pwt_block_header *h, const unsigned char *flags,
                    const uint16_t *page, const uint64_t *pages);

#endif
