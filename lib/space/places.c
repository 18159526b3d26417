/* Native places by the kernel's rule. See places.h. */
#include "space/places.h"

#include <string.h>

#include "base/block.h"
#include "space/roundup.h"

#define MAP_TOP UINT64_C(0x7ffff7fff)        /* pages, as all here: below it the kernel maps, without randomisation */
#define STACK_TOP UINT64_C(0x7ffffffff)
#define STACK_PAGES UINT64_C(0x8000)         /* kept free below: 128 MiB, the least that the kernel keeps */
#define PIE_BASE UINT64_C(0x555555554)
#define LOWEST_FIXED UINT64_C(0x400)         /* programs with addresses of their own begin at 4 MiB, or above */
#define VDSO_PAGES UINT64_C(8)               /* with the data that it reads */
#define MOST_PAGES (UINT64_C(1) << 35)       /* of the user half */
enum { HUGE_PAGES = 512 };

int pw_places_init(struct pw_places *p)
{
  *p = (struct pw_places){.running = false};
  if (pw_gaps_init(&p->gaps, NULL, 0)) return -1;
  p->gaps.top = MAP_TOP;
  return 0;
}

int pw_places_share(struct pw_places *to, const struct pw_places *from)
{
  struct pw_gaps gaps;
  if (pw_gaps_init(&gaps, NULL, 0)) {
    pw_gaps_clear(&gaps);
    return -1;
  }
  *to = *from;
  to->shifts = to->live = (struct pw_ranges){0};
  to->gaps = gaps;
  pw_ranges_share(&to->live, &from->live);
  pw_ranges_share(&to->shifts, &from->shifts);
  to->gaps.top = from->gaps.top;
  pw_ranges_share(&to->gaps.mapped, &from->gaps.mapped);
  memcpy(to->gaps.searches, from->gaps.searches, sizeof gaps.searches);
  return 0;
}

void pw_places_clear(struct pw_places *p)
{
  pw_ranges_clear(&p->shifts);
  pw_ranges_clear(&p->live);
  pw_gaps_clear(&p->gaps);
}

/* ---- places ---- */

static int set_place(struct pw_places *p, uint64_t recorded, uint64_t pages, uint64_t native)
{
  uint64_t last = recorded + pages - 1, shift = native - recorded;
  if (pw_ranges_join(&p->shifts, recorded, last, shift) || pw_ranges_join(&p->live, recorded, last, shift)) return -1;
  return pw_gaps_take(&p->gaps, native, native + pages);
}

static bool is_free(const struct pw_places *p, uint64_t native, uint64_t pages)
{
  return native < MOST_PAGES && pages <= MOST_PAGES - native && pw_gaps_lowest_mapped(&p->gaps, native, native + pages) == native + pages;
}

static bool is_file(const struct pw_event *map)
{
  return map->text_bytes && map->text[0] != '[';
}

static uint64_t pool_pages(const struct pw_event *map)
{
  return map->c & PW_MAP_HUGE_1G ? HUGE_PAGES * HUGE_PAGES : HUGE_PAGES;
}

/* The highest gap; UINT64_MAX: there is none. Huge pages set aside, and whole 2 MiB of anonymous memory, are aligned. */
static uint64_t highest(struct pw_places *p, const struct pw_event *map, uint64_t pages)
{
  bool pool = map->c & PW_MAP_HUGETLB;
  uint64_t align = pool ? pool_pages(map) : !is_file(map) && pages % HUGE_PAGES == 0 ? HUGE_PAGES : 1;
  uint64_t start = pw_gaps_highest(&p->gaps, pages, align);
  return is_free(p, start, pages) ? start : UINT64_MAX;
}

/* A file that exec mapped; the interpreter ends where the kernel begins to map, and the vdso lies below it. */
static int begin_image(struct pw_places *p, const struct pw_event *map, uint64_t start, uint64_t end)
{
  uint64_t pages = end - start, native = start;
  p->images++;
  if (p->images == 1 && start < LOWEST_FIXED) native = PIE_BASE;
  if (p->images == 2 && pages < MAP_TOP) native = MAP_TOP - pages;
  if (p->images > 2 && (native = highest(p, map, pages)) == UINT64_MAX) native = start;
  if (p->images == 1) p->brk = native + pages;
  p->image_shift = native - start;
  return p->images == 2 ? pw_gaps_take(&p->gaps, native - VDSO_PAGES, native) : 0;
}

static bool named(const struct pw_event *map, const char *name)
{
  return map->text_bytes == strlen(name) && memcmp(map->text, name, map->text_bytes) == 0;
}

static uint64_t heap_place(struct pw_places *p, uint64_t start)
{
  if (!p->heap_known && p->brk) p->heap_shift = p->brk - start;
  p->heap_known = true;
  return start + p->heap_shift;
}

/* The first stack ends at the top; where it grows later it follows. */
static uint64_t stack_place(struct pw_places *p, uint64_t start, uint64_t pages)
{
  if (!p->stack_shift) p->stack_shift = STACK_TOP - start - pages;
  return start + p->stack_shift;
}

static uint64_t place_of(struct pw_places *p, const struct pw_event *map, uint64_t start, uint64_t pages)
{
  if (named(map, "[heap]")) return heap_place(p, start);
  if (map->c & PW_MAP_STACK) return stack_place(p, start, pages);
  if (map->c & PW_MAP_FIXED || p->keeps) return pw_places_page(p, start);
  return highest(p, map, pages);
}

static bool sizes(const struct pw_event *map, uint64_t *start, uint64_t *pages)
{
  *start = map->a >> PW_BASE_SHIFT;
  *pages = 0;
  if (map->b == 0 || !pw_range_fits(map->a, map->b)) return false;
  *pages = ((map->a + (map->b - 1)) >> PW_BASE_SHIFT) - *start + 1;
  if (map->c & PW_MAP_HUGETLB) *pages = (*pages + pool_pages(map) - 1) / pool_pages(map) * pool_pages(map);
  return *start < MOST_PAGES && *pages <= MOST_PAGES - *start; /* what is not of the user half stays where it is */
}

/* A program without an interpreter has its vdso at the top. */
static int end_exec(struct pw_places *p)
{
  p->running = true;
  return p->images == 1 ? pw_gaps_take(&p->gaps, MAP_TOP - VDSO_PAGES, MAP_TOP) : 0;
}

int pw_places_map(struct pw_places *p, const struct pw_event *map, const struct pw_image *image, uint64_t *native)
{
  uint64_t start, pages;
  *native = map->a >> PW_BASE_SHIFT;
  if (!sizes(map, &start, &pages)) return 0;
  if (!image && !p->running && !(map->c & PW_MAP_STACK) && end_exec(p)) return -1;
  if (image && image->begins && begin_image(p, map, start, image->end)) return -1;
  *native = image ? start + p->image_shift : place_of(p, map, start, pages);
  if (image) p->image_end = start + pages;
  if (!is_free(p, *native, pages)) *native = highest(p, map, pages); /* something else has its place by now */
  if (*native == UINT64_MAX) *native = start;
  bool anywhere = !image && !p->keeps && !map->text_bytes && !(map->c & (PW_MAP_STACK | PW_MAP_FIXED | PW_MAP_HUGETLB));
  p->fresh = start;
  p->fresh_end = anywhere ? start + pages : start;
  return set_place(p, start, pages, *native);
}

int pw_places_align(struct pw_places *p, uint64_t start, uint64_t end)
{
  uint64_t first = p->fresh, pages = p->fresh_end - first;
  struct pw_range parts[2];
  if (!pw_round_up(first, pages, pw_places_page(p, first), start, end, parts)) return 0;
  p->fresh_end = first;
  for (int i = 0; i < 2; i++)
    if (pw_ranges_join(&p->shifts, parts[i].first, parts[i].last, parts[i].value) || pw_ranges_join(&p->live, parts[i].first, parts[i].last, parts[i].value))
      return -1;
  return 0;
}

int pw_places_unmap(struct pw_places *p, uint64_t start, uint64_t end, bool moved)
{
  struct pw_range at;
  if (start >= end) return 0;
  if (start < p->fresh_end && end > p->fresh) p->fresh_end = p->fresh;
  for (uint64_t page = start; page < end && pw_ranges_next(&p->live, page, &at) && at.first < end; page = at.last + 1) {
    uint64_t from = at.first > page ? at.first : page, to = at.last < end ? at.last + 1 : end;
    if (pw_gaps_give(&p->gaps, from + at.value, to + at.value)) return -1;
  }
  if (pw_ranges_cut(&p->live, start, end - 1)) return -1;
  return moved ? pw_ranges_cut(&p->shifts, start, end - 1) : 0;
}

/* Is there room natively behind an area of so many pages for more of them? */
static bool has_room(const struct pw_places *p, uint64_t end, uint64_t more)
{
  uint64_t top = end <= p->gaps.top ? p->gaps.top : STACK_TOP - STACK_PAGES;
  return end <= top && more <= top - end && pw_gaps_lowest_mapped(&p->gaps, end, end + more) == end + more;
}

int pw_places_move(struct pw_places *p, const struct pw_event *map, uint64_t from, uint64_t pages, uint64_t *native, bool *grew)
{
  uint64_t start, all;
  struct pw_range at;
  *grew = false;
  if (!sizes(map, &start, &all) || map->c & PW_MAP_FIXED || p->keeps || all <= pages || !pw_ranges_at(&p->live, from, &at) ||
      at.last - from < pages - 1 || !has_room(p, from + at.value + pages, all - pages)) {
    if (pw_places_map(p, map, NULL, native)) return -1;
    p->fresh_end = p->fresh; /* what moves there was touched, perhaps */
    return 0;
  }
  *grew = true;
  *native = from + at.value + pages;
  uint64_t place = from + at.value;
  if (pw_places_unmap(p, from, from + pages, true)) return -1;
  return set_place(p, start, all, place);
}
