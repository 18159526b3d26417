/* Where memory lies whose address a program rounds up: by hand, and random mappings, whose every page has one place in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "space/roundup.h"

static uint64_t place(const struct pw_range parts[2], uint64_t page)
{
  for (int i = 0; i < 2; i++)
    if (page >= parts[i].first && page <= parts[i].last) return page + parts[i].value;
  fail_msg("a page has no place");
  return 0;
}

/* 2000 pages recorded from 300 on, of which 1024 from 512 on are advised: 212 are before them. From 1000 on 24 are; from 1124 on 412. */
static void by_hand(void **state)
{
  (void)state;
  struct pw_range parts[2];
  assert_true(pw_round_up(300, 2000, 1000, 512, 1536, parts));
  assert_int_equal(place(parts, 512), 1024);
  assert_int_equal(place(parts, 1535), 2047);
  assert_int_equal(place(parts, 511), 1023);
  assert_int_equal(place(parts, 487), 2999); /* 188 pages more than natively are before: they lie at the end */
  assert_int_equal(place(parts, 300), 2812);
  assert_true(pw_round_up(300, 2000, 1124, 512, 1536, parts));
  assert_int_equal(place(parts, 512), 1536);
  assert_int_equal(place(parts, 300), 1324);
  assert_int_equal(place(parts, 2299), 1323);
  assert_false(pw_round_up(300, 2000, 812, 512, 1536, parts));  /* as far from where 2 MiB begin */
  assert_false(pw_round_up(300, 1236, 1124, 512, 1536, parts)); /* natively it would end outside */
  assert_false(pw_round_up(300, 2000, 1000, 513, 1536, parts)); /* nobody rounded this up */
}

static void each_page_has_one_place(void **state)
{
  (void)state;
  static unsigned char taken[4096];
  uint64_t random = pw_random_seed(3, 1);
  int turned = 0;
  for (int turn = 0; turn < 3000; turn++) {
    uint64_t first = pw_random_below(&random, 5000), pages = 1 + pw_random_below(&random, 4000), native = 10000 + pw_random_below(&random, 5000);
    uint64_t start = (first + 511) / 512 * 512 + 512 * (pw_random_below(&random, 3)), end = start + 1 + pw_random_below(&random, 3000);
    struct pw_range parts[2];
    if (!pw_round_up(first, pages, native, start, end, parts)) continue;
    turned++;
    memset(taken, 0, sizeof taken);
    for (uint64_t page = first; page < first + pages; page++) {
      uint64_t at = place(parts, page) - native;
      assert_true(at < pages && !taken[at]);
      taken[at] = 1;
    }
    for (uint64_t page = start; page < end; page++) assert_int_equal(place(parts, page) % 512, page % 512);
  }
  assert_true(turned > 300);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(by_hand), cmocka_unit_test(each_page_has_one_place)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
