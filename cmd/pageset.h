/* A growing set of page keys: keys are collected, and now and then sorted and merged. */
#ifndef CMD_PAGESET_H
#define CMD_PAGESET_H

#include <stddef.h>
#include <stdint.h>

struct pageset {
  size_t n, n_new;       /* sorted distinct keys, then keys not yet merged */
  size_t room_new;
  uint64_t *keys, *new_keys;
};

void pageset_add(struct pageset *set, uint64_t key);
/* Merges what is new, so that keys[0 … n) is the set in rising order. */
void pageset_settle(struct pageset *set);
/* Keys in either of two settled sets. */
size_t pageset_union(const struct pageset *a, const struct pageset *b);
void pageset_clear(struct pageset *set);

#endif
