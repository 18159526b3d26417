/* Prints who opened each visit of a trace: "ACCESS PAGE OFFSET PC", ACCESS counted from 0.
 *
 * Two traces of the same accesses may be cut to visits at other places (events and blocks end visits), but a
 * visit that begins at the same access in both was opened by the same one. */
#include <inttypes.h>
#include <stdio.h>

#include "pagewalk.h"

int main(int argc, char **argv)
{
  struct pw_trace *trace = NULL;
  struct pw_error err;
  struct pw_trace_options options = {.counts = true, .sides = true};
  const struct pw_block *b;
  uint64_t access = 0;
  int got = argc == 2 ? pw_trace_open(&trace, argv[1], &options, &err) : pw_error_set(&err, PW_EINVAL, "usage: openers TRACE");
  while (got >= 0 && (got = pw_trace_next(trace, &b, &err)) > 0) {
    for (uint32_t i = 0; i < b->n_visits; i++) {
      if (b->pc) printf("%010" PRIu64 " %" PRIx64 " %x %" PRIx64 "\n", access, b->pages[b->page[i]], b->offset[i], b->pc[i]);
      access += (uint64_t)b->fetches[i] + b->loads[i] + b->stores[i];
    }
  }
  pw_trace_close(trace);
  if (got < 0) fprintf(stderr, "%s\n", err.text);
  return got < 0;
}
