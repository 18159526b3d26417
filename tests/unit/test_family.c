/* Families of traces under pw_system_run: a child shares its parent's frames from the fork on, goes on in what it executes, and is
 * gone where it has no trace; names that are none are refused; each allocation may fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "pagewalk.h"
#include "tracekit.h"

static char folder[] = "/tmp/pagewalk-family-XXXXXX";
static const char *const names[] = {"p.pwt", "p.1.pwt", "p.1-2.pwt"};

enum { HEAP = 0x40000 }; /* page */

static void map_heap(struct kit_builder *b)
{
  kit_event(b, (struct pw_event){.kind = PW_EVENT_MAP, .a = (uint64_t)HEAP << 12, .b = 8 << 12, .c = PW_MAP_READ | PW_MAP_WRITE});
}

static void name_child(struct kit_builder *b, bool next, const char *name)
{
  kit_event(b, (struct pw_event){.kind = PW_EVENT_CHILD, .a = 1, .b = next, .text = name, .text_bytes = (uint32_t)strlen(name)});
}

static void store(struct kit_builder *b, uint64_t page)
{
  kit_access(b, 0, HEAP + page, 2);
}

static void write_trace(const char *name, const struct pw_block *block)
{
  char path[100];
  struct pw_writer_options options = {0};
  struct pw_writer *writer;
  struct pw_error err;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  assert_int_equal(pw_writer_create(&writer, path, &options, &err), 0);
  assert_int_equal(pw_writer_add(writer, block, &err), 0);
  assert_int_equal(pw_writer_finish(writer, &err), 0);
  pw_writer_destroy(writer);
}

/* The parent stores to three pages, forks a child of that name, and stores to the first again, and to a new one. */
static void write_parent(const char *child)
{
  struct kit_builder *b = kit_alloc(1, sizeof *b);
  kit_start(b);
  map_heap(b);
  for (uint64_t page = 0; page < 3; page++) store(b, page);
  name_child(b, false, child);
  store(b, 0);
  store(b, 4);
  write_trace(names[0], kit_finish(b));
  free(b);
}

/* The child is told again what is mapped, stores to the second, and executes another, which maps anew and stores once. */
static void write_child(void)
{
  struct kit_builder *b = kit_alloc(1, sizeof *b);
  kit_start(b);
  map_heap(b);
  store(b, 1);
  name_child(b, true, names[2]);
  kit_event(b, (struct pw_event){.kind = PW_EVENT_EXEC, .text = "/bin/next", .text_bytes = 9});
  write_trace(names[1], kit_finish(b));
  kit_start(b);
  map_heap(b);
  store(b, 5);
  kit_event(b, (struct pw_event){.kind = PW_EVENT_EXIT});
  write_trace(names[2], kit_finish(b));
  free(b);
}

static int run(struct pw_system_case cases[2], uint64_t quantum)
{
  char path[100];
  struct pw_system_config configs[2];
  struct pw_system_case *const list[] = {&cases[0], &cases[1]};
  snprintf(path, sizeof path, "%s/%s", folder, names[0]);
  const struct pw_system_program program = {.trace = path};
  for (int i = 0; i < 2; i++) {
    pw_system_config_default(&configs[i], UINT64_C(16) << 20);
    configs[i].quantum = quantum;
    configs[i].thp = i ? PW_SYSTEM_THP_ALWAYS : PW_SYSTEM_THP_NEVER;
    configs[i].audit = true;
    cases[i].config = &configs[i];
  }
  return pw_system_run(&program, 1, list, 2, &(struct pw_system_options){.every = 0});
}

static void clear(struct pw_system_case cases[2])
{
  for (int i = 0; i < 2; i++) pw_system_clear(&cases[i].result);
}

/* 3 + 2 faults of the parent, of which one copies; the child's store copies too, and what it executes faults once. */
static void a_child_shares_and_goes_on(void **state)
{
  (void)state;
  struct pw_system_case cases[2];
  write_parent(names[1]);
  write_child();
  for (uint64_t quantum = 1; quantum <= 1000; quantum *= 1000) {
    assert_int_equal(run(cases, quantum), 0);
    for (int i = 0; i < 2; i++) {
      const struct pw_system_result *r = &cases[i].result;
      assert_int_equal(r->n_processes, 2);
      assert_string_equal(r->processes[0].name, "p");
      assert_string_equal(r->processes[1].name, "p.1-2 (next)");
      assert_int_equal(r->processes[0].sums.minor_faults, 5);
      assert_int_equal(r->processes[1].sums.minor_faults, 2);
      assert_int_equal(r->processes[1].sums.counted.stores, 2);
      assert_true(r->processes[1].exited && !r->processes[0].exited);
      assert_int_equal(r->sums.copies, quantum == 1 ? 2 : 1); /* the parent is gone when the child stores, so that page is the child's own */
    }
    clear(cases);
  }
}

static void a_child_without_a_trace_is_gone(void **state)
{
  (void)state;
  struct pw_system_case cases[2];
  for (int k = 0; k < 2; k++) {
    write_parent(k ? "" : "nothere.pwt");
    assert_int_equal(run(cases, 1), 0);
    assert_int_equal(cases[0].result.n_processes, 2);
    assert_int_equal(cases[0].result.sums.copies, 0); /* alone again, so that the store copies nothing */
    assert_int_equal(cases[0].result.sums.minor_faults, 5);
    clear(cases);
  }
}

static void names_that_are_none(void **state)
{
  (void)state;
  struct pw_system_case cases[2];
  write_parent("../p.1.pwt");
  assert_int_equal(run(cases, 1), PW_EFORMAT);
  assert_non_null(strstr(cases[0].error.text, "which is no name of a file"));
  clear(cases);
  write_parent(names[0]); /* itself */
  assert_int_equal(run(cases, 1), PW_EINVAL);
  assert_non_null(strstr(cases[0].error.text, "joins by itself; leave it out"));
  clear(cases);
}

static void each_allocation_fails(void **state)
{
  (void)state;
  struct pw_system_case cases[2];
  unsigned long n = 1;
  write_parent(names[1]);
  write_child();
  for (;; n++) {
    pw_alloc_fail_after(n);
    int status = run(cases, 1);
    if (!status && !kit_still_armed()) fail_msg("allocation %lu failed, and nobody noticed", n);
    pw_alloc_fail_after(0);
    const struct pw_error *err = cases[0].error.status ? &cases[0].error : &cases[1].error;
    if (status && (status != PW_ENOMEM || !strstr(err->text, "memory ran out"))) fail_msg("allocation %lu: status %d %s", n, status, err->text);
    clear(cases);
    if (!status) break;
  }
  assert_true(n > 200);
}

static int set_up(void **state)
{
  (void)state;
  return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
  (void)state;
  char path[100];
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    snprintf(path, sizeof path, "%s/%s", folder, names[i]);
    unlink(path);
  }
  return rmdir(folder);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_child_shares_and_goes_on), cmocka_unit_test(a_child_without_a_trace_is_gone),
                                     cmocka_unit_test(names_that_are_none), cmocka_unit_test(each_allocation_fails)};
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
