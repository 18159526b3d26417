/* Native calls by what they are looked for. See counterpart.h. */
#include "space/counterpart.h"

#include "base/alloc.h"

enum { SIMILAR_PAGES = 16 };
enum question { MAP_OF_SIZE, MAP_OF_FILE, MOVE_FROM, FILE_OF };

static uint64_t hash(enum question question, uint64_t a, uint64_t b, uint64_t c)
{
  const uint64_t words[] = {a, b, c};
  uint64_t h = question + 1;
  for (int i = 0; i < 3; i++) {
    h = (h ^ words[i]) * UINT64_C(0xBF58476D1CE4E5B9);
    h = (h ^ h >> 31) * UINT64_C(0x94D049BB133111EB);
  }
  return (h ^ h >> 29) >> 1; /* never PW_NO_KEY */
}

/* Calls come from the last to the first, so that a chain is in their order. */
static void chain(struct pw_counterparts *c, size_t call, enum question question, uint64_t a, uint64_t b, uint64_t third)
{
  bool added;
  uint32_t *first = pw_pagemap_insert(&c->first, hash(question, a, b, third), PW_NO_VALUE, &added);
  c->next[question * c->n_calls + call] = *first;
  *first = (uint32_t)call;
}

static void chain_call(struct pw_counterparts *c, size_t i)
{
  const struct pw_native_call *call = &c->calls[i];
  uint64_t pages = call->bytes >> 12, offset = call->inode ? call->offset >> 12 : 0;
  bool map = call->kind == PW_NATIVE_MAP && !call->fixed;
  if (map) chain(c, i, MAP_OF_SIZE, pages, call->inode != 0, offset);
  if (map && call->inode) chain(c, i, MAP_OF_FILE, pages, call->inode, offset);
  if (call->kind == PW_NATIVE_MOVE) chain(c, i, MOVE_FROM, call->from >> 12, pages, 0);
  if (call->inode) chain(c, i, FILE_OF, call->inode, 0, 0);
}

int pw_counterparts_init(struct pw_counterparts *c, struct pw_native_call *calls, size_t n)
{
  *c = (struct pw_counterparts){.calls = calls, .n_calls = n};
  pw_pagemap_init(&c->first);
  c->next = pw_malloc(n ? n : 1, PW_CALL_QUESTIONS * sizeof *c->next);
  if (!c->next || n >= PW_NO_VALUE || pw_pagemap_reserve(&c->first, 3 * n)) return -1;
  while (n-- > 0) chain_call(c, n);
  return 0;
}

void pw_counterparts_clear(struct pw_counterparts *c)
{
  pw_pagemap_clear(&c->first);
  pw_free(c->next);
  *c = (struct pw_counterparts){0};
}

static struct pw_native_call *ask(struct pw_counterparts *c, enum question question, uint64_t a, uint64_t b, uint64_t third)
{
  uint32_t *first = pw_pagemap_find(&c->first, hash(question, a, b, third));
  for (; first && *first != PW_NO_VALUE && c->calls[*first].used; *first = c->next[question * c->n_calls + *first]) c->steps++;
  return first && *first != PW_NO_VALUE ? &c->calls[*first] : NULL;
}

/* If need be of another file, since temporary files differ. */
struct pw_native_call *pw_counterparts_map(struct pw_counterparts *c, uint64_t pages, uint64_t inode, uint64_t offset)
{
  struct pw_native_call *call = inode ? ask(c, MAP_OF_FILE, pages, inode, offset >> 12) : NULL;
  return call ? call : ask(c, MAP_OF_SIZE, pages, inode != 0, inode ? offset >> 12 : 0);
}

struct pw_native_call *pw_counterparts_move(struct pw_counterparts *c, uint64_t from, uint64_t pages)
{
  return ask(c, MOVE_FROM, from, pages, 0);
}

/* Maps whose sizes differ a little: ld.so allocates by the pathnames that the processor's kind adds. */
struct pw_native_call *pw_counterparts_similar(struct pw_counterparts *c, uint64_t pages, uint64_t inode)
{
  if (c->similar < c->behind) c->similar = c->behind;
  for (; c->similar < c->n_calls; c->similar++, c->steps++) {
    struct pw_native_call *call = &c->calls[c->similar];
    uint64_t had = call->bytes >> 12;
    if (call->kind != PW_NATIVE_MAP || call->used || call->fixed) continue;
    return call->inode == inode && had <= pages + SIMILAR_PAGES && pages <= had + SIMILAR_PAGES ? call : NULL;
  }
  return NULL;
}

uint64_t pw_counterparts_file_pages(const struct pw_counterparts *c, uint64_t inode)
{
  const uint32_t *first = inode ? pw_pagemap_find(&c->first, hash(FILE_OF, inode, 0, 0)) : NULL;
  return first ? (c->calls[*first].file_bytes + 4095) >> 12 : 0;
}

void pw_counterparts_use(struct pw_counterparts *c, struct pw_native_call *call)
{
  size_t i = (size_t)(call - c->calls);
  call->used = true;
  if (call->kind == PW_NATIVE_MAP && i >= c->behind) c->behind = i + 1;
}
