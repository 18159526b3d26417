/* Overflow-checked allocation. Raw malloc is not used elsewhere in the library.
 *
 * Every function returns NULL when memory runs out or the size overflows, and
 * so can be made to fail on purpose: pw_alloc_fail_after lets tests fail the
 * Nth call of the process. */
#ifndef PW_ALLOC_H
#define PW_ALLOC_H

#include <stddef.h>

void *pw_calloc(size_t n, size_t size_bytes);
void *pw_malloc(size_t n, size_t size_bytes);
void *pw_realloc(void *old, size_t n, size_t size_bytes);
char *pw_strdup(const char *text);
void pw_free(void *pointer);

/* Makes room for `need` elements in *array (capacity *n, element size
 * `size_bytes`), at least doubling. 0, or -1 with the array unchanged. */
int pw_grow(void **array, size_t *n, size_t need, size_t size_bytes);

/* qsort, of an array that may be NULL while it holds nothing. */
void pw_sort(void *array, size_t n, size_t size_bytes, int (*compare)(const void *a, const void *b));

/* For tests: the n-th allocation from now (1 = the next) fails, once; 0 = none. */
void pw_alloc_fail_after(unsigned long n);

#endif
