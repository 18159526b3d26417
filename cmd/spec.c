/* The grammar of the option values: sizes, lists, ranges and TLB specifications. */
#include "spec.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "heap.h"
#include "meant.h"

int slice_next(struct slice *rest, char separator, struct slice *part)
{
  if (!rest->text) return 0;
  const char *cut = rest->n ? memchr(rest->text, separator, rest->n) : NULL;
  part->text = rest->text;
  part->n = cut ? (size_t)(cut - rest->text) : rest->n;
  rest->n -= part->n + (cut ? 1 : 0);
  rest->text = cut ? cut + 1 : NULL;
  return 1;
}

static struct slice trim(struct slice s)
{
  while (s.n && (*s.text == ' ' || *s.text == '\t')) s.text++, s.n--;
  while (s.n && (s.text[s.n - 1] == ' ' || s.text[s.n - 1] == '\t')) s.n--;
  return s;
}

static bool same(struct slice s, const char *word)
{
  return strlen(word) == s.n && memcmp(s.text, word, s.n) == 0;
}

void numbers_add(struct numbers *numbers, uint64_t value)
{
  numbers->values = heap_grow(numbers->values, &numbers->room, numbers->n + 1, sizeof *numbers->values);
  numbers->values[numbers->n++] = value;
}

void numbers_clear(struct numbers *numbers)
{
  free(numbers->values);
  *numbers = (struct numbers){0};
}

static int bad(struct pw_error *err, const char *place, struct slice s, const char *why)
{
  int n = s.n > 100 ? 100 : (int)s.n;
  return pw_error_set(err, PW_EINVAL, "%s: '%.*s' %s", place, n, s.text, why);
}

/* The multiplier that a suffix stands for; 0 when there is no such suffix. */
static uint64_t suffix_factor(struct slice s, enum spec_unit unit)
{
  if (s.n == 0) return 1;
  if (unit == SPEC_PLAIN) return 0;
  if (unit == SPEC_BYTES && same(s, "B")) return 1;
  static const char letters[] = "KMGT";
  char letter = *s.text == 'k' ? 'K' : *s.text;
  const char *at = memchr(letters, letter, 4);
  if (!at) return 0;
  struct slice rest = {s.text + 1, s.n - 1};
  if (rest.n && !(unit == SPEC_BYTES && (same(rest, "iB") || same(rest, "B")))) return 0;
  uint64_t factor = 1;
  for (const char *l = letters; l <= at; l++) factor *= unit == SPEC_BYTES ? 1024 : 1000;
  return factor;
}

/* Digits and a suffix: false when the text is anything else. */
static bool read_number(uint64_t *number, bool *over, struct slice text, enum spec_unit unit)
{
  size_t i = 0;
  *number = 0;
  *over = false;
  for (; i < text.n && text.text[i] >= '0' && text.text[i] <= '9'; i++) {
    *over |= __builtin_mul_overflow(*number, (uint64_t)10, number);
    *over |= __builtin_add_overflow(*number, (uint64_t)(text.text[i] - '0'), number);
  }
  uint64_t factor = i ? suffix_factor((struct slice){text.text + i, text.n - i}, unit) : 0;
  *over |= __builtin_mul_overflow(*number, factor, number);
  return factor != 0;
}

int spec_number(uint64_t *value, struct slice text, const struct spec_kind *kind, const char *place,
                struct pw_error *err)
{
  text = trim(text);
  if (kind->word && same(text, kind->word)) {
    *value = kind->word_value;
    return 0;
  }
  uint64_t number;
  bool over;
  if (!read_number(&number, &over, text, kind->unit)) {
    if (kind->word)
      return pw_error_set(err, PW_EINVAL, "%s: '%.*s' is neither a number such as %s nor '%s'", place,
                          text.n > 100 ? 100 : (int)text.n, text.text,
                          kind->unit == SPEC_PLAIN ? "12" : "64 or 4K", kind->word);
    return bad(err, place, text,
               kind->unit == SPEC_PLAIN  ? "is not a whole number such as 12"
               : kind->unit == SPEC_BYTES ? "is not a whole number such as 4096, 4K or 64MiB"
                                          : "is not a whole number such as 500, 20K or 50M");
  }
  if (over) return bad(err, place, text, "is too large: it does not fit 64 bits");
  if (number < kind->least)
    return pw_error_set(err, PW_EINVAL, "%s: '%.*s' is too small: at least %ju%s%s", place, (int)text.n,
                        text.text, (uintmax_t)kind->least, kind->below ? ", or " : "",
                        kind->below ? kind->below : "");
  if (number > kind->most)
    return pw_error_set(err, PW_EINVAL, "%s: '%.*s' is too large: at most %ju", place, (int)text.n,
                        text.text, (uintmax_t)kind->most);
  *value = number;
  return 0;
}

static const char *find_dots(struct slice s)
{
  for (size_t i = 0; i + 1 < s.n; i++)
    if (s.text[i] == '.' && s.text[i + 1] == '.') return s.text + i;
  return NULL;
}

/* A range, cut into its parts. */
struct range {
  struct slice low, high, step; /* step is "1" when it is not given */
  bool times;                   /* step is a factor */
};

static struct range cut_range(struct slice item, const char *dots)
{
  struct range r = {.low = {item.text, (size_t)(dots - item.text)}, .step = {"1", 1}};
  r.high = (struct slice){dots + 2, item.n - r.low.n - 2};
  for (size_t i = 0; i < r.high.n; i++)
    if (r.high.text[i] == '+' || r.high.text[i] == '*') {
      r.times = r.high.text[i] == '*';
      r.step = (struct slice){r.high.text + i + 1, r.high.n - i - 1};
      r.high.n = i;
    }
  return r;
}

static bool is_number(struct slice text, enum spec_unit unit)
{
  uint64_t number;
  bool over;
  return read_number(&number, &over, trim(text), unit);
}

enum { FACTOR_DIGITS = 6, PAGE_BYTES = 4096 };

/* 2 or 1.25, as a fraction: false when the text is anything else. */
static bool read_factor(uint64_t *numerator, uint64_t *denominator, struct slice text)
{
  size_t digits = 0, behind = 0;
  bool dot = false;
  text = trim(text);
  *numerator = 0;
  *denominator = 1;
  for (size_t i = 0; i < text.n; i++) {
    char c = text.text[i];
    if (c == '.' && !dot && digits) {
      dot = true;
      continue;
    }
    if (c < '0' || c > '9' || digits++ == 12 || (dot && behind++ == FACTOR_DIGITS)) return false;
    *numerator = *numerator * 10 + (uint64_t)(c - '0');
    *denominator *= dot ? 10 : 1;
  }
  return digits && (!dot || behind);
}

/* The next value of a range with a factor, which rises: up to a whole number, of bytes from a page on to whole pages. False: there is none. */
static bool times(uint64_t *value, uint64_t numerator, uint64_t denominator, enum spec_unit unit)
{
  uint64_t next, rest = (*value % denominator * numerator + denominator - 1) / denominator; /* at most 10^6 times 10^12 */
  if (__builtin_mul_overflow(*value / denominator, numerator, &next) || __builtin_add_overflow(next, rest, &next)) return false;
  bool pages = unit == SPEC_BYTES && denominator > 1 && next > PAGE_BYTES;
  if (pages && __builtin_add_overflow(next, PAGE_BYTES - 1, &next)) return false;
  *value = pages ? next / PAGE_BYTES * PAGE_BYTES : next;
  return true;
}

/* lo..hi, lo..hi+step, lo..hi*factor; `dots` points at the two dots. */
static int parse_range(struct numbers *numbers, struct slice item, const char *dots,
                       const struct spec_kind *kind, const char *place, struct pw_error *err)
{
  struct spec_kind end_kind = *kind;
  end_kind.word = NULL;
  struct range r = cut_range(item, dots);
  struct spec_kind step_kind = {.unit = kind->unit, .most = UINT64_MAX};
  uint64_t lo, hi, step = 1, numerator = 1, denominator = 1;
  bool steps = r.times ? read_factor(&numerator, &denominator, r.step) : is_number(r.step, step_kind.unit);
  if (!is_number(r.low, kind->unit) || !is_number(r.high, kind->unit) || !steps)
    return bad(err, place, item, "is no range of numbers; its forms are lo..hi, lo..hi+step and lo..hi*factor, as in 16..64*2 or 1M..2M*1.1");
  if (spec_number(&lo, r.low, &end_kind, place, err) || spec_number(&hi, r.high, &end_kind, place, err) ||
      (!r.times && spec_number(&step, r.step, &step_kind, place, err)))
    return PW_EINVAL;
  if (r.times && numerator <= denominator) return bad(err, place, item, "never ends: the factor must be more than 1");
  if (step < 1) return bad(err, place, item, "never ends: the step must be at least 1");
  if (lo > hi) return bad(err, place, item, "is an empty range: write the lower end first");
  if (r.times && lo == 0) return bad(err, place, item, "never ends: a range with a factor starts at 1 or more");
  if (!r.times && (hi - lo) / step >= SPEC_MOST - numbers->n)
    return pw_error_set(err, PW_EINVAL, "%s: '%.*s' gives more than %u values: take a larger step", place,
                        (int)item.n, item.text, SPEC_MOST);
  for (uint64_t value = lo;;) {
    if (numbers->n >= SPEC_MOST) return pw_error_set(err, PW_EINVAL, "%s: '%.*s' gives more than %u values: take a larger factor", place, (int)item.n, item.text, SPEC_MOST);
    numbers_add(numbers, value);
    bool over = r.times ? !times(&value, numerator, denominator, kind->unit) : __builtin_add_overflow(value, step, &value);
    if (over || value > hi) return 0;
  }
}

int spec_numbers(struct numbers *numbers, struct slice text, const struct spec_kind *kind,
                 const char *place, struct pw_error *err)
{
  struct slice rest = text, item;
  while (slice_next(&rest, ',', &item)) {
    item = trim(item);
    if (item.n == 0) return bad(err, place, text, "has an empty place: write values between the commas");
    if (numbers->n >= SPEC_MOST)
      return pw_error_set(err, PW_EINVAL, "%s: more than %u values", place, SPEC_MOST);
    const char *dots = find_dots(item);
    uint64_t value;
    if (dots) {
      if (parse_range(numbers, item, dots, kind, place, err)) return PW_EINVAL;
    } else {
      if (spec_number(&value, item, kind, place, err)) return PW_EINVAL;
      numbers_add(numbers, value);
    }
  }
  return 0;
}

int spec_policies(struct numbers *numbers, struct slice text, enum pw_list list, const char *place,
                  struct pw_error *err)
{
  struct slice rest = text, item;
  while (slice_next(&rest, ',', &item)) {
    item = trim(item);
    char name[32];
    if (item.n == 0 || item.n >= sizeof name) return bad(err, place, item, "is not the name of a policy");
    memcpy(name, item.text, item.n);
    name[item.n] = '\0';
    struct pw_list_entry entry;
    size_t index = 0;
    while (pw_list_entry(list, index, &entry) && strcmp(entry.name, name) != 0) index++;
    bool known = pw_list_entry(list, index, &entry);
    const char *near = known ? NULL : nearest_entry(list, name);
    if (near)
      return pw_error_set(err, PW_EINVAL, "%s: there is no policy '%s'; did you mean %s?", place, name, near);
    if (!known)
      return bad(err, place, item, "is not the name of a policy; pagewalk list policies shows them");
    if (numbers->n >= SPEC_MOST) return pw_error_set(err, PW_EINVAL, "%s: more than %u values", place, SPEC_MOST);
    numbers_add(numbers, index);
  }
  return 0;
}

static uint32_t *copy_u32(const struct numbers *numbers)
{
  uint32_t *copy = heap_zero(numbers->n, sizeof *copy);
  for (size_t i = 0; i < numbers->n; i++) copy[i] = (uint32_t)numbers->values[i];
  return copy;
}

void tlb_specs_add(struct tlb_specs *specs, const struct numbers *entries, const struct numbers *ways,
                   const struct numbers *policies)
{
  int *indices = heap_zero(policies->n, sizeof *indices);
  for (size_t i = 0; i < policies->n; i++) indices[i] = (int)policies->values[i];
  specs->items = heap_grow(specs->items, &specs->room, specs->n + 1, sizeof *specs->items);
  specs->items[specs->n++] = (struct pw_tlb_spec){
      .n_entries = entries->n, .n_ways = ways->n, .n_policies = policies->n,
      .entries = copy_u32(entries), .ways = copy_u32(ways), .policies = indices};
}

void tlb_specs_clear(struct tlb_specs *specs)
{
  for (size_t i = 0; i < specs->n; i++) {
    free((void *)(uintptr_t)specs->items[i].entries);
    free((void *)(uintptr_t)specs->items[i].ways);
    free((void *)(uintptr_t)specs->items[i].policies);
  }
  free(specs->items);
  *specs = (struct tlb_specs){0};
}

/* One specification: none, or ENTRIES[:WAYS[:POLICY]]. */
static int parse_tlb(struct tlb_specs *specs, struct slice spec, const char *place, struct pw_error *err)
{
  static const struct spec_kind entries_kind = {
      .unit = SPEC_BYTES, .least = 1, .most = UINT32_MAX, .below = "none for no TLB"};
  static const struct spec_kind ways_kind = {
      .unit = SPEC_BYTES, .least = 1, .most = UINT32_MAX, .word = "full", .word_value = 0};
  struct numbers entries = {0}, ways = {0}, policies = {0};
  struct slice rest = spec, part;
  int status = 0;
  bool none = same(spec, "none");
  if (none) numbers_add(&entries, 0);
  for (int i = 0; !none && status == 0 && slice_next(&rest, ':', &part); i++) {
    part = trim(part);
    if (part.n == 0 || i > 2)
      status = bad(err, place, spec, "is not of the form ENTRIES[:WAYS[:POLICY]], such as 64:4:lru, or none");
    else if (i == 0)
      status = spec_numbers(&entries, part, &entries_kind, place, err);
    else if (i == 1)
      status = spec_numbers(&ways, part, &ways_kind, place, err);
    else
      status = spec_policies(&policies, part, PW_LIST_TLB_POLICIES, place, err);
  }
  if (!ways.n) numbers_add(&ways, 0);
  if (!policies.n) numbers_add(&policies, (uint64_t)pw_tlb_policy_find("lru"));
  if (status == 0) tlb_specs_add(specs, &entries, &ways, &policies);
  numbers_clear(&entries);
  numbers_clear(&ways);
  numbers_clear(&policies);
  return status;
}

int spec_tlbs(struct tlb_specs *specs, const struct words *words, struct pw_error *err)
{
  for (size_t i = 0; i < words->n; i++) {
    struct slice rest = {words->items[i], strlen(words->items[i])}, spec;
    while (slice_next(&rest, ';', &spec))
      if (parse_tlb(specs, trim(spec), words->place, err)) return PW_EINVAL;
  }
  return 0;
}
