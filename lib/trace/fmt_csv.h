/* Rows of a CSV trace that are events: what fmt_csv.c and fmt_csv_events.c share.
 *
 *     op             address and size      arg                                 name, offset
 *     map            needed                rights as in /proc/PID/maps, rw-p   file, [heap], [stack] or empty;
 *                                          without it; h: of huge pages        offset in the file, bytes
 *                                          set aside (MAP_HUGETLB)
 *     unmap, discard, kernel-read,
 *     kernel-write   needed
 *     protect        needed                rights
 *     move           needed: from          address that the pages move to
 *     fork                                 pid of the child
 *     exec                                                                     program
 *     exit                                 status, 0 without it
 *     advise         needed, but of thp-…  hugepage, nohugepage, thp-off, thp-on
 *
 * The process and thread of the row are those that run. A file is what its name says: in all traces, files of one name
 * are the same. */
#ifndef PW_FMT_CSV_H
#define PW_FMT_CSV_H

#include <strings.h>

#include "trace/textline.h"

enum { PW_CSV_OTHER }; /* a column that nobody asks for */
#define PW_CSV_FULL (-2) /* there is no room for another name: not the fault of the row */

struct pw_csv_field {
  const unsigned char *at, *end; /* NULL: there is no such column */
};

struct pw_csv_row {
  uint64_t address, bytes, offset, number; /* number: of arg, if it is one */
  bool has_address, has_number;
  struct pw_csv_field arg, name;
};

struct pw_csv_event; /* a kind of event */

static inline bool pw_csv_is(const struct pw_csv_field *field, const char *word)
{
  size_t n = (size_t)(field->end - field->at);
  return n == strlen(word) && strncasecmp((const char *)field->at, word, n) == 0;
}

/* The kind that an op names, or NULL. */
const struct pw_csv_event *pw_csv_event_find(const struct pw_csv_field *op);
/* Appends what the row says to batch->events; who runs, and where, is the caller's. 0, PW_LINE_BAD, or PW_CSV_FULL. */
int pw_csv_event(const struct pw_csv_event *kind, const struct pw_csv_row *row, struct pw_batch *batch, const char **why);

#endif
