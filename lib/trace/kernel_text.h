/* Reads a kernel's tracepoints of memory from text: tracefs's `trace`, or what `perf script` prints.
 *
 * Understood are kmem:kmalloc, kfree, kmem_cache_alloc, kmem_cache_free, mm_page_alloc and mm_page_free, of Linux 5.13 or
 * later, which name their caches; also compressed. Other lines are passed over where they are comments, empty, or of other tracepoints. */
#ifndef PW_KERNEL_TEXT_H
#define PW_KERNEL_TEXT_H

#include "base/kernelevent.h"
#include "pagewalk.h"

/* 0, or a status with a sentence that names file and line. Clear it in any case. */
int pw_kernel_events_read(struct pw_kernel_events *events, const char *path, struct pw_error *err);
struct pw_source;
/* The same from a source, which `name` is called in errors. */
int pw_kernel_events_from(struct pw_kernel_events *events, struct pw_source *source, const char *name, struct pw_error *err);
void pw_kernel_events_clear(struct pw_kernel_events *events);

#endif
