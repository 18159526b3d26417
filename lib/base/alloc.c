/* Overflow-checked allocation with a counter that lets tests fail any call. */
#include "base/alloc.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static atomic_ulong fail_after;

void pw_alloc_fail_after(unsigned long n)
{
  atomic_store(&fail_after, n);
}

/* True when this call is the one that was asked to fail. */
static bool refused(void)
{
  unsigned long left = atomic_load_explicit(&fail_after, memory_order_relaxed);
  if (left == 0) return false;
  return atomic_fetch_sub(&fail_after, 1) == 1;
}

/* Bytes of n elements, at least 1 so that success is never NULL; 0 on overflow. */
static size_t bytes_of(size_t n, size_t size_bytes)
{
  size_t product;
  if (__builtin_mul_overflow(n, size_bytes, &product)) return 0;
  return product == 0 ? 1 : product;
}

void *pw_calloc(size_t n, size_t size_bytes)
{
  if (refused()) return NULL;
  return calloc(n ? n : 1, size_bytes ? size_bytes : 1);
}

void *pw_malloc(size_t n, size_t size_bytes)
{
  size_t bytes = bytes_of(n, size_bytes);
  return bytes == 0 || refused() ? NULL : malloc(bytes);
}

void *pw_realloc(void *old, size_t n, size_t size_bytes)
{
  size_t bytes = bytes_of(n, size_bytes);
  return bytes == 0 || refused() ? NULL : realloc(old, bytes);
}

char *pw_strdup(const char *text)
{
  size_t n = strlen(text) + 1;
  char *copy = pw_malloc(n, 1);
  if (copy) memcpy(copy, text, n);
  return copy;
}

void pw_free(void *pointer)
{
  free(pointer);
}

int pw_grow(void **array, size_t *n, size_t need, size_t size_bytes)
{
  if (need <= *n) return 0;
  size_t more = *n > SIZE_MAX / 2 ? need : *n * 2;
  if (more < need) more = need;
  if (more < 16) more = 16;
  void *larger = pw_realloc(*array, more, size_bytes);
  if (!larger) return -1;
  *array = larger;
  *n = more;
  return 0;
}

void pw_sort(void *array, size_t n, size_t size_bytes, int (*compare)(const void *a, const void *b))
{
  if (n > 1) qsort(array, n, size_bytes, compare);
}
