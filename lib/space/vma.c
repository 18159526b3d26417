/* Kinds, names and numbers of mappings. See vma.h. */
#include "space/vma.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/block.h"
#include "space/spaces.h"

/* A number from its lowest bit: rights, does it grow, kind, has it a name, of which huge pages it is; then its source, or its first page. */
enum { RIGHTS = PW_MAP_READ | PW_MAP_WRITE | PW_MAP_EXECUTE | PW_MAP_SHARED, GROWS = 1 << 4, KIND_SHIFT = 5, NAMED = 1 << 8 };
enum { HUGETLB = PW_MAP_HUGETLB | PW_MAP_HUGE_1G, HUGETLB_SHIFT = 3, PLACE_SHIFT = 11 };

static uint64_t pack(enum pw_vma_kind kind, uint64_t bits, bool named, uint64_t place)
{
  return place << PLACE_SHIFT | (named ? NAMED : 0) | (uint64_t)kind << KIND_SHIFT | bits;
}

struct pw_vma pw_vma_of(const struct pw_spaces *s, const struct pw_range *r)
{
  uint64_t n = r->value;
  struct pw_vma vma = {.first = r->first, .last = r->last, .number = n, .kind = (enum pw_vma_kind)(n >> KIND_SHIFT & 7),
                       .rights = (unsigned)n & RIGHTS, .grows = n & GROWS, .hugetlb = (unsigned)(n >> HUGETLB_SHIFT) & HUGETLB, .object = PW_TEXT_MMAP};
  if (!(n & NAMED)) return vma;
  const struct pw_backing *source = &s->sources[n >> PLACE_SHIFT];
  vma.object = source->object;
  vma.inode = source->inode;
  if (source->inode) vma.offset = source->shift + r->first;
  return vma;
}

/* ---- numbers ---- */

/* The number of a source, a new one unless it is known. Two that fall together in the table only cost room. */
static int64_t source_of(struct pw_spaces *s, struct pw_backing source)
{
  uint64_t key = ((source.inode * 0x9E3779B97F4A7C15u ^ source.shift) * 0xBF58476D1CE4E5B9u ^ source.object) & ~UINT64_C(1);
  const uint32_t *there = pw_pagemap_find(&s->by_source, key);
  bool added;
  if (there) {
    const struct pw_backing *known = &s->sources[*there];
    if (known->inode == source.inode && known->shift == source.shift && known->object == source.object) return *there;
  }
  if (pw_grow((void **)&s->sources, &s->sources_room, s->n_sources + 1, sizeof source)) return -1;
  if (pw_pagemap_reserve(&s->by_source, 1)) return -1;
  s->sources[s->n_sources] = source;
  *pw_pagemap_insert(&s->by_source, key, 0, &added) = (uint32_t)s->n_sources;
  return (int64_t)s->n_sources++;
}

/* What Linux and ld.so map for the part of a segment that its file does not hold: private, without a name, at once
 * behind the file's part, with that part's rights. */
static bool is_bss(const struct pw_spaces *s, const struct pw_space *space, const struct pw_event *map)
{
  const struct pw_range *last = &space->last_map;
  struct pw_range before;
  uint64_t first = map->a >> PW_BASE_SHIFT;
  if (first == 0 || last->first > last->last || last->last != first - 1 || map->c & (PW_MAP_STACK | PW_MAP_HUGETLB)) return false;
  if (!pw_ranges_at(&space->areas, first - 1, &before) || before.value != last->value) return false; /* unmapped since */
  struct pw_vma data = pw_vma_of(s, &before);
  bool loads = data.kind == PW_VMA_FILE && data.rights & PW_MAP_WRITE && !(data.rights & PW_MAP_SHARED);
  return loads && data.rights == (map->c & RIGHTS);
}

static enum pw_vma_kind kind_of(const char *name)
{
  if (name[0] != '[') return PW_VMA_FILE;
  if (strcmp(name, "[stack]") == 0) return PW_VMA_STACK;
  return strcmp(name, "[heap]") == 0 ? PW_VMA_HEAP : PW_VMA_SPECIAL;
}

int pw_vma_number(struct pw_spaces *s, const struct pw_space *space, const struct pw_event *map, uint64_t *number)
{
  bool grows = map->c & PW_MAP_STACK;
  uint64_t bits = (map->c & RIGHTS) | (grows ? GROWS : 0) | (map->c & HUGETLB) << HUGETLB_SHIFT;
  if (!map->text || !map->text_bytes) {
    bool bss = is_bss(s, space, map);
    *number = bss ? pack(PW_VMA_BSS, bits, true, space->last_map.value >> PLACE_SHIFT)
                  : pack(grows ? PW_VMA_STACK : PW_VMA_MMAP, bits, false, map->a >> PW_BASE_SHIFT);
    return 0;
  }
  uint32_t object = pw_intern(&s->texts, map->text, map->text_bytes);
  int64_t source = object == PW_NO_TEXT ? -1 : source_of(s, (struct pw_backing){.object = object});
  if (source < 0) return -1;
  enum pw_vma_kind kind = kind_of(s->texts.texts[object]);
  *number = pack(kind, kind == PW_VMA_STACK ? bits | GROWS : bits, true, (uint64_t)source);
  return 0;
}

int pw_vma_back(struct pw_spaces *s, const struct pw_range *mapped, const struct pw_event *e, uint64_t *number)
{
  *number = mapped->value;
  if (!(mapped->value & NAMED) || e->b == 0) return 0;
  uint32_t object = s->sources[mapped->value >> PLACE_SHIFT].object;
  int64_t source = source_of(s, (struct pw_backing){e->b, (e->a >> PW_BASE_SHIFT) - mapped->first, object});
  if (source < 0) return -1;
  *number = (mapped->value & ((1 << PLACE_SHIFT) - 1)) | (uint64_t)source << PLACE_SHIFT;
  return 0;
}

/* ---- names ---- */

const char *pw_short_name(const char *text)
{
  const char *slash = text[0] == '/' ? strrchr(text, '/') : NULL;
  return slash && slash[1] ? slash + 1 : text;
}

static uint32_t name_region(struct pw_spaces *s, const struct pw_vma *vma)
{
  char text[4096 + 64]; /* a text of an event, and a word */
  const char *object = s->texts.texts[vma->object];
  if (vma->object == PW_TEXT_MMAP)
    snprintf(text, sizeof text, "[mmap 0x%" PRIx64 "]", vma->number >> PLACE_SHIFT << PW_BASE_SHIFT);
  else if (vma->kind == PW_VMA_FILE)
    snprintf(text, sizeof text, "%s %c%c%c", pw_short_name(object), vma->rights & PW_MAP_READ ? 'r' : '-',
             vma->rights & PW_MAP_WRITE ? 'w' : '-', vma->rights & PW_MAP_EXECUTE ? 'x' : '-');
  else if (vma->kind == PW_VMA_BSS)
    snprintf(text, sizeof text, "%s .bss", pw_short_name(object));
  else
    return vma->object;
  return pw_intern(&s->texts, text, strlen(text));
}

uint32_t pw_vma_region(struct pw_spaces *s, const struct pw_vma *vma)
{
  const uint32_t *there = pw_pagemap_find(&s->regions, vma->number);
  if (there) return *there;
  bool added;
  uint32_t text = pw_pagemap_reserve(&s->regions, 1) ? PW_NO_TEXT : name_region(s, vma);
  return text == PW_NO_TEXT ? text : *pw_pagemap_insert(&s->regions, vma->number, text, &added);
}
