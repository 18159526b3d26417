/* The buddy allocator: cases worked by hand, and random requests against one that searches a plain array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "os/linux/buddy.h"

static struct pw_error err;

static uint64_t free_of(const struct pw_buddy *b, unsigned order)
{
  return pw_buddy_blocks(b, order);
}

/* 16 frames: a block of 8 is taken, then one of 1. */
static void by_hand(void **state)
{
  struct pw_buddy b;
  (void)state;
  assert_int_equal(pw_buddy_init(&b, 16, 0, &err), 0);
  assert_true(free_of(&b, 4) == 1 && b.free == 16);
  uint32_t eight = pw_buddy_take(&b, 3, PW_MOVABLE), one = pw_buddy_take(&b, 0, PW_MOVABLE);
  assert_true(eight == 0 && one == 8); /* the lower half is used */
  assert_true(free_of(&b, 0) == 1 && free_of(&b, 1) == 1 && free_of(&b, 2) == 1 && b.free == 7);
  assert_int_equal(pw_buddy_fragmentation(&b, 3), 375);
  assert_int_equal(pw_buddy_unusable(&b, 3), 1000);
  assert_int_equal(pw_buddy_fragmentation(&b, 2), -1000);
  assert_int_equal(pw_buddy_unusable(&b, 2), 1000 * 3 / 7);
  pw_buddy_give(&b, one, 0);
  assert_true(free_of(&b, 3) == 1 && b.free == 8);
  pw_buddy_give(&b, eight, 3);
  assert_true(free_of(&b, 4) == 1 && b.free == 16);
  pw_buddy_clear(&b);
}

/* Frames from the lowest up: as the largest aligned blocks that fit. */
static void beginning(void **state)
{
  struct pw_buddy b;
  (void)state;
  assert_int_equal(pw_buddy_init(&b, 2050, 3, &err), 0);
  for (unsigned o = 0; o < PW_ORDERS; o++) assert_int_equal(free_of(&b, o), 1); /* 3, 4-7, 8-15, … 1024-2047, 2048-2049 */
  assert_true(b.managed == 2047 && b.free == 2047);
  /* the lists are in order of address */
  assert_int_equal(pw_buddy_take(&b, 0, PW_MOVABLE), 3);
  assert_int_equal(pw_buddy_take(&b, 1, PW_MOVABLE), 2048);
  pw_buddy_clear(&b);
}

/* An unmovable request takes the largest block with its pageblocks; the next ones stay in it. */
static void claims(void **state)
{
  struct pw_buddy b;
  (void)state;
  assert_int_equal(pw_buddy_init(&b, 4096, 0, &err), 0);
  uint32_t first = pw_buddy_take(&b, 0, PW_UNMOVABLE);
  assert_int_equal(first, 0);
  assert_true(b.blocks[0].type == PW_UNMOVABLE && b.blocks[1].type == PW_UNMOVABLE && b.blocks[2].type == PW_MOVABLE);
  assert_int_equal(pw_buddy_take(&b, 0, PW_UNMOVABLE), 1);
  assert_int_equal(pw_buddy_take(&b, 0, PW_MOVABLE), 1024); /* its own type has whole blocks */
  assert_int_equal(b.blocks[2].type, PW_MOVABLE); /* and claims nothing */
  pw_buddy_clear(&b);
}

/* Movable pages do not claim small blocks; they steal the smallest. */
static void steals(void **state)
{
  struct pw_buddy b;
  uint32_t taken[512];
  (void)state;
  assert_int_equal(pw_buddy_init(&b, 512, 0, &err), 0);
  for (int i = 0; i < 505; i++) taken[i] = pw_buddy_take(&b, 0, PW_UNMOVABLE); /* 7 frames are left: 1, 2 and 4 */
  assert_true(taken[504] == 504 && b.free == 7 && b.blocks[0].type == PW_UNMOVABLE);
  assert_int_equal(pw_buddy_take(&b, 0, PW_MOVABLE), 505);
  assert_int_equal(b.blocks[0].type, PW_UNMOVABLE);
  pw_buddy_give(&b, 505, 0); /* back to the list of its pageblock */
  assert_int_equal(b.blocks_free[0][PW_UNMOVABLE], 1);
  pw_buddy_clear(&b);
}

/* A request that would leave no more than `kept` fails. */
static void watermark(void **state)
{
  struct pw_buddy b;
  (void)state;
  assert_int_equal(pw_buddy_init(&b, 64, 0, &err), 0);
  b.kept = 32;
  assert_int_equal(pw_buddy_take(&b, 5, PW_MOVABLE), 0); /* 64 - 31 > 32 */
  assert_int_equal(pw_buddy_take(&b, 0, PW_MOVABLE), PW_NO_FRAME);
  pw_buddy_clear(&b);
}

/* ---- against a plain one ---- */

enum { N = 2100, MOST = 600 };

/* Each free frame belongs to a block, which stands in a list: an array of blocks, the head first. */
struct plain {
  struct { uint32_t frame, order, type; } list[N];
  size_t n;
  uint8_t movable[N], taken[N], type[N / 512 + 1];
};

static void plain_remove(struct plain *p, size_t i)
{
  memmove(&p->list[i], &p->list[i + 1], (p->n - i - 1) * sizeof *p->list);
  p->n--;
}

static void plain_push(struct plain *p, uint32_t frame, uint32_t order, uint32_t type)
{
  memmove(&p->list[1], &p->list[0], p->n * sizeof *p->list);
  p->list[0].frame = frame;
  p->list[0].order = order;
  p->list[0].type = type;
  p->n++;
}

static size_t plain_find(const struct plain *p, uint32_t order, uint32_t type)
{
  size_t i = 0;
  while (i < p->n && (p->list[i].order != order || p->list[i].type != type)) i++;
  return i;
}

static uint32_t plain_cut(struct plain *p, size_t i, uint32_t order, uint32_t type, bool movable)
{
  uint32_t frame = p->list[i].frame, has = p->list[i].order;
  plain_remove(p, i);
  for (; has > order; has--) plain_push(p, frame + (1u << (has - 1)), has - 1, type);
  for (uint32_t k = 0; k < 1u << order; k++) {
    p->taken[frame + k] = 1;
    p->movable[frame + k] = movable;
  }
  return frame;
}

static uint32_t plain_own(struct plain *p, uint32_t order, uint32_t type)
{
  for (uint32_t o = order; o < 11; o++) {
    size_t i = plain_find(p, o, type);
    if (i < p->n) return plain_cut(p, i, order, type, type == PW_MOVABLE);
  }
  return PW_NO_FRAME;
}

static size_t plain_other(const struct plain *p, uint32_t order, uint32_t type)
{
  static const uint32_t order_of[3][2] = {{2, 1}, {2, 0}, {0, 1}}; /* unmovable 0, movable 1, reclaimable 2 */
  size_t i = plain_find(p, order, order_of[type][0]);
  return i < p->n ? i : plain_find(p, order, order_of[type][1]);
}

static uint32_t plain_take(struct plain *p, uint32_t order, uint32_t type)
{
  uint32_t got = plain_own(p, order, type);
  if (got != PW_NO_FRAME) return got;
  for (int o = 10; o >= (int)order && !(type == PW_MOVABLE && o < 4); o--) {
    size_t i = plain_other(p, (uint32_t)o, type);
    if (i == p->n) continue;
    uint32_t frame = p->list[i].frame, block = frame / 512;
    if (o >= 9) {
      for (uint32_t k = 0; k < 1u << (o - 9); k++) p->type[block + k] = (uint8_t)type;
      return plain_cut(p, i, order, type, type == PW_MOVABLE);
    }
    int free = 0, alike = 0;
    for (uint32_t f = block * 512; f < N && f < block * 512 + 512; f++) {
      free += !p->taken[f];
      alike += p->taken[f] && p->movable[f] == (type == PW_MOVABLE) && (type == PW_MOVABLE || p->type[block] == PW_MOVABLE);
    }
    uint32_t missing = block * 512 + 512 > N ? block * 512 + 512 - N : 0; /* frames that there are not: neither free nor movable */
    if (type != PW_MOVABLE && p->type[block] == PW_MOVABLE) alike += (int)missing;
    if (free + alike < 256) continue;
    for (uint32_t f = block * 512; f < N && f < block * 512 + 512; f++)
      for (size_t k = 0; k < p->n; k++)
        if (p->list[k].frame == f) {
          uint32_t of_order = p->list[k].order;
          plain_remove(p, k);
          plain_push(p, f, of_order, type);
          break;
        }
    p->type[block] = (uint8_t)type;
    return plain_own(p, order, type);
  }
  for (uint32_t o = order; o < 11; o++) {
    size_t i = plain_other(p, o, type);
    if (i < p->n) return plain_cut(p, i, order, p->list[i].type, type == PW_MOVABLE);
  }
  return PW_NO_FRAME;
}

static void plain_give(struct plain *p, uint32_t frame, uint32_t order)
{
  memset(p->taken + frame, 0, 1u << order);
  for (; order < 10; order++) {
    size_t i = 0;
    while (i < p->n && (p->list[i].frame != (frame ^ 1u << order) || p->list[i].order != order)) i++;
    if (i == p->n) break;
    plain_remove(p, i);
    frame &= ~(1u << order);
  }
  plain_push(p, frame, order, p->type[frame / 512]);
}

static void check_all(const struct pw_buddy *b, const struct plain *p)
{
  uint64_t blocks[PW_ORDERS][3] = {{0}}, free = 0;
  for (size_t i = 0; i < p->n; i++) {
    blocks[p->list[i].order][p->list[i].type]++;
    free += 1u << p->list[i].order;
  }
  assert_int_equal(free, b->free);
  for (unsigned o = 0; o < PW_ORDERS; o++)
    for (int t = 0; t < 3; t++) assert_int_equal(blocks[o][t], b->blocks_free[o][t]);
  for (uint32_t i = 0; i + 1 < b->n; i += 2) /* two buddies are never both free */
    for (unsigned o = 0; o < PW_ORDERS - 1; o++) {
      uint32_t buddy = i ^ 1u << o;
      if (buddy < b->n && b->frames[i].is_free && b->frames[i].order == o)
        assert_false(b->frames[buddy].is_free && b->frames[buddy].order == o);
    }
}

static void random_requests(void **state)
{
  static struct plain p;
  (void)state;
  for (uint64_t seed = 1; seed <= 60; seed++) {
    struct pw_buddy b;
    struct { uint32_t frame, order; } held[MOST];
    size_t n_held = 0;
    uint64_t r = pw_random_seed(seed, 9);
    uint32_t reserved = pw_random_below(&r, 40);
    assert_int_equal(pw_buddy_init(&b, N, reserved, &err), 0);
    memset(&p, 0, sizeof p);
    memset(p.type, PW_MOVABLE, sizeof p.type);
    memset(p.taken, 1, sizeof p.taken);
    for (uint32_t f = N; f-- > reserved;) plain_give(&p, f, 0); /* merged, they are the largest that fit */
    p.n = 0;
    for (unsigned o = 0; o < PW_ORDERS; o++) { /* and lie in the order of their addresses */
      uint32_t at[64], n = 0;
      for (uint32_t f = b.head[o][PW_MOVABLE]; f != PW_NO_FRAME; f = (uint32_t)b.frames[f].next) at[n++] = f;
      while (n--) plain_push(&p, at[n], o, PW_MOVABLE);
    }
    check_all(&b, &p);
    for (int step = 0; step < 3000; step++) {
      if (n_held < MOST && pw_random_below(&r, 100) < 53) {
        uint32_t order = pw_random_below(&r, 8) ? pw_random_below(&r, 3) : pw_random_below(&r, 11), type = pw_random_below(&r, 3);
        uint32_t want = plain_take(&p, order, type), got = pw_buddy_take(&b, order, (enum pw_migrate)type);
        assert_int_equal(got, want);
        if (got == PW_NO_FRAME) continue;
        held[n_held].frame = got;
        held[n_held++].order = order;
      } else if (n_held) {
        size_t i = pw_random_below(&r, (uint32_t)n_held);
        plain_give(&p, held[i].frame, held[i].order);
        pw_buddy_give(&b, held[i].frame, held[i].order);
        held[i] = held[--n_held];
      }
      if (step % 97 == 0) check_all(&b, &p);
    }
    while (n_held--) pw_buddy_give(&b, held[n_held].frame, held[n_held].order);
    assert_int_equal(b.free, N - reserved); /* what is given back comes together again */
    assert_true(pw_buddy_blocks(&b, 10) >= 1);
    pw_buddy_clear(&b);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(by_hand), cmocka_unit_test(beginning), cmocka_unit_test(claims),
                                     cmocka_unit_test(steals),  cmocka_unit_test(watermark), cmocka_unit_test(random_requests)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
