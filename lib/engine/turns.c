/* Several programs in turns on computers. See turns.h. */
#include "engine/turns.h"

#include <string.h>

#include "base/alloc.h"
#include "base/block.h"

enum { ASK_STRETCHES = 64 };

int pw_turns_begin(struct pw_turns *t, size_t n_systems, size_t n_slots, uint64_t quantum, struct pw_error *err)
{
  *t = (struct pw_turns){.n_systems = n_systems, .n_slots = n_slots, .slots_room = n_slots, .quantum = quantum};
  t->systems = pw_calloc(n_systems, sizeof *t->systems);
  t->slots = pw_calloc(n_slots ? n_slots : 1, sizeof *t->slots);
  return t->systems && t->slots ? 0 : pw_error_set(err, PW_ENOMEM, "memory ran out for %zu programs on %zu computers", n_slots, n_systems);
}

void pw_turns_feed(struct pw_turns *t, size_t slot, struct pw_blocks blocks, uint64_t start)
{
  t->slots[slot].start = start;
  if (blocks.need_counts) blocks.need_counts(blocks.trace);
  pw_feed_init(&t->slots[slot].feed, blocks);
}

void pw_turns_configure(struct pw_turns *t, size_t number, const struct pw_system_config *c, struct pw_error *err)
{
  pw_processor_init(&t->systems[number], c, t->n_slots, t->events, err);
}

void pw_turns_clear(struct pw_turns *t)
{
  for (size_t i = 0; t->systems && i < t->n_systems; i++) pw_processor_clear(&t->systems[i], t->n_slots);
  for (size_t i = 0; t->slots && i < t->n_slots; i++) pw_feed_clear(&t->slots[i].feed);
  pw_free(t->systems);
  pw_free(t->slots);
}

/* ---- turns ---- */

static int ask_to_stop(struct pw_turns *t, const struct pw_feed *f, struct pw_error *err)
{
  if (!t->stop || !t->stop(t->context, f->blocks.info(f->blocks.trace))) return 0;
  return pw_error_set(err, PW_EINTERRUPTED, "interrupted");
}

/* ---- families ---- */

static int no_room(struct pw_error *err)
{
  return pw_error_set(err, PW_ENOMEM, "memory ran out for the children of the programs");
}

/* A slot more for one child, in all computers. */
static int add_slot(struct pw_turns *t, struct pw_blocks blocks, size_t parent, size_t child, struct pw_error *err)
{
  size_t n = t->n_slots;
  if (pw_grow((void **)&t->slots, &t->slots_room, n + 1, sizeof *t->slots)) return no_room(err);
  t->slots[n] = (struct pw_turns_slot){.over = false};
  pw_turns_feed(t, n, blocks, t->clock);
  for (size_t i = 0; i < t->n_systems; i++) { /* room in all of them first, so that a failure leaves them alike */
    struct pw_system *s = &t->systems[i];
    struct pw_system_slot *slots = pw_calloc(n + 1, sizeof *slots);
    if (!slots) return no_room(err);
    if (s->slots) memcpy(slots, s->slots, n * sizeof *slots);
    pw_free(s->slots);
    s->slots = slots;
  }
  t->n_slots++;
  for (size_t i = 0; i < t->n_systems; i++) {
    struct pw_system *s = &t->systems[i];
    if (s->failed) continue;
    uint32_t number = s->slots[parent].program.born[child].number;
    s->failed = pw_program_join(&s->slots[n].program, &s->computer, &s->processes, (uint32_t)n, number, s->err) != 0;
    pw_processor_watch(s, n);
  }
  return 0;
}

static const struct pw_system *first_left(const struct pw_turns *t)
{
  size_t i = 0;
  while (i < t->n_systems && t->systems[i].failed) i++;
  return i < t->n_systems ? &t->systems[i] : NULL;
}

/* Children that the events before the visit brought: each joins the ring, or is gone where it has no trace. */
static int take_born(struct pw_turns *t, size_t slot, struct pw_error *err)
{
  const struct pw_system *s = first_left(t);
  size_t n = s ? s->slots[slot].program.n_born : 0;
  int status = 0;
  for (size_t k = 0; !status && k < n; k++) {
    const struct pw_program *p = &first_left(t)->slots[slot].program;
    const char *name = p->texts.texts[p->born[k].text];
    struct pw_blocks blocks;
    int found = *name && t->open ? t->open(t->context, slot, name, false, &blocks, err) : 0;
    if (found < 0) return found;
    if (found) status = add_slot(t, blocks, slot, k, err);
    for (size_t i = 0; !found && i < t->n_systems; i++) {
      struct pw_system *each = &t->systems[i];
      if (!each->failed) pw_process_end(each->processes.list[each->slots[slot].program.born[k].number]);
    }
  }
  for (size_t i = 0; n && i < t->n_systems; i++)
    if (!t->systems[i].failed) t->systems[i].slots[slot].program.n_born = 0;
  return status;
}

/* The same for all; 0 also where none is left. */
static int take_stretch_all(struct pw_turns *t, size_t slot, uint64_t end, struct pw_error *err)
{
  for (size_t i = 0; i < t->n_systems; i++) {
    struct pw_system *s = &t->systems[i];
    if (!s->failed) pw_processor_note(s, pw_program_prepare(&s->slots[slot].program, &t->slots[slot].feed, s->err));
  }
  int status = take_born(t, slot, err);
  if (status) return status;
  struct pw_feed *f = &t->slots[slot].feed;
  uint32_t to = f->visit;
  for (size_t i = 0; i < t->n_systems; i++) {
    struct pw_system *s = &t->systems[i];
    if (s->failed) continue;
    uint32_t reached = pw_processor_stretch(s, slot, f, end);
    if (s->failed) continue;
    to = reached;
    t->clock = s->clock;
  }
  pw_feed_pass(f);
  f->visit = to;
  return 0;
}

static int take_turn(struct pw_turns *t, size_t slot, struct pw_error *err)
{
  uint64_t end = t->clock + t->quantum;
  int status = 0, more = 1;
  if (end < t->clock) end = UINT64_MAX;
  while (!status && more > 0 && t->clock < end && first_left(t)) {
    status = take_stretch_all(t, slot, end, err);
    struct pw_feed *f = &t->slots[slot].feed;
    if (!status && ++t->stretches % ASK_STRETCHES == 0) status = ask_to_stop(t, f, err);
    if (!status) more = pw_feed_peek(f, err);
  }
  return !status && more < 0 ? more : status;
}

/* The trace is over; is there another that the process goes on in? 1, 0 or a status. */
static int find_next(struct pw_turns *t, size_t slot, struct pw_blocks *blocks, struct pw_error *err)
{
  const char *next = NULL;
  for (size_t i = 0; i < t->n_systems; i++) {
    struct pw_system *s = &t->systems[i];
    if (!s->failed) pw_processor_note(s, pw_program_finish(&s->slots[slot].program, &t->slots[slot].feed, &next, s->err));
  }
  int status = take_born(t, slot, err);
  const struct pw_system *s = first_left(t);
  if (status || !s || !next || !t->open) return status;
  const struct pw_program *p = &s->slots[slot].program;
  return t->open(t->context, slot, p->texts.texts[p->next], true, blocks, err);
}

static int end_program(struct pw_turns *t, size_t slot, struct pw_error *err)
{
  struct pw_blocks blocks;
  int found = find_next(t, slot, &blocks, err);
  if (found < 0) return found;
  struct pw_feed *f = &t->slots[slot].feed;
  if (found) {
    pw_feed_clear(f);
    pw_turns_feed(t, slot, blocks, t->slots[slot].start);
  }
  t->slots[slot].over = !found;
  for (size_t i = 0; i < t->n_systems; i++) {
    struct pw_system *s = &t->systems[i];
    int status = 0;
    if (s->failed) continue;
    if (found) status = pw_program_go_on(&s->slots[slot].program, s->err);
    else pw_program_end(&s->slots[slot].program);
    s->slots[slot].current[0] = s->slots[slot].current[1] = 0;
    pw_processor_note(s, status ? status : pw_processor_audit(s));
  }
  return 0;
}

static void set_clock(struct pw_turns *t, uint64_t clock)
{
  t->clock = clock;
  for (size_t i = 0; i < t->n_systems; i++) t->systems[i].clock = clock;
}

/* The next program after the one that ran, among those that have come; or that comes first. False: none is left. */
static bool choose(struct pw_turns *t, size_t *at)
{
  size_t first = t->n_slots;
  for (size_t i = 1; i <= t->n_slots; i++) {
    size_t k = (*at + i) % t->n_slots;
    if (t->slots[k].over) continue;
    if (t->slots[k].start <= t->clock) {
      *at = k;
      return true;
    }
    if (first == t->n_slots || t->slots[k].start < t->slots[first].start || (t->slots[k].start == t->slots[first].start && k < first))
      first = k;
  }
  if (first == t->n_slots) return false;
  set_clock(t, t->slots[first].start);
  t->slots[first].waited = true;
  *at = first;
  return true;
}

int pw_turns_run(struct pw_turns *t, struct pw_error *err)
{
  for (size_t i = 0; i < t->n_systems; i++) t->systems[i].together = t->n_systems > 1;
  size_t at = t->n_slots - 1;
  int status = 0;
  for (size_t i = 0; i < t->n_systems; i++) {
    t->systems[i].next_window = t->systems[i].every;
    if (!t->systems[i].failed) pw_processor_set_due(&t->systems[i]);
  }
  while (!status && first_left(t) && choose(t, &at)) {
    int more = pw_feed_peek(&t->slots[at].feed, err);
    if (more > 0) status = take_turn(t, at, err);
    if (!status && more >= 0) more = pw_feed_peek(&t->slots[at].feed, err);
    if (!status && more < 0) status = more;
    if (!status && !more) status = end_program(t, at, err);
    if (!status) status = ask_to_stop(t, &t->slots[at].feed, err);
  }
  for (size_t i = 0; t->events && !status && i < t->n_systems; i++)
    if (!t->systems[i].failed) pw_processor_end_events(&t->systems[i]);
  return status;
}
