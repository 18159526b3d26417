/* LRU stack distances: growth, compaction and the cold operations. See stack.h. */
#include "sweep/stack.h"

#include <string.h>

#include "base/alloc.h"

#define GROUP 512u /* slots a node of the tree counts */

void pw_stack_init(struct pw_stack *s, bool writes)
{
  memset(s, 0, sizeof *s);
  memset(s->top, 0xff, sizeof s->top);
  s->first = s->second = PW_NO_ID;
  s->writes = writes;
}

void pw_stack_clear(struct pw_stack *s)
{
  pw_free(s->slot_of);
  pw_free(s->bits);
  pw_free(s->counts);
  pw_free(s->holes);
  pw_free(s->deep_hits);
  pw_free(s->since);
  pw_free(s->change);
  pw_stack_init(s, s->writes);
}

/* Counts the occupied slots anew. */
static void count_slots(struct pw_stack *s)
{
  uint32_t groups = s->n_slots / GROUP;
  memset(s->counts, 0, ((size_t)groups + 1) * sizeof *s->counts);
  s->occupied = 0;
  for (uint32_t g = 1; g <= groups; g++) {
    const uint64_t *word = s->bits + (size_t)(g - 1) * (GROUP / 64);
    uint32_t n = 0;
    for (uint32_t w = 0; w < GROUP / 64; w++) n += (uint32_t)__builtin_popcountll(word[w]);
    s->occupied += n;
    s->counts[g] += n;
    uint32_t above = g + (g & (0u - g));
    if (above <= groups) s->counts[above] += s->counts[g];
  }
}

static int more_slots(struct pw_stack *s, size_t n_ids)
{
  size_t want = 2 * n_ids + 2 * PW_LIST_MOST, n = 2 * want;
  if (s->n_slots >= want) return 0;
  if (n > UINT32_MAX / 2) n = want;
  if (n > UINT32_MAX - GROUP) return -1;
  n = (n + GROUP - 1) / GROUP * GROUP;
  uint64_t *bits = pw_realloc(s->bits, n / 64, sizeof *bits);
  if (!bits) return -1;
  s->bits = bits;
  uint32_t *counts = pw_realloc(s->counts, n / GROUP + 1, sizeof *counts);
  if (!counts) return -1;
  s->counts = counts;
  memset(bits + s->n_slots / 64, 0, (n - s->n_slots) / 64 * sizeof *bits);
  s->n_slots = (uint32_t)n;
  count_slots(s);
  return 0;
}

/* Room for n elements, the new ones filled with a byte; only what is needed is touched. */
static int fill(void **array, size_t *room, size_t from, size_t n, size_t size_bytes, int byte)
{
  if (pw_grow(array, room, n, size_bytes)) return -1;
  if (n > from) memset((unsigned char *)*array + from * size_bytes, byte, (n - from) * size_bytes);
  return 0;
}

int pw_stack_reserve(struct pw_stack *s, size_t n_ids)
{
  if (n_ids <= s->n_ids && s->n_slots) return 0;
  /* depths go from 1 to as many as there are pages; `change` has one place after them */
  size_t extra = s->n_ids ? 2 : 0;
  if (more_slots(s, n_ids) || fill((void **)&s->slot_of, &s->slot_room, s->n_ids, n_ids, sizeof *s->slot_of, 0xff) ||
      fill((void **)&s->deep_hits, &s->deep_room, s->n_ids, n_ids, sizeof *s->deep_hits, 0) ||
      pw_grow((void **)&s->holes, &s->holes_room, n_ids + 1, sizeof *s->holes))
    return -1;
  if (s->writes && (fill((void **)&s->since, &s->since_room, s->n_ids, n_ids, sizeof *s->since, 0) ||
                    fill((void **)&s->change, &s->change_room, s->n_ids + extra, n_ids + 2, sizeof *s->change, 0)))
    return -1;
  s->n_ids = n_ids;
  return 0;
}

/* Numbers the occupied slots from 0 again; those that were flushed are free. */
static void compact(struct pw_stack *s)
{
  uint32_t words = s->base >> 6;
  memset(s->bits, 0, (size_t)words * sizeof *s->bits);
  if (s->base & 63) s->bits[words] &= ~UINT64_C(0) << (s->base & 63);
  count_slots(s);
  for (size_t id = 0; id < s->n_ids; id++) {
    uint32_t slot = s->slot_of[id];
    if (slot == PW_NO_ID) continue;
    s->slot_of[id] = slot < s->base ? PW_NO_ID : pw_stack_prefix(s, slot) - 1;
  }
  for (size_t i = 0; i < s->n_holes; i++) s->holes[i] = pw_stack_prefix(s, s->holes[i]) - 1;
  uint32_t n = s->occupied;
  memset(s->bits, 0, (size_t)s->n_slots / 64 * sizeof *s->bits);
  memset(s->bits, 0xff, (size_t)(n >> 6) * sizeof *s->bits);
  if (n & 63) s->bits[n >> 6] = ~(~UINT64_C(0) << (n & 63));
  count_slots(s);
  s->base = 0;
  s->next = n;
}

/* As many references fit as a list has. */
static void make_room(struct pw_stack *s)
{
  if (s->n_slots - s->next < PW_LIST_MOST) compact(s);
}

/* The two ids in front stand as they are again. */
static void settle_front(struct pw_stack *s)
{
  uint32_t front = s->top[0];
  if (s->swapped) {
    s->top[0] = s->top[1];
    s->top[1] = front;
  }
  s->first = s->second = PW_NO_ID;
  s->swapped = false;
}

void pw_stack_feed_visits(struct pw_stack *s, const struct pw_visit_range *visits)
{
  make_room(s);
  pw_loops()->visits(s, visits);
}

void pw_stack_feed(struct pw_stack *s, const struct pw_refs *refs)
{
  make_room(s);
  pw_loops()->stack(s, refs);
}

void pw_stack_feed_stores(struct pw_stack *s, const uint32_t *id, const uint8_t *wrote, size_t n, uint32_t *depth)
{
  make_room(s);
  settle_front(s);
  pw_loops()->memory(s, id, wrote, n, depth);
}

static uint32_t place_in_top(const struct pw_stack *s, uint32_t id)
{
  uint32_t place = 0;
  while (place < 64 && s->top[place] != id) place++;
  return place;
}

/* The depth of a page that is in the stack, 0 of another. */
static uint32_t depth_of(const struct pw_stack *s, uint32_t id)
{
  uint32_t slot = s->slot_of[id];
  if (slot != PW_NO_ID) return slot < s->base ? 0 : 65 + s->occupied - pw_stack_prefix(s, slot);
  uint32_t place = place_in_top(s, id);
  return place < 64 ? place + 1 : 0;
}

/* What the memories in which the page has sunk out of sight wrote back by now. */
static void settle(struct pw_stack *s, uint32_t id, bool count)
{
  uint32_t since = s->since[id], depth = since ? depth_of(s, id) : 0;
  if (depth <= since) return;
  if (count) {
    s->change[since]++;
    s->change[depth]--;
  }
  s->since[id] = depth;
}

void pw_stack_leave(struct pw_stack *s, uint32_t id)
{
  settle_front(s);
  if (s->writes) {
    settle(s, id, true);
    s->since[id] = 0;
  }
  uint32_t slot = s->slot_of[id];
  if (slot != PW_NO_ID) {
    s->slot_of[id] = PW_NO_ID;
    if (slot < s->base) return;
    pw_stack_push_hole(s, slot); /* it stays occupied */
    return;
  }
  uint32_t place = place_in_top(s, id);
  if (place == 64) return;
  s->top[place] = PW_NO_ID;
  s->top_holes = true;
}

void pw_stack_flush(struct pw_stack *s)
{
  memset(s->top, 0xff, sizeof s->top);
  s->first = s->second = PW_NO_ID;
  s->swapped = s->top_holes = false;
  s->base = s->next;
  s->n_holes = 0;
}

void pw_stack_reset_counts(struct pw_stack *s)
{
  settle_front(s);
  memset(s->top_hits, 0, sizeof s->top_hits);
  s->cold = 0;
  if (!s->n_ids) return;
  memset(s->deep_hits, 0, s->n_ids * sizeof *s->deep_hits);
  if (!s->writes) return;
  for (size_t id = 0; id < s->n_ids; id++) settle(s, (uint32_t)id, false);
  memset(s->change, 0, (s->n_ids + 2) * sizeof *s->change);
}

void pw_stack_finish(struct pw_stack *s)
{
  settle_front(s);
  for (size_t id = 0; s->writes && id < s->n_ids; id++) settle(s, (uint32_t)id, true);
  uint64_t deeper = s->cold; /* from here on hits[i] counts what misses a size of that depth - 1 */
  for (size_t i = s->n_ids; i-- > 0;) s->deep_hits[i] = deeper += s->deep_hits[i];
  for (size_t i = 64; i-- > 0;) s->top_hits[i] = deeper += s->top_hits[i];
  for (size_t i = 1; s->writes && s->n_ids && i < s->n_ids + 2; i++) s->change[i] += s->change[i - 1];
}

uint64_t pw_stack_misses(const struct pw_stack *s, uint64_t size)
{
  if (size < 64) return s->top_hits[size];
  return size - 64 < s->n_ids ? s->deep_hits[size - 64] : s->cold;
}

uint64_t pw_stack_swap_outs(const struct pw_stack *s, uint64_t size)
{
  return size < s->n_ids ? s->change[size] : 0;
}

uint64_t pw_stack_deepest(const struct pw_stack *s)
{
  return s->n_ids;
}
