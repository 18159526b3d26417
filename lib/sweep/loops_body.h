/* The loops of loops.h; included once by each build of them.
 *
 * Holes. Invalidation takes an id out and leaves a hole, which keeps its place in the
 * order. A reference that was not there fills the topmost hole instead of pushing the
 * last id off; one that was there at depth d fills the topmost hole above d, if any,
 * and leaves a hole at d. That is what makes one order serve every size: a structure
 * of n entries holds what stands in the top n places. Places that were never filled
 * are holes too, at the end, so that only sets with holes further up need care. */
#include "sweep/loops.h"

#include <string.h>

#include "base/block.h"

#ifdef __AVX2__
#include <immintrin.h>

/* From the one lane that is set, or none: that lane and all below it. Staying among vector
 * registers is quicker than a table by the lane's number, and all waits for it. */
static inline __m256i lanes_upto(__m256i equal)
{
  __m256i near = _mm256_or_si256(equal, _mm256_srli_si256(equal, 4));
  __m256i half = _mm256_or_si256(near, _mm256_srli_si256(near, 8));
  return _mm256_or_si256(half, _mm256_permutevar8x32_epi32(half, _mm256_setr_epi32(4, 4, 4, 4, 4, 5, 6, 7)));
}

static inline unsigned lane_bits(__m256i lanes)
{
  return (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(lanes));
}

/* Vectors from `v` on; lane 0 of `carry` comes in. The id's rank, or vectors * PW_LANES and *fallen. */
static inline uint32_t rotate_from(uint32_t *set, uint32_t v, uint32_t vectors, __m256i want, __m256i carry, uint32_t *fallen)
{
  const __m256i before = _mm256_setr_epi32(7, 0, 1, 2, 3, 4, 5, 6);
  for (; v < vectors; v++) {
    __m256i *place = (__m256i *)(void *)(set + PW_LANES * v);
    __m256i here = _mm256_loadu_si256(place);
    __m256i turned = _mm256_permutevar8x32_epi32(here, before); /* lane 0: the last one, for the next vector */
    __m256i moved = _mm256_blend_epi32(turned, carry, 1);
    __m256i equal = _mm256_cmpeq_epi32(here, want);
    unsigned found = lane_bits(equal);
    if (found) {
      _mm256_storeu_si256(place, _mm256_blendv_epi8(here, moved, lanes_upto(equal)));
      return PW_LANES * v + (uint32_t)__builtin_ctz(found);
    }
    _mm256_storeu_si256(place, moved);
    carry = turned;
  }
  *fallen = (uint32_t)_mm_cvtsi128_si32(_mm256_castsi256_si128(carry));
  return vectors * PW_LANES;
}

static inline uint32_t rotate(uint32_t *set, uint32_t vectors, uint32_t id, uint32_t *fallen)
{
  __m256i want = _mm256_set1_epi32((int)id);
  return rotate_from(set, 0, vectors, want, want, fallen);
}

/* The first vector of a stack stays in a register, since each reference changes it. */
typedef __m256i front;

static inline front take_front(const struct pw_stack *s)
{
  return _mm256_loadu_si256((const __m256i *)(const void *)s->top);
}

static inline void put_front(struct pw_stack *s, front f)
{
  _mm256_storeu_si256((__m256i *)(void *)s->top, f);
}

/* With `swapped`, which is for ranks from 2 up, the two ids in front change places first. */
static inline uint32_t rotate_top(struct pw_stack *s, front *f, uint32_t id, bool swapped, uint32_t *fallen)
{
  static const int32_t first[2][8] = {{7, 0, 1, 2, 3, 4, 5, 6}, {7, 1, 0, 2, 3, 4, 5, 6}};
  const __m256i want = _mm256_set1_epi32((int)id), here = *f;
  __m256i turned = _mm256_permutevar8x32_epi32(here, _mm256_loadu_si256((const __m256i *)(const void *)first[swapped]));
  __m256i moved = _mm256_blend_epi32(turned, want, 1);
  __m256i equal = _mm256_cmpeq_epi32(here, want);
  unsigned found = lane_bits(equal);
  if (found) {
    *f = _mm256_blendv_epi8(here, moved, lanes_upto(equal));
    return (uint32_t)__builtin_ctz(found);
  }
  *f = moved;
  return rotate_from(s->top, 1, 64 / PW_LANES, want, turned, fallen);
}
#else
static inline uint32_t rotate(uint32_t *set, uint32_t vectors, uint32_t id, uint32_t *fallen)
{
  uint32_t n = vectors * PW_LANES, carry = id;
  for (uint32_t rank = 0; rank < n; rank++) {
    uint32_t here = set[rank];
    set[rank] = carry;
    if (here == id) return rank;
    carry = here;
  }
  *fallen = carry;
  return n;
}

typedef uint32_t front; /* nothing is kept aside */

static inline front take_front(const struct pw_stack *s)
{
  return s->top[0];
}

static inline void put_front(struct pw_stack *s, front f)
{
  (void)s;
  (void)f;
}

static inline uint32_t rotate_top(struct pw_stack *s, front *f, uint32_t id, bool swapped, uint32_t *fallen)
{
  uint32_t ahead = s->top[0];
  (void)f;
  if (swapped) {
    s->top[0] = s->top[1];
    s->top[1] = ahead;
  }
  return rotate(s->top, 64 / PW_LANES, id, fallen);
}
#endif

/* The same where there may be holes; *hole is where one was filled (n = nowhere). */
static uint32_t rotate_holes(uint32_t *set, uint32_t n, uint32_t id, uint32_t *fallen, uint32_t *hole)
{
  uint32_t rank = 0, empty = 0;
  while (rank < n && set[rank] != id) rank++;
  while (empty < n && set[empty] != PW_NO_ID) empty++;
  *hole = empty;
  *fallen = PW_NO_ID;
  if (rank < n && empty < rank) set[rank] = PW_NO_ID;
  uint32_t end = empty < rank ? empty : rank;
  if (end == n) {
    *fallen = set[n - 1];
    end--;
  }
  memmove(set + 1, set, end * sizeof *set);
  set[0] = id;
  return rank;
}

static inline uint64_t set_of(const struct pw_level *level, uint64_t key)
{
  return level->power_of_two ? key & (level->sets - 1) : (key & PW_PAGE_MASK) % level->sets;
}

static inline uint32_t probe(const struct pw_chain *c, struct pw_level *level, uint64_t set, uint32_t *slots, uint32_t id)
{
  uint32_t fallen, hole;
  if (!c->holey || !level->holes[set]) return rotate(slots, level->vectors, id, &fallen);
  uint32_t n = level->vectors * PW_LANES, rank = rotate_holes(slots, n, id, &fallen, &hole);
  if (hole == n) level->holes[set] = 0;
  return rank;
}

static inline void emit(const struct pw_level *level, uint32_t rank, uint16_t at)
{
  for (size_t e = 0; e < level->n_emitters; e++)
    if (rank >= level->emitters[e]->ways) level->emitters[e]->bits[at >> 6] |= UINT64_C(1) << (at & 63);
}

/* Looks n references up in one level. Those whose page was not the most recent of its
 * set go into `left`, for the next level: how many. */
static size_t look_up(const struct pw_chain *c, struct pw_level *level, const struct pw_refs *in, const uint32_t *list, size_t n,
                      uint32_t *left)
{
  const struct pw_level l = *level;
  const struct pw_refs refs = *in;
  const size_t ways = l.vectors * PW_LANES;
  const bool holey = c->holey;
  size_t n_left = 0;
  for (size_t i = 0; i < n; i++) {
    uint32_t ref = list[i], id = refs.id[ref & 0xffff], fallen;
    uint64_t set = set_of(&l, refs.key[ref & 0xffff]);
    uint32_t *slots = l.slots + set * ways;
    if (slots[0] == id) continue;
    uint32_t rank = holey ? probe(c, level, set, slots, id) : rotate(slots, l.vectors, id, &fallen);
    l.hits[rank]++;
    left[n_left++] = ref;
    if (l.n_emitters) emit(&l, rank, (uint16_t)(ref >> 16));
  }
  return n_left;
}

/* Level by level: a page that is the most recent of its set is so in every finer
 * division too, and the list grows shorter. */
static void chain(struct pw_chain *c, const struct pw_refs *in)
{
  uint32_t left[PW_LIST_MOST];
  const uint32_t *list = in->ref;
  size_t n = in->n;
  for (size_t l = 0; n && l < c->n_levels; l++, list = left) n = look_up(c, &c->levels[l], in, list, n, left);
}

static void chain_by(struct pw_chain *c, const struct pw_refs *in, const uint32_t *bucket)
{
  const struct pw_refs refs = *in;
  struct pw_level *const levels = c->levels, *const end = levels + c->n_levels;
  for (size_t i = 0; i < refs.n; i++) {
    uint32_t page = refs.ref[i] & 0xffff, id = refs.id[page];
    uint64_t key = refs.key[page];
    for (struct pw_level *level = levels; level < end; level++) {
      uint64_t set = set_of(level, key);
      uint32_t *slots = level->slots + set * level->vectors * PW_LANES;
      if (slots[0] == id) {
        level->stops[bucket[i]]++;
        break;
      }
      level->hits[(size_t)probe(c, level, set, slots, id) * c->buckets + bucket[i]]++;
    }
  }
}

/* ---- the part of a stack below its top 64 ---- */

static inline void count_slot(struct pw_stack *s, uint32_t slot, uint32_t change)
{
  /* the tree is numbered from 1, and node g+1 counts group g */
  for (uint32_t g = (slot >> 9) + 1; g <= s->n_slots >> 9; g += g & (0u - g)) s->counts[g] += change;
  s->occupied += change;
}

static inline void clear_slot(struct pw_stack *s, uint32_t slot)
{
  s->bits[slot >> 6] &= ~(UINT64_C(1) << (slot & 63));
  count_slot(s, slot, UINT32_MAX);
}

static inline void push_slot(struct pw_stack *s, uint32_t id)
{
  uint32_t slot = s->next++;
  s->bits[slot >> 6] |= UINT64_C(1) << (slot & 63);
  count_slot(s, slot, 1);
  s->slot_of[id] = slot;
}

/* Takes the topmost hole out, and puts one at `slot` in, unless that is PW_NO_ID. */
static uint32_t replace_hole(struct pw_stack *s, uint32_t slot)
{
  uint32_t topmost = s->holes[0];
  if (slot == PW_NO_ID) {
    slot = s->holes[--s->n_holes];
    if (s->n_holes == 0) return topmost;
  }
  size_t i = 0;
  for (size_t child; (child = 2 * i + 1) < s->n_holes; i = child) {
    child += child + 1 < s->n_holes && s->holes[child + 1] > s->holes[child];
    if (s->holes[child] <= slot) break;
    s->holes[i] = s->holes[child];
  }
  s->holes[i] = slot;
  return topmost;
}

/* The id is not in the top, and `fallen` was pushed off it (PW_NO_ID: a hole of the top
 * was filled instead). The id's depth, or UINT32_MAX. */
static uint32_t touch_deep(struct pw_stack *s, uint32_t id, uint32_t fallen, bool filled_above)
{
  uint32_t slot = s->slot_of[id], depth = UINT32_MAX;
  bool there = slot != PW_NO_ID && slot >= s->base;
  s->slot_of[id] = PW_NO_ID;
  if (there) {
    depth = 65 + s->occupied - pw_stack_prefix(s, slot);
    s->deep_hits[depth - 65]++;
    if (filled_above) pw_stack_push_hole(s, slot);
    else if (s->n_holes && s->holes[0] > slot) clear_slot(s, replace_hole(s, slot));
    else clear_slot(s, slot);
  } else {
    s->cold++;
    if (!filled_above && s->n_holes && fallen != PW_NO_ID) clear_slot(s, replace_hole(s, PW_NO_ID));
  }
  if (fallen != PW_NO_ID) push_slot(s, fallen);
  return depth;
}

static void swap_front(struct pw_stack *s)
{
  uint32_t ahead = s->top[0];
  s->top[0] = s->top[1];
  s->top[1] = ahead;
}

/* Where the top has holes; the front is put back meanwhile. */
static uint32_t rotate_top_holes(struct pw_stack *s, uint32_t id, bool swapped, uint32_t *fallen, uint32_t *hole)
{
  if (swapped) swap_front(s);
  uint32_t rank = rotate_holes(s->top, 64, id, fallen, hole);
  if (*hole == 64) s->top_holes = false;
  return rank;
}

/* The id's depth, or UINT32_MAX. */
static inline uint32_t touch(struct pw_stack *s, front *f, uint32_t id, bool swapped)
{
  uint32_t fallen, rank, hole = 64;
  if (!s->top_holes) {
    rank = rotate_top(s, f, id, swapped, &fallen);
  } else {
    put_front(s, *f);
    rank = rotate_top_holes(s, id, swapped, &fallen, &hole);
    *f = take_front(s);
  }
  if (rank < 64) {
    s->top_hits[rank]++;
    return rank + 1;
  }
  return touch_deep(s, id, fallen, hole < 64);
}

/* Two pages that take turns only swap places in front. That is kept aside, and the stack
 * is moved when a third page comes. */
static void stack(struct pw_stack *s, const struct pw_refs *in)
{
  const struct pw_refs refs = *in;
  uint32_t first = s->first, second = s->second;
  bool swapped = s->swapped;
  uint64_t turns = 0;
  front f = take_front(s);
  for (size_t i = 0; i < refs.n; i++) {
    uint32_t id = refs.id[refs.ref[i] & 0xffff];
    if (id == first) continue;
    if (id == second) {
      second = first;
      first = id;
      swapped = !swapped;
      turns++;
      continue;
    }
    touch(s, &f, id, swapped);
    second = first;
    first = id;
    swapped = false;
  }
  put_front(s, f);
  s->top_hits[1] += turns;
  s->first = first;
  s->second = second;
  s->swapped = swapped;
}

/* The page comes back to every memory of `since` … depth-1 frames, which wrote it back. */
static inline void write_back(struct pw_stack *s, uint32_t id, uint32_t depth)
{
  uint32_t since = s->since[id];
  if (since == 0 || depth <= since || depth == UINT32_MAX) return;
  s->change[since]++;
  s->change[depth]--;
  s->since[id] = depth;
}

static void memory(struct pw_stack *s, const uint32_t *id, const uint8_t *wrote, size_t n, uint32_t *depths)
{
  front f = take_front(s);
  for (size_t i = 0; i < n; i++) {
    uint32_t depth = touch(s, &f, id[i], false);
    if (depth > 2) write_back(s, id[i], depth); /* a memory has two frames at least */
    if (wrote[i]) s->since[id[i]] = 1;
    if (depths) depths[i] = depth;
  }
  put_front(s, f);
}

/* A page that is not one of the two in front, as far as we know. */
static inline void touch_third(struct pw_stack *s, front *f, uint32_t id, uint32_t *first, uint32_t *second, bool *swapped)
{
  write_back(s, id, touch(s, f, id, *swapped));
  *second = *first;
  *first = id;
  *swapped = false;
}

/* A visit touches C, then perhaps O, C, O. Its two pages end in front, and whatever they
 * do between, no memory of two frames or more loses either; only their order counts
 * when a third page comes. So it is kept aside, and the stack is only moved for a third. */
static void visits(struct pw_stack *s, const struct pw_visit_range *v)
{
  uint32_t first = s->first, second = s->second, current[2] = {v->current[0], v->current[1]}, *const since = s->since;
  const uint8_t *flag = v->flags;
  const uint16_t *page = v->page;
  const uint32_t *ids = v->id;
  bool swapped = s->swapped;
  front f = take_front(s);
  for (uint32_t i = v->from, to = v->to; i < to; i++) {
    uint8_t flags = flag[i];
    uint32_t c = ids[page[i]], o = current[~flags & PW_VISIT_CODE], old = first;
    current[flags & PW_VISIT_CODE] = c;
    unsigned touches = pw_visit_touches(flags);
    if (c != first) {
      if (c == second) {
        first = second;
        second = old;
        swapped = !swapped;
      } else {
        touch_third(s, &f, c, &first, &second, &swapped);
      }
    }
    if (touches > 1 && o != first && o != second) {
      touch_third(s, &f, o, &first, &second, &swapped);
      touches++; /* O is in front now, which is where an even number leaves it */
    }
    bool turn = (touches & 1) == 0 && o != c; /* C and O are in front, and O came last */
    uint32_t keep = first;
    first = turn ? second : first;
    second = turn ? keep : second;
    swapped ^= turn;
    since[current[0]] = flags & (PW_VISIT_WROTE_1 | PW_VISIT_WROTE_2) ? 1 : since[current[0]];
  }
  put_front(s, f);
  s->first = first;
  s->second = second;
  s->swapped = swapped;
  v->current[0] = current[0];
  v->current[1] = current[1];
}
