/* The grammar of the option values: sizes, lists, ranges and TLB specifications.
 *
 *   number   4096  4K  64MiB  1G          bytes and entries: powers of 1024
 *                                         counts of accesses: powers of 1000
 *   item     number | lo..hi | lo..hi+step | lo..hi*factor | a word such as "full"
 *            a factor may be decimal: values are rounded up, sizes to whole pages
 *   list     item,item,…
 *   TLB      none | ENTRIES[:WAYS[:POLICY]], each a list
 *   specs    spec;spec;…
 *
 * Everything is bounded: a list over SPEC_MOST values is refused before it is built. */
#ifndef CMD_SPEC_H
#define CMD_SPEC_H

#include <stddef.h>
#include <stdint.h>

#include "pagewalk.h"
#include "words.h"

#define SPEC_MOST 100000u

enum spec_unit {
  SPEC_PLAIN, /* digits only */
  SPEC_BYTES, /* K = 1024, also KiB and KB, and B for plain bytes */
  SPEC_COUNT, /* K = 1000 */
};

/* What a list of numbers may hold. */
struct spec_kind {
  enum spec_unit unit;
  uint64_t least, most;
  const char *word; /* a word allowed in place of a number, or NULL */
  uint64_t word_value;
  const char *below; /* what to write for less than the least, or NULL */
};

struct numbers {
  size_t n, room;
  uint64_t *values;
};

struct tlb_specs {
  size_t n, room;
  struct pw_tlb_spec *items; /* they own their arrays */
};

/* A part of a text: items are cut out of an option without copying it. */
struct slice {
  const char *text;
  size_t n;
};
/* Cuts the part before the next `separator` off `rest`; false when rest is used up. */
int slice_next(struct slice *rest, char separator, struct slice *part);

/* All of them append to their target, name `place` in errors, and return 0 or PW_EINVAL. */
int spec_number(uint64_t *value, struct slice text, const struct spec_kind *kind, const char *place,
                struct pw_error *err);
int spec_numbers(struct numbers *numbers, struct slice text, const struct spec_kind *kind,
                 const char *place, struct pw_error *err);
int spec_tlbs(struct tlb_specs *specs, const struct words *words, struct pw_error *err);

/* Policies by name, as indices into the list. */
int spec_policies(struct numbers *numbers, struct slice text, enum pw_list list, const char *place,
                  struct pw_error *err);

void numbers_add(struct numbers *numbers, uint64_t value);
void numbers_clear(struct numbers *numbers);
void tlb_specs_add(struct tlb_specs *specs, const struct numbers *entries, const struct numbers *ways,
                   const struct numbers *policies);
void tlb_specs_clear(struct tlb_specs *specs);

#endif
