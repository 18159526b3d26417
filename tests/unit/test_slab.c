/* Slab caches: sizes as of a running kernel, and which slab an object comes from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "os/linux/kmem.h"
#include "os/linux/slab.h"

static struct pw_error err;

/* As many objects as fit; the pages of a slab are a block of the buddy allocator. */
static void sizes(void **state)
{
  (void)state;
  assert_null(pw_slab_kind(PW_SLABS));
  for (size_t i = 0; i < PW_SLABS; i++) {
    const struct pw_slab_kind *k = pw_slab_kind(i);
    assert_true(k->objects * k->object_bytes <= k->pages * 4096 && (k->pages & (k->pages - 1)) == 0);
    assert_true(strncmp(k->name, "kmalloc-", 8) != 0 || k->objects == k->pages * 4096 / k->object_bytes);
  }
}

/* The kernel's rule finds the slabs that a running kernel has. */
static void shapes(void **state)
{
  (void)state;
  for (size_t i = 0; i < PW_SLABS; i++) {
    const struct pw_slab_kind *k = pw_slab_kind(i);
    struct pw_slab_kind made = {.object_bytes = k->object_bytes};
    pw_kmem_shape(&made);
    assert_int_equal(made.objects, k->objects);
    assert_int_equal(made.pages, k->pages);
  }
  struct pw_slab_kind one = {.object_bytes = 32768}, large = {.object_bytes = 17000};
  pw_kmem_shape(&one);
  pw_kmem_shape(&large);
  assert_true(one.objects == 1 && one.pages == 8 && large.objects == 1 && large.pages == 8);
}

/* An object, of a new slab where none has room. */
static int take(struct pw_slab_cache *c, struct pw_buddy *frames, uint32_t *slot)
{
  if (!pw_slab_take(c, slot)) return 0;
  uint32_t frame = pw_buddy_take(frames, pw_slab_order(c->kind), c->kind->type);
  if (frame == PW_NO_FRAME) return 1;
  assert_int_equal(pw_slab_add(c, frame), 0);
  return pw_slab_take(c, slot);
}

static void oldest_first(void **state)
{
  struct pw_buddy frames;
  struct pw_slab_cache c;
  uint32_t slot[60];
  (void)state;
  assert_int_equal(pw_buddy_init(&frames, 512, 0, &err), 0);
  pw_slab_init(&c, pw_slab_kind(PW_SLAB_PID)); /* 21 in a page */
  for (int i = 0; i < 60; i++) assert_int_equal(take(&c, &frames, &slot[i]), 0);
  assert_true(c.objects == 60 && c.slabs_now == 3 && frames.free == 509);
  assert_true(slot[0] == slot[20] && slot[20] != slot[21] && slot[41] != slot[42]);
  pw_slab_give(&c, &frames, slot[30]); /* in the second, */
  pw_slab_give(&c, &frames, slot[3]);  /* and in the first: the oldest is filled first */
  uint32_t a, b, d;
  assert_int_equal(take(&c, &frames, &a), 0);
  assert_int_equal(take(&c, &frames, &b), 0);
  assert_int_equal(take(&c, &frames, &d), 0);
  assert_true(a == slot[0] && b == slot[21] && d == slot[42]);
  for (int i = 42; i < 60; i++) pw_slab_give(&c, &frames, slot[i]);
  pw_slab_give(&c, &frames, d);
  assert_true(c.slabs_now == 2 && frames.free == 510 && c.slabs_peak == 3 && c.objects_peak == 61);
  pw_slab_clear(&c);
  pw_buddy_clear(&frames);
}

static void no_frame(void **state)
{
  struct pw_buddy frames;
  struct pw_slab_cache c;
  uint32_t slot;
  (void)state;
  assert_int_equal(pw_buddy_init(&frames, 8, 1, &err), 0); /* 7 free: no block of 8 */
  pw_slab_init(&c, pw_slab_kind(PW_SLAB_TASK));
  assert_int_equal(take(&c, &frames, &slot), 1);
  assert_true(c.objects == 0 && c.slabs_now == 0);
  pw_slab_clear(&c);
  pw_buddy_clear(&frames);
}

/* Random takes and gives against slabs in the order of their making. */
static void random_objects(void **state)
{
  (void)state;
  for (uint64_t seed = 1; seed <= 20; seed++) {
    struct pw_buddy frames;
    struct pw_slab_cache c;
    struct { uint32_t slot; size_t slab; } held[2000];
    unsigned used[4000] = {0};
    uint32_t slot_of[4000];
    size_t n = 0, n_slabs = 0;
    uint64_t r = pw_random_seed(seed, 4);
    assert_int_equal(pw_buddy_init(&frames, 4096, 0, &err), 0);
    pw_slab_init(&c, pw_slab_kind(PW_SLAB_SIGNAL)); /* 14 in 4 pages */
    for (int step = 0; step < 6000; step++) {
      if (n < 2000 && pw_random_below(&r, 100) < (step < 3000 ? 60u : 40u)) {
        size_t s = 0;
        while (s < n_slabs && (used[s] == 0 || used[s] == 14)) s++;
        uint32_t slot;
        assert_int_equal(take(&c, &frames, &slot), 0);
        if (s == n_slabs) slot_of[n_slabs++] = slot;
        assert_int_equal(slot, slot_of[s]);
        used[s]++;
        held[n].slot = slot;
        held[n++].slab = s;
      } else if (n) {
        size_t i = pw_random_below(&r, (uint32_t)n);
        used[held[i].slab]--;
        pw_slab_give(&c, &frames, held[i].slot);
        held[i] = held[--n];
      }
      size_t alive = 0;
      for (size_t s = 0; s < n_slabs; s++) alive += used[s] > 0;
      assert_true(c.slabs_now == alive && c.objects == n && frames.free == 4096 - 4 * alive);
    }
    pw_slab_clear(&c);
    pw_buddy_clear(&frames);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(sizes), cmocka_unit_test(shapes), cmocka_unit_test(oldest_first), cmocka_unit_test(no_frame),
                                     cmocka_unit_test(random_objects)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
