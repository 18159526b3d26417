/* A recording that is told, through its ring, what no program of good will tells: more text than a block of the
 * format holds, a range up to the end of the address space, a ring that claims to be fuller than it can be. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "record/image.h"
#include "record/ring.h"

struct kit {
  char path[64];
  struct pw_recording *recording;
  struct pw_ring *ring;
  size_t bytes;
  uint32_t n; /* words in the first block */
};

static uint64_t *words_of(struct kit *k)
{
  return (uint64_t *)(void *)((char *)k->ring + PW_RING_HEADER_BYTES);
}

static void tell(struct kit *k, uint32_t kind, const uint64_t *words, uint32_t n)
{
  uint64_t *to = words_of(k) + k->n;
  *to++ = PW_RING_RECORD(kind, n);
  memcpy(to, words, n * sizeof *words);
  k->n += n + 1;
}

/* A recording of one fetch. */
static void open_kit(struct kit *k)
{
  const struct pw_recording_options options = {.size_limit_bytes = 0};
  struct pw_error err;
  *k = (struct kit){.path = "/tmp/pw-recording-XXXXXX"};
  int fd = mkstemp(k->path);
  assert_true(fd >= 0);
  close(fd);
  assert_int_equal(pw_recording_create(&k->recording, k->path, &options, &err), 0);
  off_t bytes = lseek(pw_recording_ring(k->recording), 0, SEEK_END);
  k->bytes = (size_t)bytes;
  k->ring = mmap(NULL, k->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, pw_recording_ring(k->recording), 0);
  assert_true(k->ring != MAP_FAILED);
  tell(k, PW_RING_RUN, (uint64_t[]){0, PW_RING_ITEM(PW_FETCH, 4, 0x401000)}, 2);
  words_of(k)[k->n++] = 0; /* the run */
}

static void hand_over(struct kit *k)
{
  k->ring->words[0] = k->n;
  k->ring->head = 1;
}

static void close_kit(struct kit *k)
{
  munmap(k->ring, k->bytes);
  pw_recording_destroy(k->recording);
  unlink(k->path);
}

/* Reads the trace: its events; `last` is the one. */
static uint64_t events_of(const struct kit *k, struct pw_event *last)
{
  const struct pw_trace_options options = {.limit = 0};
  const struct pw_block *block;
  struct pw_trace *trace;
  struct pw_error err;
  uint64_t n = 0;
  int status = pw_trace_open(&trace, k->path, &options, &err);
  assert_int_equal(status, 0);
  while ((status = pw_trace_next(trace, &block, &err)) > 0) {
    n += block->n_events;
    if (block->n_events) *last = block->events[block->n_events - 1];
  }
  if (status) print_error("%s\n", err.text);
  assert_int_equal(status, 0);
  pw_trace_close(trace);
  return n;
}

static void any_number_of_long_names_is_kept(void **state)
{
  (void)state;
  enum { SYMBOLS = 20000 };
  static char name[4000];
  struct kit k;
  struct pw_error err;
  struct pw_event last = {.kind = 0};
  memset(name, 'x', sizeof name);
  open_kit(&k);
  for (uint64_t i = 0; i < SYMBOLS; i++)
    assert_int_equal(pw_recording_symbol(k.recording, 0x1000 + i, 1, PW_SYMBOL_DATA, name, sizeof name, &err), 0);
  hand_over(&k);
  assert_int_equal(pw_recording_finish(k.recording, &err), 0);
  assert_int_equal(events_of(&k, &last), SYMBOLS);
  assert_int_equal(last.a, 0x1000 + SYMBOLS - 1);
  close_kit(&k);
}

/* Readers take so many names and no more: those beyond are left out, and the trace can be read. */
static void names_stay_below_the_cap_of_readers(void **state)
{
  (void)state;
  enum { SYMBOLS = 55000 };
  static char name[4000];
  struct kit k;
  struct pw_error err;
  struct pw_event last = {.kind = 0};
  memset(name, 'x', sizeof name);
  open_kit(&k);
  for (uint64_t i = 0; i < SYMBOLS; i++)
    assert_int_equal(pw_recording_symbol(k.recording, 0x1000 + i, 1, PW_SYMBOL_DATA, name, sizeof name, &err), 0);
  hand_over(&k);
  assert_int_equal(pw_recording_finish(k.recording, &err), 0);
  assert_int_equal(events_of(&k, &last), (UINT64_C(192) << 20) / sizeof name);
  close_kit(&k);
}

static void the_last_page_can_be_read_back(void **state)
{
  (void)state;
  struct kit k;
  struct pw_error err;
  struct pw_event last = {.kind = 0};
  open_kit(&k);
  tell(&k, PW_RING_UNMAP, (uint64_t[]){UINT64_MAX - 4095, 4096}, 2);
  hand_over(&k);
  assert_int_equal(pw_recording_finish(k.recording, &err), 0);
  assert_int_equal(events_of(&k, &last), 1);
  assert_int_equal(last.kind, PW_EVENT_UNMAP);
  assert_true(last.a == UINT64_MAX - 4095 && last.b == 4096);
  close_kit(&k);
}

static void a_ring_is_never_fuller_than_full(void **state)
{
  (void)state;
  struct kit k;
  struct pw_error err;
  open_kit(&k);
  hand_over(&k);
  assert_int_equal(pw_recording_step(k.recording, &err), 1);
  k.ring->head = k.ring->tail + k.ring->n_blocks + 1;
  assert_int_equal(pw_recording_step(k.recording, &err), PW_EFORMAT);
  assert_int_equal(pw_recording_finish(k.recording, &err), PW_EFORMAT);
  assert_int_equal(pw_recording_totals(k.recording).fetches, 1); /* what came before is good */
  close_kit(&k);
}

/* A word that is no run is only a number: no address is made of it before it is checked (for the sanitizer). */
static void an_unchecked_word_forms_no_pointer(void **state)
{
  (void)state;
  static const uint64_t words[] = {UINT64_MAX >> 1, UINT64_C(0x7eff7ffffffff), UINT64_C(1) << 57, 1};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    struct kit k;
    struct pw_error err;
    open_kit(&k);
    for (int n = 0; n < 3; n++) words_of(&k)[k.n++] = 0;
    words_of(&k)[k.n++] = words[i];
    hand_over(&k);
    assert_int_equal(pw_recording_step(k.recording, &err), PW_EFORMAT);
    close_kit(&k);
  }
}

struct scribbler {
  struct kit *kit;
  _Atomic bool leave;
};

/* A program that writes over words, sizes and counters that were told already. */
static void *scribble(void *argument)
{
  struct scribbler *s = argument;
  volatile struct pw_ring *ring = s->kit->ring;
  volatile uint64_t *words = words_of(s->kit);
  for (uint64_t turn = 0; !s->leave; turn++) {
    uint64_t flip = turn % 2 ? UINT64_MAX >> 1 : 0;
    for (uint32_t i = 3; i < s->kit->n; i += 2) words[i] = flip;             /* runs */
    for (uint32_t i = 4; i < s->kit->n; i += 2) words[i] = 0x5000 + turn % 3 * 0x1ffd; /* addresses */
    ring->words[0] = turn % 2 ? UINT32_MAX : s->kit->n;
    ring->cut[0] = turn % 2 ? UINT64_MAX : 0;
    ring->tail = (uint32_t)turn;
  }
  return NULL;
}

/* What is checked is what is used, however the ring changes meanwhile: the trace can be read back. */
static void a_ring_that_changes_while_it_is_read(void **state)
{
  (void)state;
  for (int round = 0; round < 40; round++) {
    struct kit k;
    struct pw_error err;
    struct pw_event last;
    pthread_t thread;
    open_kit(&k);
    k.n = 0;
    tell(&k, PW_RING_RUN, (uint64_t[]){0, PW_RING_ITEM(PW_LOAD, 8, 0)}, 2);
    for (int i = 0; i < 8000; i++) {
      words_of(&k)[k.n++] = 0;
      words_of(&k)[k.n++] = 0x5000;
    }
    struct scribbler s = {.kit = &k};
    hand_over(&k);
    assert_int_equal(pthread_create(&thread, NULL, scribble, &s), 0);
    int status = pw_recording_step(k.recording, &err);
    s.leave = true;
    pthread_join(thread, NULL);
    assert_true(status == 1 || status == PW_EFORMAT);
    status = pw_recording_finish(k.recording, &err);
    assert_true(status == 0 || status == PW_EFORMAT);
    if (pw_recording_visits(k.recording)) events_of(&k, &last);
    close_kit(&k);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(any_number_of_long_names_is_kept), cmocka_unit_test(names_stay_below_the_cap_of_readers),
                                     cmocka_unit_test(the_last_page_can_be_read_back),
                                     cmocka_unit_test(an_unchecked_word_forms_no_pointer),
      cmocka_unit_test(a_ring_that_changes_while_it_is_read),
      cmocka_unit_test(a_ring_is_never_fuller_than_full)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
