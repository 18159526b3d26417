/* Native calls by what they are looked for. See counterpart.h. */
#include "space/counterpart.h"

#include <stdlib.h>

#include "base/alloc.h"

enum { SIMILAR_PAGES = 16 };
enum question { MAP_OF_SIZE, MAP_OF_FILE, MOVE_FROM, FILE_OF };

static int compare(const uint64_t *a, const uint64_t *b)
{
  size_t i = 0;
  while (i < 4 && a[i] == b[i]) i++;
  return (a[i] > b[i]) - (a[i] < b[i]);
}

static int by_word(const void *a, const void *b)
{
  return compare(((const struct pw_call_key *)a)->word, ((const struct pw_call_key *)b)->word);
}

static void add_key(struct pw_counterparts *c, size_t call, enum question question, uint64_t a, uint64_t b, uint64_t third)
{
  c->keys[c->n_keys++] = (struct pw_call_key){.word = {question, a, b, third, call}};
}

static void add_call(struct pw_counterparts *c, size_t i)
{
  const struct pw_native_call *call = &c->calls[i];
  uint64_t pages = call->bytes >> PW_BASE_SHIFT, offset = call->inode ? call->offset >> PW_BASE_SHIFT : 0;
  bool map = call->kind == PW_NATIVE_MAP && !call->fixed;
  if (map) add_key(c, i, MAP_OF_SIZE, pages, call->inode != 0, offset);
  if (map && call->inode) add_key(c, i, MAP_OF_FILE, pages, call->inode, offset);
  if (call->kind == PW_NATIVE_MOVE) add_key(c, i, MOVE_FROM, call->from >> PW_BASE_SHIFT, pages, 0);
  if (call->inode) add_key(c, i, FILE_OF, call->inode, 0, 0);
}

int pw_counterparts_init(struct pw_counterparts *c, struct pw_native_call *calls, size_t n)
{
  *c = (struct pw_counterparts){.calls = calls, .n_calls = n, .keys = pw_malloc(n ? n : 1, 3 * sizeof *c->keys)};
  if (!c->keys) return -1;
  for (size_t i = 0; i < n; i++) add_call(c, i);
  if (n) qsort(c->keys, c->n_keys, sizeof *c->keys, by_word);
  for (size_t i = 0; i < c->n_keys; i++) c->keys[i].front = i;
  return 0;
}

void pw_counterparts_clear(struct pw_counterparts *c)
{
  pw_free(c->keys);
  *c = (struct pw_counterparts){0};
}

static size_t first_key(const struct pw_counterparts *c, const uint64_t *word)
{
  size_t low = 0, high = c->n_keys;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (compare(c->keys[middle].word, word) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

static bool answers(const struct pw_counterparts *c, size_t i, const uint64_t *word)
{
  return i < c->n_keys && c->keys[i].word[0] == word[0] && c->keys[i].word[1] == word[1] && c->keys[i].word[2] == word[2] &&
         c->keys[i].word[3] == word[3];
}

static struct pw_native_call *ask(struct pw_counterparts *c, enum question question, uint64_t a, uint64_t b, uint64_t third)
{
  const uint64_t word[5] = {question, a, b, third, 0};
  size_t first = first_key(c, word), i = first;
  if (!answers(c, first, word)) return NULL;
  for (i = c->keys[first].front; answers(c, i, word) && c->calls[c->keys[i].word[4]].used; i++) continue;
  c->keys[first].front = i;
  return answers(c, i, word) ? &c->calls[c->keys[i].word[4]] : NULL;
}

/* If need be of another file, since temporary files differ. */
struct pw_native_call *pw_counterparts_map(struct pw_counterparts *c, uint64_t pages, uint64_t inode, uint64_t offset)
{
  struct pw_native_call *call = inode ? ask(c, MAP_OF_FILE, pages, inode, offset >> PW_BASE_SHIFT) : NULL;
  return call ? call : ask(c, MAP_OF_SIZE, pages, inode != 0, inode ? offset >> PW_BASE_SHIFT : 0);
}

struct pw_native_call *pw_counterparts_move(struct pw_counterparts *c, uint64_t from, uint64_t pages)
{
  return ask(c, MOVE_FROM, from, pages, 0);
}

/* Maps whose sizes differ a little: ld.so allocates by the pathnames that the processor's kind adds. */
struct pw_native_call *pw_counterparts_similar(struct pw_counterparts *c, uint64_t pages, uint64_t inode)
{
  if (c->similar < c->behind) c->similar = c->behind;
  for (; c->similar < c->n_calls; c->similar++) {
    struct pw_native_call *call = &c->calls[c->similar];
    uint64_t had = call->bytes >> PW_BASE_SHIFT;
    if (call->kind != PW_NATIVE_MAP || call->used || call->fixed) continue;
    return call->inode == inode && had <= pages + SIMILAR_PAGES && pages <= had + SIMILAR_PAGES ? call : NULL;
  }
  return NULL;
}

uint64_t pw_counterparts_file_pages(const struct pw_counterparts *c, uint64_t inode)
{
  const uint64_t word[5] = {FILE_OF, inode, 0, 0, 0};
  size_t i = first_key(c, word);
  return inode && answers(c, i, word) ? (c->calls[c->keys[i].word[4]].file_bytes + 4095) >> PW_BASE_SHIFT : 0;
}

void pw_counterparts_use(struct pw_counterparts *c, struct pw_native_call *call)
{
  size_t i = (size_t)(call - c->calls);
  call->used = true;
  if (call->kind == PW_NATIVE_MAP && i >= c->behind) c->behind = i + 1;
}
