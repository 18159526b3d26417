/* Areas and symbols of address spaces, by process. See spaces.h. */
#include "space/spaces.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/block.h"

static const char *const first_texts[PW_TEXTS] = {"[unknown]", "[mmap]", "[kernel]", "[root tables]"};

int pw_spaces_init(struct pw_spaces *s)
{
  memset(s, 0, sizeof *s);
  for (uint32_t i = 0; i < PW_TEXTS; i++)
    if (pw_intern(&s->texts, first_texts[i], strlen(first_texts[i])) != i) return -1;
  return 0;
}

static void empty(struct pw_space *space)
{
  space->n = 0;
  for (int i = 0; i < 2; i++) {
    pw_symbols_release(space->symbols[i]);
    space->symbols[i] = NULL;
  }
}

void pw_spaces_clear(struct pw_spaces *s)
{
  for (size_t i = 0; i < s->n; i++) {
    empty(&s->spaces[i]);
    pw_free(s->spaces[i].areas);
  }
  pw_free(s->spaces);
  pw_intern_clear(&s->texts);
  memset(s, 0, sizeof *s);
}

static struct pw_space *space_of(struct pw_spaces *s, uint32_t process)
{
  size_t n = (size_t)process + 1;
  if (pw_grow((void **)&s->spaces, &s->room, n, sizeof *s->spaces)) return NULL;
  while (s->n < n) s->spaces[s->n++] = (struct pw_space){0};
  return &s->spaces[process];
}

const char *pw_short_name(const char *text)
{
  const char *slash = text[0] == '/' ? strrchr(text, '/') : NULL;
  return slash && slash[1] ? slash + 1 : text;
}

/* ---- areas ---- */

/* The first area that ends at or after the page. */
static size_t find(const struct pw_space *space, uint64_t page)
{
  size_t low = 0, high = space->n;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (space->areas[middle].last < page) low = middle + 1;
    else high = middle;
  }
  return low;
}

/* Areas from … to-1 give way to the n given ones. */
static int replace(struct pw_space *space, size_t from, size_t to, const struct pw_area *with, size_t n)
{
  if (pw_grow((void **)&space->areas, &space->room, space->n + n, sizeof *space->areas)) return -1;
  if (space->n > to) memmove(space->areas + from + n, space->areas + to, (space->n - to) * sizeof *space->areas);
  if (n) memcpy(space->areas + from, with, n * sizeof *with);
  space->n = space->n - (to - from) + n;
  return 0;
}

/* Pages first … last belong to nobody, or to `area`. */
static int put(struct pw_space *space, uint64_t first, uint64_t last, const struct pw_area *area)
{
  size_t from = find(space, first), to = from, n = 0;
  struct pw_area with[3];
  for (; to < space->n && space->areas[to].first <= last; to++)
    if (space->areas[to].first < first) {
      with[n] = space->areas[to];
      with[n++].last = first - 1;
    }
  if (area) with[n++] = *area;
  if (to > from && space->areas[to - 1].last > last) {
    with[n] = space->areas[to - 1];
    with[n++].first = last + 1;
  }
  return replace(space, from, to, with, n);
}

const struct pw_area *pw_spaces_area(const struct pw_spaces *s, uint32_t process, uint64_t page)
{
  if (process >= s->n) return NULL;
  const struct pw_space *space = &s->spaces[process];
  size_t i = find(space, page);
  if (i == space->n) return NULL;
  const struct pw_area *area = &space->areas[i];
  return area->first <= page || area->grows ? area : NULL;
}

/* ---- their names ---- */

static uint32_t name(struct pw_spaces *s, const char *base, const char *rest)
{
  char text[4096 + 64]; /* a text of an event, and a word */
  int n = snprintf(text, sizeof text, "%s%s", base, rest);
  return pw_intern(&s->texts, text, n < (int)sizeof text ? (size_t)n : sizeof text - 1);
}

static int name_file(struct pw_spaces *s, struct pw_area *area, const struct pw_event *e)
{
  const char rights[] = {' ', e->c & PW_MAP_READ ? 'r' : '-', e->c & PW_MAP_WRITE ? 'w' : '-', e->c & PW_MAP_EXECUTE ? 'x' : '-', 0};
  area->object = pw_intern(&s->texts, e->text, e->text_bytes);
  if (area->object == PW_NO_TEXT) return -1;
  const char *text = s->texts.texts[area->object];
  area->file = text[0] != '[';
  area->grows |= strcmp(text, "[stack]") == 0;
  area->region = area->file ? name(s, pw_short_name(text), rights) : area->object;
  return area->region == PW_NO_TEXT ? -1 : 0;
}

/* A loader maps the zeroed rest of a file's data (.bss) right after and behind that data. */
static bool is_bss(const struct pw_area *area, const struct pw_area *before)
{
  return before->file && before->writable && area->writable && !area->executable && !area->grows && before->last + 1 == area->first;
}

static int name_anonymous(struct pw_spaces *s, struct pw_area *area, uint64_t address)
{
  char text[40];
  if (is_bss(area, &s->last_map)) {
    area->object = s->last_map.object;
    area->region = name(s, pw_short_name(s->texts.texts[area->object]), " .bss");
  } else {
    snprintf(text, sizeof text, "[mmap 0x%" PRIx64 "]", address);
    area->object = PW_TEXT_MMAP;
    area->anonymous = true;
    area->region = name(s, text, "");
  }
  return area->region == PW_NO_TEXT ? -1 : 0;
}

/* ---- events ---- */

static int map(struct pw_spaces *s, struct pw_space *space, const struct pw_event *e)
{
  struct pw_area area = {.first = e->a >> PW_BASE_SHIFT, .last = (e->a + e->b - 1) >> PW_BASE_SHIFT,
                         .executable = e->c & PW_MAP_EXECUTE, .writable = e->c & PW_MAP_WRITE, .grows = e->c & PW_MAP_STACK};
  int status = e->text && e->text_bytes ? name_file(s, &area, e) : name_anonymous(s, &area, e->a);
  if (status || put(space, area.first, area.last, &area)) return -1;
  s->known = true;
  s->last_map = area;
  return 0;
}

static int unmap(struct pw_space *space, const struct pw_event *e)
{
  uint64_t last = e->a + e->b - 1;
  if (put(space, e->a >> PW_BASE_SHIFT, last >> PW_BASE_SHIFT, NULL)) return -1;
  for (int i = 0; i < 2; i++)
    if (pw_symbols_remove(&space->symbols[i], e->a, last)) return -1;
  return 0;
}

static int fork_space(struct pw_spaces *s, uint32_t child)
{
  if (!space_of(s, child) || !space_of(s, s->process)) return -1;
  struct pw_space *to = &s->spaces[child], *from = &s->spaces[s->process];
  if (to == from) return 0;
  empty(to);
  if (replace(to, 0, 0, from->areas, from->n)) return -1;
  for (int i = 0; i < 2; i++) {
    to->symbols[i] = from->symbols[i];
    if (to->symbols[i]) to->symbols[i]->references++;
  }
  return 0;
}

static int add_symbol(struct pw_spaces *s, struct pw_space *space, const struct pw_event *e)
{
  if (e->c != PW_SYMBOL_DATA && e->c != PW_SYMBOL_FUNCTION) return 0;
  const struct pw_area *area = pw_spaces_area(s, s->process, e->a >> PW_BASE_SHIFT);
  struct pw_space_symbol symbol = {.first = e->a, .last = e->a + e->b - 1, .object = area ? area->object : PW_TEXT_UNKNOWN};
  if (symbol.last == UINT64_MAX) symbol.last--;
  symbol.name = pw_intern(&s->texts, e->text, e->text_bytes);
  if (symbol.name == PW_NO_TEXT) return -1;
  return pw_symbols_add(&space->symbols[e->c == PW_SYMBOL_FUNCTION], &symbol);
}

int pw_spaces_event(struct pw_spaces *s, const struct pw_event *e, bool *changed)
{
  if (e->kind == PW_EVENT_PROCESS) s->process = (uint32_t)e->b;
  if (e->kind == PW_EVENT_FORK) {
    *changed = true;
    return fork_space(s, (uint32_t)e->b);
  }
  struct pw_space *space = space_of(s, s->process);
  if (!space) return -1;
  if (e->kind == PW_EVENT_PROCESS || e->kind == PW_EVENT_EXEC || e->kind == PW_EVENT_EXIT) s->last_map = (struct pw_area){0};
  bool range = e->b > 0;
  switch (e->kind) {
    case PW_EVENT_MAP:
      *changed |= range;
      return range ? map(s, space, e) : 0;
    case PW_EVENT_UNMAP:
      *changed |= range;
      return range ? unmap(space, e) : 0;
    case PW_EVENT_SYMBOL:
      *changed |= range;
      return range ? add_symbol(s, space, e) : 0;
    case PW_EVENT_EXEC:
    case PW_EVENT_EXIT:
      *changed = true;
      empty(space);
      return 0;
    default:
      return 0;
  }
}

int pw_spaces_symbol(const struct pw_spaces *s, uint32_t process, uint64_t address, enum pw_symbol_kind kind,
                     const struct pw_symbol_stretch **found)
{
  *found = NULL;
  return process < s->n ? pw_symbols_find(s->spaces[process].symbols[kind == PW_SYMBOL_FUNCTION], address, found) : 0;
}
