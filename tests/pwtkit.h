/* Random .pwt traces for tests, and reading them back to the end. */
#ifndef PWTKIT_H
#define PWTKIT_H

#include "tracekit.h"

/* What a trace in the making knows, so that its events keep the format's rules. */
struct pwt_maker {
  uint64_t random;
  uint32_t process, n_processes;
  bool user_half; /* kernel accesses stay in it, so that the trace fits a table */
  char text[4096];
};

static inline void pwt_maker_init(struct pwt_maker *m, uint64_t seed)
{
  memset(m, 0, sizeof *m);
  m->random = pw_random_seed(seed, 3);
  m->n_processes = 1;
  for (size_t i = 0; i < sizeof m->text; i++) m->text[i] = (char)(i * 37 + seed);
}

static inline struct pw_event pwt_maker_event(struct pwt_maker *m)
{
  uint64_t *r = &m->random;
  uint32_t kind = 1 + pw_random_below(r, PW_EVENT_KINDS - 1);
  static const uint32_t lengths[] = {0, 0, 0, 1, 12, 127, 128, 4096};
  struct pw_event e = {.kind = kind, .text = m->text, .text_bytes = lengths[pw_random_below(r, 8)]};
  switch (kind) {
    case PW_EVENT_THREAD: e.a = pw_random_next(r); break;
    case PW_EVENT_PROCESS:
    case PW_EVENT_FORK:
      e.a = pw_random_next(r) >> 32;
      e.b = pw_random_below(r, m->n_processes + 1);
      if (e.b == m->n_processes) m->n_processes++;
      if (kind == PW_EVENT_PROCESS) m->process = (uint32_t)e.b;
      break;
    case PW_EVENT_MAP:
    case PW_EVENT_UNMAP:
    case PW_EVENT_PROTECT:
    case PW_EVENT_ADVISE:
    case PW_EVENT_DISCARD:
    case PW_EVENT_KERNEL_READ:
    case PW_EVENT_KERNEL_WRITE:
      e.a = pw_random_next(r) & ~UINT64_C(4095);
      e.b = pw_random_below(r, 5) ? pw_random_next(r) % (UINT64_MAX - e.a) : 0;
      if (pw_event_is_kernel(kind)) e.b %= PW_MAX_KERNEL_BYTES + 1;
      if (pw_event_is_kernel(kind) && m->user_half) e.a %= UINT64_C(1) << 46;
      e.c = pw_random_below(r, 8);
      break;
    case PW_EVENT_MOVE:
    case PW_EVENT_SYMBOL:
      e.a = pw_random_next(r) >> 1;
      e.b = pw_random_next(r) >> 2;
      e.c = kind == PW_EVENT_MOVE ? pw_random_next(r) >> 1 : 1 + pw_random_below(r, 2);
      break;
    case PW_EVENT_THREAD_START:
    case PW_EVENT_THREAD_END:
    case PW_EVENT_BACKING:
      e.a = pw_random_next(r);
      e.b = pw_random_next(r) >> pw_random_below(r, 64);
      break;
    case PW_EVENT_EXIT: e.a = pw_random_below(r, 2) ? UINT64_MAX : 0; break;
    case PW_EVENT_MARK: e.a = 1; break;
    default: break;
  }
  return e;
}

/* One more block of about n accesses; `events` = one event in so many accesses, 0 = none. */
static inline const struct pw_block *pwt_maker_block(struct pwt_maker *m, struct kit_builder *b, uint32_t n, uint32_t pages,
                                                     uint32_t events)
{
  uint64_t *r = &m->random;
  uint64_t at[2] = {0, 0};
  kit_start(b);
  for (uint32_t i = 0; i < n; i++) {
    if (events && pw_random_below(r, events) == 0) kit_event(b, pwt_maker_event(m));
    uint32_t op = pw_random_below(r, 3);
    if (pw_random_below(r, 3) == 0) {
      uint64_t page = pw_random_below(r, pages);
      if (page % 5 == 4) page = page << 24 | page;      /* far away */
      if (page % 7 == 6) page = PW_PAGE_MASK - page;    /* the kernel's half */
      at[op == PW_FETCH] = page;
    }
    kit_access(b, m->process, at[op == PW_FETCH], op);
  }
  for (uint32_t i = pw_random_below(r, 3); events && i > 0; i--) kit_event(b, pwt_maker_event(m));
  if (n == 0 && b->n_events == 0) kit_event(b, pwt_maker_event(m));
  return kit_finish(b);
}

/* Reads to the end: 0, or what went wrong and where (`blocks` were good). */
static inline int pwt_drain(const void *bytes, size_t n, const struct pw_trace_options *options, size_t *blocks,
                            struct pw_error *err)
{
  struct pw_trace *t;
  const struct pw_block *b;
  *blocks = 0;
  memset(err, 0, sizeof *err);
  int status = pw_trace_open_memory(&t, "file.pwt", bytes, n, options, err);
  if (status) return status;
  while ((status = pw_trace_next(t, &b, err)) == 1) {
    kit_check_indices(b);
    ++*blocks;
  }
  if (status == 0) assert_true(pw_trace_info(t)->complete);
  pw_trace_close(t);
  return status;
}

#endif
