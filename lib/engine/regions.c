/* Walks and faults by region. See regions.h. */
#include "engine/regions.h"

#include <string.h>

#include "base/alloc.h"
#include "engine/processor.h"

void pw_regions_clear(struct pw_regions *r)
{
  pw_intern_clear(&r->texts);
  pw_pagemap_clear(&r->by_owner);
  pw_free(r->rows);
  pw_free(r->text);
}

/* NULL: memory ran out, which is noted. */
static struct pw_system_region *row_of(struct pw_system *s, uint32_t process, uint64_t page)
{
  struct pw_regions *r = s->regions;
  const struct pw_process_of *of = &s->processes.of[process];
  const char *name = pw_program_region(&s->slots[of->program].program, of->process, page);
  uint32_t text = name ? pw_intern(&r->texts, name, strlen(name)) : PW_NO_TEXT;
  bool added, room = text != PW_NO_TEXT && !pw_pagemap_reserve(&r->by_owner, 1) && !pw_grow((void **)&r->rows, &r->room, r->n + 1, sizeof *r->rows) &&
                     !pw_grow((void **)&r->text, &r->text_room, r->n + 1, sizeof *r->text);
  r->failed |= !room;
  if (!room) return NULL;
  uint32_t *row = pw_pagemap_insert(&r->by_owner, (uint64_t)process << 32 | text, (uint32_t)r->n, &added);
  if (added) {
    r->text[r->n] = text;
    r->rows[r->n++] = (struct pw_system_region){.process = process};
  }
  return &r->rows[*row];
}

void pw_regions_walk(struct pw_system *s, uint64_t page, uint64_t refs)
{
  struct pw_system_region *row = row_of(s, s->running - 1, page);
  if (!row) return;
  row->walks++;
  row->walk_refs += refs;
}

void pw_regions_told(void *context, const struct pw_told *t)
{
  struct pw_system *s = context;
  bool counts = t->what == PW_TOLD_FAULT || t->what == PW_TOLD_COLLAPSE;
  struct pw_system_region *row = counts ? row_of(s, pw_process_of_mm(t->mm)->number, t->page) : NULL;
  if (row) {
    bool fault = t->what == PW_TOLD_FAULT;
    row->minor_faults += fault && !t->major;
    row->major_faults += fault && t->major;
    row->thp_faults += fault && t->huge && t->own > 1;
    row->thp_fallbacks += fault && t->fallback;
    row->own_bytes += t->own << PW_BASE_SHIFT;
  }
  if (s->regions->then) s->regions->then(s->regions->then_context, t);
}
