/* Texts by number: open addressing over the texts' hashes. See intern.h. */
#include "base/intern.h"

#include <string.h>

#include "base/alloc.h"
#include "base/pagemap.h"

enum { TEXT_COST = 40 }; /* a block of memory, a pointer and slots */

static size_t home(const struct pw_intern *t, const char *text, size_t n_bytes)
{
  uint64_t hash = n_bytes ^ t->secret;
  for (size_t i = 0; i < n_bytes; i++) hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001B3);
  return (size_t)((hash * t->secret) >> (64 - t->bits));
}

static uint32_t *slot_of(const struct pw_intern *t, const char *text, size_t n_bytes)
{
  size_t mask = ((size_t)1 << t->bits) - 1;
  for (size_t i = home(t, text, n_bytes);; i = (i + 1) & mask) {
    const char *there = t->slots[i] == PW_NO_TEXT ? NULL : t->texts[t->slots[i]];
    if (!there || (strncmp(there, text, n_bytes) == 0 && there[n_bytes] == '\0')) return &t->slots[i];
  }
}

static int widen(struct pw_intern *t)
{
  unsigned bits = t->bits ? t->bits + 1 : 6;
  t->secret = pw_hash_secret();
  uint32_t *slots = pw_malloc((size_t)1 << bits, sizeof *slots);
  if (!slots) return -1;
  memset(slots, 0xff, sizeof *slots << bits);
  pw_free(t->slots);
  t->slots = slots;
  t->bits = bits;
  for (size_t i = 0; i < t->n; i++) *slot_of(t, t->texts[i], strlen(t->texts[i])) = (uint32_t)i;
  return 0;
}

void pw_intern_clear(struct pw_intern *t)
{
  for (size_t i = 0; i < t->n; i++) pw_free(t->texts[i]);
  pw_free(t->texts);
  pw_free(t->slots);
  memset(t, 0, sizeof *t);
}

uint32_t pw_intern(struct pw_intern *t, const char *text, size_t n_bytes)
{
  const char *nul = n_bytes ? memchr(text, '\0', n_bytes) : NULL; /* a text ends where a reader of it would stop */
  if (nul) n_bytes = (size_t)(nul - text);
  if ((t->bits == 0 || 2 * (t->n + 1) > (size_t)1 << t->bits) && widen(t)) return PW_NO_TEXT;
  uint32_t *slot = slot_of(t, n_bytes ? text : "", n_bytes);
  if (*slot != PW_NO_TEXT) return *slot;
  size_t bytes = t->bytes + n_bytes + TEXT_COST;
  t->full |= bytes > PW_MOST_TEXT_BYTES;
  if (bytes > PW_MOST_TEXT_BYTES) return PW_NO_TEXT;
  if (pw_grow((void **)&t->texts, &t->room, t->n + 1, sizeof *t->texts)) return PW_NO_TEXT;
  char *kept = pw_malloc(n_bytes + 1, 1);
  if (!kept) return PW_NO_TEXT;
  if (n_bytes) memcpy(kept, text, n_bytes);
  kept[n_bytes] = '\0';
  t->bytes = bytes;
  t->texts[t->n] = kept;
  return *slot = (uint32_t)t->n++;
}
