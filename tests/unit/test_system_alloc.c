/* A computer of several programs when memory runs out: each allocation fails once, and the answer is a sentence or the numbers. */
#include <unistd.h>

#include "base/alloc.h"
#include "tracekit.h"

static char path[2][64];

/* Two programs that do all that there is: files, shared memory, forks, huge pages, moves, an exec, an exit. */
static const char *const programs[2] = {
    "op,addr,size,pid,arg,name\n"
    "map,0x40000000,0x400000,0,rw-p,\nW,0x40000000,8,0,,\nW,0x40200000,8,0,,\nI,0x40201000,4,0,,\n"
    "map,0x10000000,0x20000,0,r--p,/lib/a\nR,0x10000000,8,0,,\nR,0x1001f000,8,0,,\n"
    "map,0x20000000,0x3000,0,rw-s,\nW,0x20001000,8,0,,\nfork,,,0,1,\nW,0x40000000,8,1,,\nW,0x20002000,8,1,,\n"
    "advise,0x40100000,0x1000,0,nohugepage,\nunmap,0x40010000,0x3000,0,,\nW,0x40000008,8,0,,\n"
    "map,0x50000000,0x200000,0,rw-p,\nmove,0x40200000,0x200000,0,0x50000000,\nW,0x50000000,8,0,,\n"
    "discard,0x50000000,0x1000,0,,\nexec,,,1,,/bin/b\nW,0x7f0000000000,8,1,,\nexit,,,1,,\nR,0x60000000,8,0,,\n",
    "op,addr,size,pid,arg,name\n"
    "map,0x10000000,0x20000,0,rw-p,/lib/a\nW,0x10001000,8,0,,\nmap,0x30000000,0x200000,0,rw-p,\nR,0x30000000,8,0,,\n"
    "W,0x30000000,8,0,,\nprotect,0x30001000,0x1000,0,r--p,\nkernel-write,0x30003000,5000,0,,\nR,0x30000000,8,0,,\n"};

static struct pw_system_config config(int variant)
{
  struct pw_system_config c;
  pw_system_config_default(&c, UINT64_C(64) << 20);
  c.kernel_bytes = 0;
  c.quantum = 2;
  c.rate = variant == 1 ? 1 : 1000000000;
  c.thp = variant == 3 ? PW_SYSTEM_THP_NEVER : PW_SYSTEM_THP_ALWAYS;
  c.cold = variant == 2;
  c.plain = variant == 3;
  return c;
}

static int run(int variant, struct pw_system_sums *sums, struct pw_error *err)
{
  const struct pw_system_program list[] = {{.trace = path[0], .copies = 2}, {.trace = path[1], .name = "b", .start = 3}};
  const struct pw_system_options options = {.every = 4};
  struct pw_system_config c = config(variant);
  struct pw_system_config other = config((variant + 1) % 4);
  struct pw_system_case cases[2] = {{.config = &c}, {.config = &other}}, *const list_of_cases[] = {&cases[0], &cases[1]};
  struct pw_system_result result;
  int status = pw_system_run(list, 2, list_of_cases, 2, &options);
  result = cases[0].result;
  *err = cases[0].error.status ? cases[0].error : cases[1].error;
  if (!status) {
    *sums = result.sums;
    assert_string_equal(result.programs, "one.csv x 2 + b");
    assert_true(result.n_processes == 5 && result.n_windows > 5);
  }
  pw_system_clear(&cases[0].result);
  pw_system_clear(&cases[1].result);
  return status;
}

static void each_allocation_fails(void **state)
{
  (void)state;
  for (int variant = 0; variant < 4; variant++) {
    struct pw_system_sums want, got;
    struct pw_error err = {0};
    unsigned long n = 1;
    pw_alloc_fail_after(0);
    KIT_OK(run(variant, &want, &err), err);
    assert_true(want.minor_faults > 10 && (variant == 3 || want.thp_faults > 2) && want.copies > 0);
    for (;; n += SLOW ? 3 : 1) {
      memset(&err, 0, sizeof err);
      pw_alloc_fail_after(n);
      int status = run(variant, &got, &err);
      if (status == 0) break;
      if (status != PW_ENOMEM || !strstr(err.text, "memory ran out")) fail_msg("variant %d, allocation %lu: status %d %s", variant, n, status, err.text);
    }
    if (!kit_still_armed()) fail_msg("variant %d: allocation %lu failed, and nobody noticed", variant, n);
    pw_alloc_fail_after(0);
    assert_memory_equal(&want, &got, sizeof want);
    assert_true(n > 200);
  }
}

static int set_up(void **state)
{
  (void)state;
  static char folder[] = "/tmp/test_system.XXXXXX";
  if (!mkdtemp(folder)) return -1;
  for (int i = 0; i < 2; i++) {
    snprintf(path[i], sizeof path[i], "%s/%s.csv", folder, i ? "two" : "one");
    FILE *out = fopen(path[i], "w");
    if (!out || fputs(programs[i], out) < 0 || fclose(out)) return -1;
  }
  *state = folder;
  return 0;
}

static int tear_down(void **state)
{
  pw_alloc_fail_after(0);
  for (int i = 0; i < 2; i++) unlink(path[i]);
  return rmdir(*state);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(each_allocation_fails)};
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
