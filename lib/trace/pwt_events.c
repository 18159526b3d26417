/* Decodes the events of a .pwt block, with the checks of docs/trace-format.md. */
#include "trace/pwt_events.h"

#include "base/alloc.h"
#include "base/block.h"

void pwt_events_clear(struct pwt_events *events)
{
  pw_free(events->list);
  pw_pagemap_clear(&events->numbers);
  pw_pagemap_clear(&events->threads);
}

int pwt_events_reserve(struct pwt_events *events, uint32_t n_events)
{
  return pw_grow((void **)&events->list, &events->room, n_events, sizeof *events->list) ||
                 pw_pagemap_reserve(&events->numbers, n_events + 1) || pw_pagemap_reserve(&events->threads, n_events + 1)
             ? -1
             : 0;
}

/* Who made the visits since the last event. */
static void note_thread(struct pwt_events *events)
{
  bool added;
  uint32_t number = 0, next = (uint32_t)events->numbers.n + 1;
  if (events->thread != PW_NO_KEY) number = *pw_pagemap_insert(&events->numbers, events->thread, next, &added);
  pw_pagemap_insert(&events->threads, pw_key(events->process, number), 0, &added);
}

static bool is_sane(const struct pw_event *e)
{
  if (pw_event_is_range(e->kind) && !pw_range_fits(e->a, e->b)) return false;
  if (pw_event_is_kernel(e->kind) && e->b > PW_MAX_KERNEL_BYTES) return false;
  return e->kind != PW_EVENT_MOVE || pw_range_fits(e->c, e->b);
}

static bool decode_event(struct pwt_events *events, struct pwt_cursor *c, struct pw_event *e)
{
  uint64_t kind = pwt_get_leb(c);
  e->kind = (uint32_t)kind;
  e->a = pwt_get_leb(c);
  e->b = pwt_get_leb(c);
  e->c = pwt_get_leb(c);
  uint64_t length = pwt_get_leb(c);
  if (!c->ok || kind < PW_EVENT_THREAD || kind >= PW_EVENT_KINDS || length > PWT_MAX_EVENT_TEXT ||
      length > (uint64_t)(c->end - c->p) || (kind == PW_EVENT_ADVISE && !events->advice) || (kind == PW_EVENT_CHILD && !events->family))
    return false;
  e->text = (const char *)c->p;
  e->text_bytes = (uint32_t)length;
  c->p += length;
  if (!is_sane(e)) return false;
  if (kind == PW_EVENT_THREAD) events->thread = e->a;
  if (kind == PW_EVENT_MARK) events->marked = true;
  if (kind != PW_EVENT_PROCESS && kind != PW_EVENT_FORK) return true;
  if (e->b > events->n_processes || e->b >= PW_PROCESSES) return false;
  if (e->b == events->n_processes) events->n_processes++;
  if (kind == PW_EVENT_PROCESS) events->process = (uint32_t)e->b;
  return true;
}

bool pwt_events_decode(struct pwt_events *events, const struct pwt_block_header *h, struct pwt_cursor *c)
{
  uint64_t at = 0;
  events->marked = false;
  for (uint32_t i = 0; i < h->n_events; i++) {
    uint64_t step = pwt_get_leb(c);
    if (!c->ok || step > h->n_visits - at) return false;
    at += step;
    if (step) note_thread(events);
    events->list[i] = (struct pw_event){.at = (uint32_t)at};
    if (!decode_event(events, c, &events->list[i])) return false;
  }
  if (at < h->n_visits) note_thread(events);
  return true;
}

/* After an event both pages are opened again before a visit goes back to them (only a
 * mark may stand anywhere, as a cut puts it), and pages are those of who runs. */
bool pwt_events_fit(const struct pwt_events *events, const struct pwt_block_header *h, const unsigned char *flags,
                    const uint16_t *page, const uint64_t *pages)
{
  uint32_t opened = 0, bad = 0, process = h->process;
  if (h->n_events == 0)
    return h->n_pages == 0 || (pw_key_process(pages[0]) == process && pw_key_process(pages[h->n_pages - 1]) == process);
  for (uint32_t i = 0, e = 0; i < h->n_visits; i++) {
    for (; e < h->n_events && events->list[e].at <= i; e++) {
      if (events->list[e].kind != PW_EVENT_MARK) opened = 0;
      if (events->list[e].kind == PW_EVENT_PROCESS) process = (uint32_t)events->list[e].b;
    }
    uint32_t stream = flags[i] & PW_VISIT_CODE;
    opened |= 1u << stream;
    bad |= (flags[i] & PW_VISIT_TOUCHES ? 1u : 0u) & ~(opened >> (1 - stream));
    bad |= pw_key_process(pages[page[i]]) != process;
  }
  return (bad & 1) == 0;
}
