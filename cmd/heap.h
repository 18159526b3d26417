/* Memory of the command: a request that cannot be met ends the program with a sentence. */
#ifndef CMD_HEAP_H
#define CMD_HEAP_H

#include <stddef.h>

void *heap_zero(size_t n, size_t size_bytes);
/* Makes room for `need` elements in `old`, whose capacity is *n; at least doubles. */
void *heap_grow(void *old, size_t *n, size_t need, size_t size_bytes);
char *heap_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
