/* Foreign trace formats: one file each (fmt_NAME.c), one row each in formats.c.
 *
 * A format turns bytes into accesses. The trace layer lends it a window of
 * decompressed bytes; it takes as many whole records as it can and says how
 * many bytes they were. It never reads files and keeps no pointer into the window.
 *
 * Adding a format: write fmt_NAME.c with a `const struct pw_format pw_format_NAME`,
 * declare it below, add it to the table in formats.c, and give it a test, a fuzz
 * corpus folder and a line in the man page (a test checks that). */
#ifndef PW_FORMAT_H
#define PW_FORMAT_H

#include "base/intern.h"
#include "pagewalk.h"

/* An event of a text trace, and who runs. */
struct pw_batch_event {
  size_t before;             /* access of the batch that it stands before; n: behind them all */
  uint32_t pid, tid;
  struct pw_event event;     /* `at` is free; of a fork, b is the child's index only once it is taken */
};

/* What a format hands over: at most `room` accesses at a time, and as many events. */
struct pw_batch {
  size_t n;
  size_t room;               /* at least PW_BATCH_ROOM when a format is called with n = 0 */
  struct pw_access *accesses;
  size_t n_events;
  struct pw_batch_event *events; /* [room] */
  struct pw_intern *texts;   /* where the events' texts are kept */
};
#define PW_BATCH_ROOM 4096
/* No record of any format gives more accesses, or events, than this; formats stop when fewer fit. */
#define PW_RECORD_ACCESSES 16

struct pw_parser {
  const char *path;          /* for errors */
  bool skip_bad;
  bool many_bad;             /* of the first lines so many do not parse that leaving such out is no advice */
  uint64_t line;             /* text: number of the next line, from 1 */
  uint64_t offset_bytes;     /* of the window's first byte in the decompressed stream */
  uint64_t bad_lines;
  bool ended;                /* set by a format that has seen its end mark */
  char remark[200];          /* what whoever reads the trace should know, or empty */
  uint64_t state[64];        /* the format's own: zero at the start */
};

struct pw_format {
  const char *name;
  const char *summary;
  /* How sure is the format that the first `n` bytes are its own: 0 = no … 100.
   * `whole` says that the input ends there. */
  int (*bid)(const unsigned char *bytes, size_t n, bool whole);
  /* Takes whole records from the window. `last` says that no more bytes follow
   * it: then a record cut short is an error (a last line without newline is not).
   * Returns bytes taken (0 … n; 0 only if the window holds no whole record or
   * the batch is full), or a negative enum pw_status. */
  int64_t (*parse)(struct pw_parser *parser, const unsigned char *bytes, size_t n, bool last,
                   struct pw_batch *batch, struct pw_error *err);
};

extern const struct pw_format pw_format_lackey, pw_format_din, pw_format_hexrw, pw_format_csv,
    pw_format_champsim, pw_format_cloudsuite, pw_format_pinatrace, pw_format_drtext, pw_format_text, pw_format_text_hex,
    pw_format_text_dec;

/* All foreign formats; NULL-terminated. */
extern const struct pw_format *const pw_formats[];

/* The format by name, or NULL. */
const struct pw_format *pw_format_find(const char *name);
/* The formats for lists, pagewalk's own first. */
bool pw_format_entry(size_t index, struct pw_list_entry *entry);
/* The format of these first bytes, by bid. NULL with an error that names what
 * the bytes are if they are recognised (a perf.data, a drmemtrace raw file …),
 * with advice. */
const struct pw_format *pw_format_bid(const unsigned char *bytes, size_t n, bool whole,
                                      const char *path, struct pw_error *err);

/* A word for what an access does, in the spellings that tools and classes use: R W r w L S l s I i M m, read write load store fetch
 * modify, rd wr ld st, readi ifetch instr and the like; whole words in any case. */
bool pw_op_of_word(const unsigned char *at, const unsigned char *end, enum pw_op *op);
/* Is it text whose addresses may be hexadecimal or decimal? */
bool pw_text_is_ambiguous(const unsigned char *bytes, size_t n, bool whole);

#endif
