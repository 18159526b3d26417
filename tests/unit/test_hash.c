/* Where page keys stand in a hash: nobody can make them meet who does not know this process's secret, and rows of
 * pages, which traces are made of, fall evenly whatever the secret is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/pagemap.h"

enum { BITS = 16, SLOTS = 1 << BITS };

static uint32_t in_slot[SLOTS];

/* The most keys in 16 slots side by side. */
static uint32_t densest(void)
{
  uint32_t most = 0;
  for (size_t i = 0; i + 16 <= SLOTS; i++) {
    uint32_t n = 0;
    for (size_t k = i; k < i + 16; k++) n += in_slot[k];
    if (n > most) most = n;
  }
  return most;
}

static void rows_of_pages_fall_evenly(void **state)
{
  (void)state;
  const uint64_t firsts[] = {0x400, 0x7ffff0000, UINT64_C(5) << 52 | 0x55d00};
  uint64_t secret = pw_hash_secret();
  assert_int_equal(secret & 1, 1);
  assert_true(secret == pw_hash_secret());
  for (size_t f = 0; f < sizeof firsts / sizeof *firsts; f++) {
    for (size_t i = 0; i < SLOTS; i++) in_slot[i] = 0;
    for (uint64_t i = 0; i < SLOTS / 2; i++) in_slot[pw_hash_home(firsts[f] + i, secret, BITS)]++;
    assert_in_range(densest(), 8, 14); /* 8 would be even, chance gives 22 */
  }
}

/* Keys that a hash with a known multiplier puts into one slot. */
static void keys_that_were_made_to_meet_do_not(void **state)
{
  const uint64_t golden = UINT64_C(0x9E3779B97F4A7C15);
  size_t n = 0;
  (void)state;
  for (size_t i = 0; i < SLOTS; i++) in_slot[i] = 0;
  for (uint64_t key = 0; n < 1024; key++) {
    if (key * golden >> (64 - BITS)) continue;
    in_slot[pw_hash_home(key, pw_hash_secret(), BITS)]++;
    n++;
  }
  assert_true(densest() < 512);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(rows_of_pages_fall_evenly), cmocka_unit_test(keys_that_were_made_to_meet_do_not)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
