/* Address spaces by process, from a trace's events. See spaces.h. */
#include "space/spaces.h"

#include <string.h>

#include "base/alloc.h"
#include "base/block.h"

static const char *const first_texts[PW_TEXTS] = {"[unknown]", "[mmap]", "[kernel]", "[root tables]"};
static const struct pw_range no_map = {1, 0, 0};

int pw_spaces_init(struct pw_spaces *s, unsigned flags)
{
  memset(s, 0, sizeof *s);
  s->flags = flags;
  for (uint32_t i = 0; i < PW_TEXTS; i++)
    if (pw_intern(&s->texts, first_texts[i], strlen(first_texts[i])) != i) return -1;
  return 0;
}

/* Nothing is left of the space. */
static void empty(struct pw_spaces *s, struct pw_space *space)
{
  for (int k = 0; k < PW_VMA_KINDS; k++) {
    s->pages[k] -= space->pages[k];
    space->pages[k] = 0;
  }
  pw_ranges_clear(&space->areas);
  for (int i = 0; i < 2; i++) pw_symbols_clear(&space->symbols[i]);
  space->last_map = no_map;
}

void pw_spaces_clear(struct pw_spaces *s)
{
  for (size_t i = 0; i < s->n; i++) empty(s, &s->spaces[i]);
  pw_free(s->spaces);
  pw_free(s->sources);
  pw_intern_clear(&s->texts);
  pw_pagemap_clear(&s->by_source);
  pw_pagemap_clear(&s->regions);
  memset(s, 0, sizeof *s);
}

int pw_spaces_failed(const struct pw_spaces *s, struct pw_error *err)
{
  if (s->texts.full)
    return pw_error_set(err, PW_EUNSUPPORTED, "names of files and symbols in the trace take more than %zu MiB; "
                        "leave them out with --ignore events", PW_MOST_TEXT_BYTES >> 20);
  return pw_error_set(err, PW_ENOMEM, "memory ran out for what the trace maps and its symbols; "
                      "leave them out with --ignore events");
}

/* The first process is there without an event. */
static struct pw_space *space_of(struct pw_spaces *s, uint32_t process)
{
  size_t n = (size_t)process + 1;
  if (pw_grow((void **)&s->spaces, &s->room, n, sizeof *s->spaces)) return NULL;
  for (; s->n < n; s->n++) s->spaces[s->n] = (struct pw_space){.last_map = no_map, .lives = s->n == 0};
  return &s->spaces[process];
}

/* ---- what an event does ---- */

/* An event that is read. */
struct reading {
  struct pw_spaces *spaces;
  struct pw_space *space; /* of the process that runs */
  const struct pw_event *e;
  struct pw_space_change change;
  pw_space_fn *each;
  void *context;
  struct pw_error *err;
};

static int failed(const struct reading *r)
{
  return pw_spaces_failed(r->spaces, r->err);
}

static int tell(struct reading *r, enum pw_space_change_kind kind)
{
  r->change.kind = kind;
  return r->each ? r->each(r->context, &r->change, r->err) : 0;
}

static void count(struct reading *r, enum pw_vma_kind kind, uint64_t pages)
{
  r->space->pages[kind] += pages;
  r->spaces->pages[kind] += pages;
}

/* What is mapped there will be no longer. */
static void count_out(struct reading *r)
{
  struct pw_range there;
  uint64_t at = r->change.first, last = r->change.last;
  if (!(r->spaces->flags & PW_SPACES_COUNT)) return;
  while (at <= last && pw_ranges_next(&r->space->areas, at, &there) && there.first <= last) {
    uint64_t from = there.first > at ? there.first : at, to = there.last < last ? there.last : last;
    count(r, pw_vma_of(r->spaces, &there).kind, from - to - 1); /* less */
    at = to + 1;
  }
}

static int leave(struct reading *r, enum pw_space_change_kind kind)
{
  empty(r->spaces, r->space);
  r->change.first = 0;
  r->change.last = PW_PAGE_MASK;
  r->spaces->age++;
  return tell(r, kind);
}

static int map(struct reading *r)
{
  struct pw_range made = {r->change.first, r->change.last, 0};
  if (r->space->left) {
    int status = leave(r, PW_SPACE_EMPTIED);
    if (status) return status;
    r->space->left = false;
    r->change.first = made.first;
    r->change.last = made.last;
  }
  if (pw_vma_number(r->spaces, r->space, r->e, &made.value)) return failed(r);
  count_out(r);
  if (pw_ranges_join(&r->space->areas, made.first, made.last, made.value)) return failed(r);
  r->change.vma = pw_vma_of(r->spaces, &made);
  if (r->spaces->flags & PW_SPACES_COUNT) count(r, r->change.vma.kind, made.last - made.first + 1);
  r->space->last_map = made;
  r->spaces->known = true;
  r->spaces->age++;
  return tell(r, PW_SPACE_MAPPED);
}

/* The file behind the map before it. */
static int back(struct reading *r)
{
  struct pw_range *last = &r->space->last_map, there;
  uint64_t number;
  if (last->first > last->last || !pw_ranges_at(&r->space->areas, last->first, &there)) return 0;
  if (there.value != last->value || there.last < last->last) return 0;
  if (pw_vma_back(r->spaces, last, r->e, &number)) return failed(r);
  if (pw_ranges_join(&r->space->areas, last->first, last->last, number)) return failed(r);
  last->value = number;
  r->change.first = last->first;
  r->change.last = last->last;
  r->change.vma = pw_vma_of(r->spaces, last);
  return tell(r, PW_SPACE_BACKED);
}

static int advise(struct reading *r)
{
  r->change.to = r->e->c;
  if (r->e->c < PW_ADVICE_THP_OFF) return tell(r, PW_SPACE_ADVISED);
  r->change.first = 1;
  r->change.last = 0;
  return tell(r, PW_SPACE_ADVISED);
}

static int unmap(struct reading *r)
{
  count_out(r);
  if (pw_ranges_cut(&r->space->areas, r->change.first, r->change.last)) return failed(r);
  for (int i = 0; i < 2; i++)
    if (pw_symbols_remove(&r->space->symbols[i], r->e->a, r->e->a + r->e->b - 1)) return failed(r);
  r->spaces->age++;
  return tell(r, PW_SPACE_UNMAPPED);
}

static int move(struct reading *r)
{
  uint64_t first = r->change.first, length = r->change.last - first, to = r->e->c >> PW_BASE_SHIFT;
  uint64_t far = to > first ? to - first : first - to;
  if (far <= length || to + length > PW_PAGE_MASK) return 0; /* no pages can move like this */
  r->change.to = to;
  return tell(r, PW_SPACE_MOVED);
}

/* A process that lives already is given nothing. */
static int fork_space(struct reading *r)
{
  struct pw_spaces *s = r->spaces;
  uint32_t number = (uint32_t)r->e->b;
  struct pw_space *child = space_of(s, number);
  if (!child) return failed(r);
  if (child->lives) return 0;
  child->lives = true;
  if (number != s->process) {
    const struct pw_space *parent = &s->spaces[s->process];
    empty(s, child);
    pw_ranges_share(&child->areas, &parent->areas);
    for (int i = 0; i < 2; i++) pw_symbols_share(&child->symbols[i], &parent->symbols[i]);
    for (int k = 0; k < PW_VMA_KINDS; k++) s->pages[k] += child->pages[k] = parent->pages[k];
  }
  r->change.to = number;
  s->age++;
  return tell(r, PW_SPACE_FORKED);
}

static int add_symbol(struct reading *r)
{
  const struct pw_event *e = r->e;
  struct pw_vma vma;
  if (e->c != PW_SYMBOL_DATA && e->c != PW_SYMBOL_FUNCTION) return 0;
  bool mapped = pw_spaces_at(r->spaces, r->spaces->process, r->change.first, &vma);
  struct pw_space_symbol symbol = {e->a, e->a + e->b - 1, pw_intern(&r->spaces->texts, e->text, e->text_bytes),
                                   mapped ? vma.object : PW_TEXT_UNKNOWN};
  if (symbol.name == PW_NO_TEXT || pw_symbols_add(&r->space->symbols[e->c == PW_SYMBOL_FUNCTION], &symbol)) return failed(r);
  r->spaces->age++;
  return 0;
}

/* As in the kernel, a range that reaches into a page means all of it. */
static int take_range(struct reading *r)
{
  const struct pw_event *e = r->e;
  if (e->b == 0) return e->kind == PW_EVENT_ADVISE ? advise(r) : 0;
  r->change.first = e->a >> PW_BASE_SHIFT;
  r->change.last = (e->a + e->b - 1) >> PW_BASE_SHIFT;
  switch (e->kind) {
    case PW_EVENT_MAP: return map(r);
    case PW_EVENT_UNMAP: return unmap(r);
    case PW_EVENT_ADVISE: return advise(r);
    case PW_EVENT_PROTECT: r->change.to = e->c; return tell(r, PW_SPACE_PROTECTED);
    case PW_EVENT_DISCARD: return tell(r, PW_SPACE_DISCARDED);
    case PW_EVENT_MOVE: return move(r);
    case PW_EVENT_SYMBOL: return r->spaces->flags & PW_SPACES_SYMBOLS ? add_symbol(r) : 0;
    default: return 0;
  }
}

static int take_process(struct reading *r)
{
  switch (r->e->kind) {
    case PW_EVENT_FORK: return fork_space(r);
    case PW_EVENT_EXEC: return leave(r, PW_SPACE_EMPTIED);
    case PW_EVENT_EXIT:
      r->space->lives = false;
      return leave(r, PW_SPACE_ENDED);
    case PW_EVENT_BACKING: return back(r);
    default: return take_range(r);
  }
}

int pw_spaces_event(struct pw_spaces *s, const struct pw_event *e, pw_space_fn *each, void *context, struct pw_error *err)
{
  struct reading r = {.spaces = s, .e = e, .each = each, .context = context, .err = err};
  bool switches = e->kind == PW_EVENT_PROCESS;
  if (switches) s->process = (uint32_t)e->b;
  r.space = space_of(s, s->process);
  r.change.process = s->process;
  if (!r.space) return failed(&r);
  r.space->lives |= switches;
  if (!(s->flags & PW_SPACES_KEEP)) return take_process(&r);
  r.space->left |= e->kind == PW_EVENT_EXEC;
  return e->kind == PW_EVENT_MAP || e->kind == PW_EVENT_BACKING ? take_process(&r) : 0;
}

bool pw_spaces_moves_pages(uint32_t kind)
{
  return kind == PW_EVENT_UNMAP || kind == PW_EVENT_DISCARD || kind == PW_EVENT_MOVE || kind == PW_EVENT_FORK ||
         kind == PW_EVENT_EXEC || kind == PW_EVENT_EXIT;
}

/* ---- questions ---- */

static bool next_range(const struct pw_spaces *s, uint32_t process, uint64_t page, struct pw_range *found)
{
  return process < s->n && pw_ranges_next(&s->spaces[process].areas, page, found);
}

bool pw_spaces_next(const struct pw_spaces *s, uint32_t process, uint64_t page, struct pw_vma *vma)
{
  struct pw_range found;
  if (!next_range(s, process, page, &found)) return false;
  *vma = pw_vma_of(s, &found);
  return true;
}

bool pw_spaces_at(const struct pw_spaces *s, uint32_t process, uint64_t page, struct pw_vma *vma)
{
  return pw_spaces_next(s, process, page, vma) && (vma->first <= page || vma->grows);
}

bool pw_spaces_mapped(const struct pw_spaces *s, uint32_t process, uint64_t first, uint64_t last)
{
  struct pw_range found;
  return next_range(s, process, first, &found) && found.first <= last;
}

const struct pw_space_symbol *pw_spaces_symbol(const struct pw_spaces *s, uint32_t process, uint64_t address,
                                               enum pw_symbol_kind kind)
{
  return process < s->n ? pw_symbols_at(&s->spaces[process].symbols[kind == PW_SYMBOL_FUNCTION], address) : NULL;
}
