/* One way to read a trace, as a class: native (.pwt) and foreign (parsed bytes); one that mixes
 * several traces is a third row, with traces of its own in place of the source.
 *
 * Invariant: a class hands out 0 only at an end that was proved, and after a rewind the same blocks again. */
#ifndef PW_TRACE_CLASS_H
#define PW_TRACE_CLASS_H

#include <stdio.h>

#include "pagewalk.h"
#include "trace/source.h"

struct pw_trace_class {
  /* Lends the next block: 1, 0 at a proved end, or negative. Keeps info's processes, threads, bad lines and
   * rounding, and `counting`. */
  int (*next)(struct pw_trace *trace, const struct pw_block **block, struct pw_error *err);
  /* The source is at its start again, its first `n` bytes are lent (`last`: they are all). */
  int (*rewind)(struct pw_trace *trace, const unsigned char *bytes, size_t n, bool last, struct pw_error *err);
  void (*close)(struct pw_trace *trace); /* frees trace->state, which may be half made */
};

extern const struct pw_trace_class pw_trace_native, pw_trace_foreign;

struct pw_trace {
  const struct pw_trace_class *class; /* NULL until the first bytes were seen */
  void *state;             /* the class's own; NULL until its first rewind */
  char *path;
  const void *memory;      /* when it was opened from memory */
  size_t memory_bytes;
  struct pw_trace_options options;
  struct pw_source *source;
  bool from_spool;         /* the source is a temporary copy of a pipe */
  FILE *spool;
  bool counting;           /* the warm-up is over */
  bool ended;
  struct pw_trace_info info;
  char *text[4];           /* provenance: source, command, date, creator; outlives a reader */
  char compression[32];
  char remark[200];          /* kept by who reads a foreign trace, and over its spool */
};

static inline int pw_trace_out_of_memory(const struct pw_trace *trace, struct pw_error *err)
{
  return pw_error_set(err, PW_ENOMEM, "%s: memory ran out", trace->path);
}

#endif
