/* The records of a ring that become events.
 *
 * Ranges are believed as far as the format can hold them: a program may say anything, and the kernel
 * has refused what makes no sense. */
#include "record/ring_events.h"

#include <string.h>

#include "base/alloc.h"
#include "base/block.h"
#include "record/ring.h"
#include "trace/pwt.h"
#include "trace/visits.h"

#define MOST_TEXT 4095u
#define MOST_SYMBOL_BYTES (PWT_MOST_TEXT_BYTES / 4 * 3) /* no reader takes more texts; mappings need some too */
#define KERNEL_MOST UINT64_C(0x7ffff000) /* bytes of one read or write, as Linux limits them */

static int out_of_memory(const struct pw_ring_events *e, struct pw_error *err)
{
  return pw_error_set(err, PW_ENOMEM, "%s: memory ran out", e->path);
}

void pw_ring_events_written(struct pw_ring_events *e)
{
  while (e->texts) {
    struct pw_ring_text *next = e->texts->next;
    pw_free(e->texts);
    e->texts = next;
  }
  e->text_bytes = 0;
}

void pw_ring_events_go_on(struct pw_ring_events *e)
{
  pw_free(e->exec);
  e->exec = NULL;
}

void pw_ring_events_clear(struct pw_ring_events *e)
{
  pw_ring_events_written(e);
  pw_ring_events_go_on(e);
}

static int put_event(struct pw_ring_events *e, struct pw_event event, const char *text, size_t text_bytes, struct pw_error *err)
{
  if (text_bytes > MOST_TEXT) text_bytes = MOST_TEXT;
  if (event.kind == PW_EVENT_SYMBOL && e->all_text_bytes + text_bytes > MOST_SYMBOL_BYTES) return 0;
  if (e->all_text_bytes + text_bytes > PWT_MOST_TEXT_BYTES) text_bytes = 0;
  int status = e->room(e->context, err);
  if (status) return status;
  e->all_text_bytes += text_bytes;
  if (text_bytes) {
    struct pw_ring_text *copy = pw_malloc(1, sizeof *copy + text_bytes);
    if (!copy) return out_of_memory(e, err);
    memcpy(copy->bytes, text, text_bytes);
    copy->next = e->texts;
    e->texts = copy;
    e->text_bytes += text_bytes;
    event.text = copy->bytes;
    event.text_bytes = (uint32_t)text_bytes;
  }
  pw_visits_event(e->visits, &event);
  return 0;
}

int pw_ring_events_symbol(struct pw_ring_events *e, uint64_t address, uint64_t bytes, uint32_t kind, const char *name,
                          size_t name_bytes, struct pw_error *err)
{
  return put_event(e, (struct pw_event){.kind = PW_EVENT_SYMBOL, .a = address, .b = bytes, .c = kind}, name, name_bytes, err);
}

static bool good_range(const uint64_t *w)
{
  return w[1] && pw_range_fits(w[0], w[1]);
}

static int put_range(struct pw_ring_events *e, enum pw_event_kind kind, const uint64_t *w, uint64_t c, struct pw_error *err)
{
  if (!good_range(w)) return 0;
  return put_event(e, (struct pw_event){.kind = kind, .a = w[0], .b = w[1], .c = c}, NULL, 0, err);
}

/* What the kernel touched, at most as much as it does in one call, in pieces of which the format allows each. */
static int put_kernel(struct pw_ring_events *e, enum pw_event_kind kind, const uint64_t *w, struct pw_error *err)
{
  if (!good_range(w)) return 0;
  uint64_t at = w[0], left = w[1] < KERNEL_MOST ? w[1] : KERNEL_MOST;
  int status = 0;
  for (; !status && left; at += PW_MAX_KERNEL_BYTES) {
    const uint64_t piece[2] = {at, left < PW_MAX_KERNEL_BYTES ? left : PW_MAX_KERNEL_BYTES};
    status = put_range(e, kind, piece, 0, err);
    left -= piece[1];
  }
  return status;
}

static int put_special(struct pw_ring_events *e, const uint64_t *w, uint64_t bits, const char *name, struct pw_error *err)
{
  if (!good_range(w)) return 0;
  return put_event(e, (struct pw_event){.kind = PW_EVENT_MAP, .a = w[0], .b = w[1], .c = bits & 63}, name, strlen(name), err);
}

static int take_map(struct pw_ring_events *e, const uint64_t *w, size_t n, struct pw_error *err)
{
  const char *name = (const char *)(w + 5);
  struct pw_ring_map map = {w[0], w[1], w[2] & 255, w[3], w[4], name, strnlen(name, 8 * (n - 5)), ""};
  if (!good_range(w)) return 0;
  if (e->namer.look) e->namer.look(e->namer.context, &map);
  int status = put_event(e, (struct pw_event){.kind = PW_EVENT_MAP, .a = w[0], .b = w[1], .c = map.bits}, name, map.name_bytes,
                         err);
  if (!status && map.inode)
    status = put_event(e, (struct pw_event){.kind = PW_EVENT_BACKING, .a = map.offset, .b = map.inode}, map.build_id,
                       strlen(map.build_id), err);
  return status || !e->namer.map ? status : e->namer.map(e->namer.context, &map, err);
}

static int take_unmap(struct pw_ring_events *e, const uint64_t *w, struct pw_error *err)
{
  if (e->namer.unmap && good_range(w)) e->namer.unmap(e->namer.context, w[0], w[1]);
  return put_range(e, PW_EVENT_UNMAP, w, 0, err);
}

static int take_move(struct pw_ring_events *e, const uint64_t *w, struct pw_error *err)
{
  return !good_range(w) || !pw_range_fits(w[2], w[1]) ? 0 : put_range(e, PW_EVENT_MOVE, w, w[2], err);
}

static int note_exec(struct pw_ring_events *e, const uint64_t *words, size_t n, struct pw_error *err)
{
  pw_free(e->exec);
  size_t bytes = strnlen((const char *)words, n * sizeof *words);
  e->exec = pw_calloc(1, bytes + 1);
  if (!e->exec) return out_of_memory(e, err);
  memcpy(e->exec, words, bytes);
  e->unrecorded = false;
  return 0;
}

static int note_exit(struct pw_ring_events *e, const uint64_t *words)
{
  e->has_end = true;
  e->exit_status = words[0];
  e->signal = words[1];
  return 0;
}

/* A child, or (next) what the process becomes, has a trace of its own. */
static int put_child(struct pw_ring_events *e, uint64_t pid, bool next, struct pw_error *err)
{
  const char *name = e->family.name ? e->family.name(e->family.context, pid, next ? &e->number : NULL) : "";
  if (next && !*name) return 0;
  return put_event(e, (struct pw_event){.kind = PW_EVENT_CHILD, .a = pid, .b = next}, name, strlen(name), err);
}

int pw_ring_events_end(struct pw_ring_events *e, struct pw_error *err)
{
  if (e->exec && !e->unrecorded) {
    int status = put_child(e, e->pid, true, err);
    if (status) return status;
  }
  if (e->exec) return put_event(e, (struct pw_event){.kind = PW_EVENT_EXEC}, e->exec, strlen(e->exec), err);
  if (!e->has_end) return 0;
  return put_event(e, (struct pw_event){.kind = PW_EVENT_EXIT, .a = e->exit_status, .b = e->signal}, NULL, 0, err);
}

static int take_advice(struct pw_ring_events *e, const uint64_t *w, struct pw_error *err)
{
  bool populates = w[2] == PW_ADVICE_POPULATE_READ || w[2] == PW_ADVICE_POPULATE_WRITE || w[2] == PW_ADVICE_LOCK;
  if (populates || w[2] == PW_ADVICE_SYNC || w[2] == PW_ADVICE_HUGEPAGE || w[2] == PW_ADVICE_NOHUGEPAGE) return put_range(e, PW_EVENT_ADVISE, w, w[2], err);
  if (w[2] != PW_ADVICE_THP_OFF && w[2] != PW_ADVICE_THP_ON) return 0;
  return put_event(e, (struct pw_event){.kind = PW_EVENT_ADVISE, .c = w[2]}, NULL, 0, err);
}

/* Words that a record has at least. */
static size_t least_words(uint32_t kind)
{
  static const unsigned char least[] = {
      [PW_RING_MAP] = 5, [PW_RING_STACK] = 2, [PW_RING_HEAP] = 3, [PW_RING_UNMAP] = 2,
      [PW_RING_PROTECT] = 3, [PW_RING_MOVE] = 3, [PW_RING_DISCARD] = 2, [PW_RING_READ] = 2, [PW_RING_WRITE] = 2,
      [PW_RING_THREAD] = 1, [PW_RING_THREAD_NEW] = 2, [PW_RING_THREAD_END] = 1,
      [PW_RING_EXEC] = 1, [PW_RING_EXIT] = 2, [PW_RING_UNRECORDED] = 1, [PW_RING_ADVISE] = 3, [PW_RING_FORK] = 1};
  return kind < sizeof least ? least[kind] : 0;
}

int pw_ring_events_take(struct pw_ring_events *e, uint32_t kind, const uint64_t *w, size_t n, struct pw_error *err)
{
  if (n < least_words(kind)) return pw_error_set(err, PW_EFORMAT, "%s: the capture tool's record %u is cut off", e->path, kind);
  switch (kind) {
    case PW_RING_MAP: return take_map(e, w, n, err);
    case PW_RING_STACK: return put_special(e, w, (n > 2 ? w[2] : 3) | PW_MAP_STACK, "[stack]", err);
    case PW_RING_HEAP: return put_special(e, w, w[2], "[heap]", err);
    case PW_RING_UNMAP: return take_unmap(e, w, err);
    case PW_RING_MOVE: return take_move(e, w, err);
    case PW_RING_PROTECT: return put_range(e, PW_EVENT_PROTECT, w, w[2] & 7, err);
    case PW_RING_DISCARD: return put_range(e, PW_EVENT_DISCARD, w, 0, err);
    case PW_RING_ADVISE: return take_advice(e, w, err);
    case PW_RING_READ: return put_kernel(e, PW_EVENT_KERNEL_READ, w, err);
    case PW_RING_WRITE: return put_kernel(e, PW_EVENT_KERNEL_WRITE, w, err);
    case PW_RING_THREAD: return put_event(e, (struct pw_event){.kind = PW_EVENT_THREAD, .a = w[0]}, NULL, 0, err);
    case PW_RING_THREAD_NEW: return put_event(e, (struct pw_event){.kind = PW_EVENT_THREAD_START, .a = w[1], .b = w[0]}, NULL, 0,
                                              err);
    case PW_RING_THREAD_END: return put_event(e, (struct pw_event){.kind = PW_EVENT_THREAD_END, .a = w[0]}, NULL, 0, err);
    case PW_RING_FORK: return put_child(e, w[0], false, err);
    case PW_RING_EXEC: return note_exec(e, w, n, err);
    case PW_RING_UNRECORDED:
      e->unrecorded = true;
      return 0;
    case PW_RING_EXIT: return note_exit(e, w);
    default: return 0;
  }
}
