/* Records of a ring as events: what each becomes, in order; records that are cut off or make no sense; who names
 * what is mapped; what the last event is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "record/ring.h"
#include "record/ring_events.h"
#include "trace/visits.h"

struct kit {
  struct pw_ring_events events;
  struct pw_visits *visits;
  unsigned maps, unmaps;
};

static int room(void *kit, struct pw_error *err)
{
  struct kit *k = kit;
  (void)err;
  return pw_visits_room(k->visits, 0) ? PW_ENOMEM : 0;
}

static void look(void *kit, struct pw_ring_map *map)
{
  (void)kit;
  if (map->name_bytes) strcpy(map->build_id, "c0ffee");
}

static int name_map(void *kit, const struct pw_ring_map *map, struct pw_error *err)
{
  struct kit *k = kit;
  k->maps++;
  return pw_ring_events_symbol(&k->events, map->address, 4, PW_SYMBOL_DATA, "table", 5, err);
}

static void name_unmap(void *kit, uint64_t address, uint64_t bytes)
{
  struct kit *k = kit;
  assert_true(address + (bytes - 1) >= address);
  k->unmaps++;
}

static void open_kit(struct kit *k, bool named)
{
  const struct pw_trace_options options = {0};
  struct pw_error err;
  *k = (struct kit){.maps = 0};
  assert_int_equal(pw_visits_create(&k->visits, &options, &err), 0);
  k->events = (struct pw_ring_events){.path = "test", .visits = k->visits, .room = room, .context = k};
  if (named) k->events.namer = (struct pw_ring_namer){k, look, name_map, name_unmap};
}

static int take(struct kit *k, uint32_t kind, size_t n, const uint64_t *words)
{
  struct pw_error err;
  return pw_ring_events_take(&k->events, kind, words, n, &err);
}

#define TAKE(kit, kind, ...) \
  assert_int_equal(take(kit, kind, sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t), (uint64_t[]){__VA_ARGS__}), 0)

static uint32_t finish(struct kit *k)
{
  return pw_visits_flush(k->visits) ? k->visits->block.n_events : 0;
}

static void close_kit(struct kit *k)
{
  pw_ring_events_clear(&k->events);
  pw_visits_destroy(k->visits);
}

static void expect_event(const struct kit *k, uint32_t i, uint32_t kind, uint64_t a, uint64_t b, uint64_t c, const char *text)
{
  const struct pw_event *e = &k->visits->block.events[i];
  assert_true(i < k->visits->block.n_events);
  assert_int_equal(e->kind, kind);
  assert_int_equal(e->a, a);
  assert_int_equal(e->b, b);
  assert_int_equal(e->c, c);
  assert_int_equal(e->text_bytes, strlen(text));
  assert_memory_equal(e->text_bytes ? e->text : "", text, strlen(text));
}

static void records_become_events(void **state)
{
  (void)state;
  struct kit k;
  uint64_t file[6] = {0x1000, 0x2000, 5 | PW_MAP_HUGETLB | 256, 0x3000, 77};
  memcpy(&file[5], "/lib/x", 6);
  open_kit(&k, true);
  assert_int_equal(take(&k, PW_RING_MAP, 6, file), 0);
  TAKE(&k, PW_RING_STACK, 0x9000, 0x1000);
  TAKE(&k, PW_RING_HEAP, 0x5000, 0x1000, 3);
  TAKE(&k, PW_RING_MOVE, 0x1000, 0x1000, 0x7000);
  TAKE(&k, PW_RING_UNMAP, 0x1000, 0x1000);
  TAKE(&k, PW_RING_THREAD_NEW, 1, 2);
  TAKE(&k, 999, 1, 2, 3); /* of a later tool */
  assert_int_equal(finish(&k), 8);
  expect_event(&k, 0, PW_EVENT_MAP, 0x1000, 0x2000, 5 | PW_MAP_HUGETLB, "/lib/x");
  expect_event(&k, 1, PW_EVENT_BACKING, 0x3000, 77, 0, "c0ffee");
  expect_event(&k, 2, PW_EVENT_SYMBOL, 0x1000, 4, PW_SYMBOL_DATA, "table");
  expect_event(&k, 3, PW_EVENT_MAP, 0x9000, 0x1000, 3 | PW_MAP_STACK, "[stack]");
  expect_event(&k, 4, PW_EVENT_MAP, 0x5000, 0x1000, 3, "[heap]");
  expect_event(&k, 5, PW_EVENT_MOVE, 0x1000, 0x1000, 0x7000, "");
  expect_event(&k, 6, PW_EVENT_UNMAP, 0x1000, 0x1000, 0, "");
  expect_event(&k, 7, PW_EVENT_THREAD_START, 2, 1, 0, "");
  assert_int_equal(k.maps, 1);
  assert_int_equal(k.unmaps, 1);
  close_kit(&k);
}

static void nonsense_is_left_out_or_refused(void **state)
{
  (void)state;
  struct kit k;
  const uint64_t words[5] = {0};
  open_kit(&k, true);
  TAKE(&k, PW_RING_UNMAP, UINT64_MAX - 4095, 8192);         /* past the end */
  TAKE(&k, PW_RING_MAP, UINT64_MAX - 4095, 8192, 3, 0, 1);
  TAKE(&k, PW_RING_HEAP, 0x1000, 0, 3);                     /* nothing */
  TAKE(&k, PW_RING_MOVE, 0x1000, 8192, UINT64_MAX - 4095);
  TAKE(&k, PW_RING_WRITE, 2, UINT64_MAX);
  assert_int_equal(k.maps + k.unmaps, 0);
  for (uint32_t kind = PW_RING_MAP; kind <= PW_RING_EXIT; kind++) assert_int_equal(take(&k, kind, 0, words), PW_EFORMAT);
  assert_int_equal(take(&k, PW_RING_MAP, 4, words), PW_EFORMAT);
  assert_int_equal(take(&k, PW_RING_EXIT, 1, words), PW_EFORMAT);
  TAKE(&k, PW_RING_UNMAP, UINT64_MAX - 4095, 4096);         /* the last page is one */
  assert_int_equal(finish(&k), 1);
  close_kit(&k);
}

static void long_names_are_cut(void **state)
{
  (void)state;
  static uint64_t words[5 + 1000] = {0x1000, 0x1000, 3, 0, 9};
  struct kit k;
  memset(&words[5], 'x', sizeof words - 40); /* and not terminated */
  open_kit(&k, false);
  assert_int_equal(take(&k, PW_RING_MAP, sizeof words / sizeof *words, words), 0);
  assert_int_equal(finish(&k), 2);
  assert_int_equal(k.visits->block.events[0].text_bytes, 4095);
  close_kit(&k);
}

static void the_last_event_is_how_it_ended(void **state)
{
  (void)state;
  struct kit k;
  struct pw_error err;
  uint64_t program[2] = {0};
  memcpy(program, "/bin/next", 9);
  open_kit(&k, false);
  assert_int_equal(pw_ring_events_end(&k.events, &err), 0); /* nothing is known */
  assert_int_equal(finish(&k), 0);
  TAKE(&k, PW_RING_EXIT, 3, 0);
  TAKE(&k, PW_RING_EXIT, 0, 11); /* a signal, after all */
  assert_int_equal(pw_ring_events_end(&k.events, &err), 0);
  assert_int_equal(finish(&k), 1);
  expect_event(&k, 0, PW_EVENT_EXIT, 0, 11, 0, "");
  close_kit(&k);

  open_kit(&k, false);
  assert_int_equal(take(&k, PW_RING_EXEC, 2, program), 0);
  TAKE(&k, PW_RING_UNRECORDED, 1);
  assert_true(k.events.unrecorded);
  pw_ring_events_go_on(&k.events); /* it failed */
  assert_null(k.events.exec);
  assert_int_equal(take(&k, PW_RING_EXEC, 2, program), 0);
  assert_false(k.events.unrecorded);
  assert_int_equal(pw_ring_events_end(&k.events, &err), 0);
  assert_int_equal(finish(&k), 1);
  expect_event(&k, 0, PW_EVENT_EXEC, 0, 0, 0, "/bin/next");
  close_kit(&k);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(records_become_events), cmocka_unit_test(nonsense_is_left_out_or_refused),
      cmocka_unit_test(long_names_are_cut), cmocka_unit_test(the_last_event_is_how_it_ended)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
