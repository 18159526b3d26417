/* Blocks whose events need care: a process that exits and is named again has a root again, and a reader refuses
 * a visit that touches a page which no visit opened since the last event. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "pagewalk.h"

static int run_block(const struct pw_block *block, struct pw_result *result, struct pw_error *err)
{
  char path[] = "/tmp/pagewalk-test-XXXXXX";
  int fd = mkstemp(path);
  struct pw_writer_options writing = {0};
  struct pw_writer *writer;
  struct pw_trace *trace;
  struct pw_config config;
  assert_true(fd >= 0);
  close(fd);
  assert_int_equal(pw_writer_create(&writer, path, &writing, err), 0);
  assert_int_equal(pw_writer_add(writer, block, err), 0);
  assert_int_equal(pw_writer_finish(writer, err), 0);
  pw_writer_destroy(writer);
  assert_int_equal(pw_trace_open(&trace, path, NULL, err), 0);
  unlink(path);
  pw_config_default(&config);
  int status = pw_run(trace, &config, 1, NULL, result, err);
  pw_trace_close(trace);
  return status;
}

/* Process 0 loads, exits and loads again; then process 1 loads: two trees of 16 KiB live at the end. */
static void an_exited_process_that_returns_has_a_root(void **state)
{
  (void)state;
  const uint64_t pages[] = {1, UINT64_C(1) << PW_PAGE_BITS | 1};
  const uint16_t page[] = {0, 0, 1}, none[] = {0, 0, 0}, one[] = {1, 1, 1};
  const uint8_t flags[] = {0, 0, 0};
  const struct pw_event events[] = {{.at = 1, .kind = PW_EVENT_EXIT},
                                    {.at = 1, .kind = PW_EVENT_PROCESS, .a = 7, .b = 0},
                                    {.at = 2, .kind = PW_EVENT_PROCESS, .a = 8, .b = 1}};
  const struct pw_block block = {.n_visits = 3, .n_pages = 2, .n_events = 3, .pages = pages, .page = page,
                                 .flags = flags, .fetches = none, .loads = one, .stores = none, .touches = one,
                                 .events = events, .totals = {.loads = 3}};
  struct pw_result result;
  struct pw_error err;
  assert_int_equal(run_block(&block, &result, &err), 0);
  assert_int_equal(result.minor_faults, 3);
  assert_int_equal(result.table_bytes, 2 * 4 * 4096);
}

/* A load of page 1, a fetch on page 2, an event, and a fetch whose pattern goes back to page 1. */
static int run_unopened(uint32_t kind, struct pw_error *err)
{
  const uint64_t pages[] = {1, 2};
  const uint16_t page[] = {0, 1, 1}, fetches[] = {0, 1, 1}, loads[] = {1, 0, 1}, none[] = {0, 0, 0}, touches[] = {1, 1, 2};
  const uint8_t flags[] = {0, PW_VISIT_CODE, PW_VISIT_CODE | 1 << PW_VISIT_TOUCHES_SHIFT};
  const struct pw_event event = {.at = 2, .kind = kind, .a = kind == PW_EVENT_UNMAP ? 0x1000 : 1,
                                 .b = kind == PW_EVENT_UNMAP ? 0x1000 : 0};
  const struct pw_block block = {.n_visits = 3, .n_pages = 2, .n_events = 1, .pages = pages, .page = page,
                                 .flags = flags, .fetches = fetches, .loads = loads, .stores = none, .touches = touches,
                                 .events = &event, .totals = {.fetches = 2, .loads = 2}};
  struct pw_result result;
  return run_block(&block, &result, err);
}

static void a_page_is_opened_again_after_an_event(void **state)
{
  (void)state;
  struct pw_error err;
  assert_int_equal(run_unopened(PW_EVENT_UNMAP, &err), PW_EFORMAT);
  assert_non_null(strstr(err.text, "columns make no sense"));
  assert_int_equal(run_unopened(PW_EVENT_THREAD, &err), PW_EFORMAT);
  assert_int_equal(run_unopened(PW_EVENT_MARK, &err), 0); /* a cut may put a mark anywhere */
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_exited_process_that_returns_has_a_root),
      cmocka_unit_test(a_page_is_opened_again_after_an_event),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
