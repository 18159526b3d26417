/* Curves for people and programs: CSV rows, tables, and answers to --target. */
#include "curve_report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "say.h"

const char *const curve_names[] = {
    [PW_CURVE_DTLB] = "dtlb", [PW_CURVE_ITLB] = "itlb", [PW_CURVE_STLB] = "stlb", [PW_CURVE_MEMORY] = "memory", NULL};

/* What is counted, in words. */
static const struct words_of {
  const char *article, *name; /* "a DTLB of 64 entries keeps", "no DTLB keeps" */
  const char *misses, *lookups, *lookup;
} words_of[] = {
    [PW_CURVE_DTLB] = {"a", "DTLB", "misses", "loads and stores", "load or store"},
    [PW_CURVE_ITLB] = {"an", "ITLB", "misses", "fetches", "fetch"},
    [PW_CURVE_STLB] = {"an", "STLB", "misses", "second-level lookups", "second-level lookup"},
    [PW_CURVE_MEMORY] = {"", "memory", "faults", "accesses", "access"},
};

static bool has_memory(const struct curve_set *set)
{
  for (size_t i = 0; i < set->n_configs; i++)
    if (set->configs[i].of == PW_CURVE_MEMORY) return true;
  return false;
}

static void write_row(FILE *out, const char *trace, const struct pw_curve_config *config, const struct pw_curve *curve,
                      const struct pw_curve_point *point, bool memory)
{
  pw_csv_write_text(out, trace);
  fprintf(out, ",%s,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",", curve_names[config->of], UINT64_C(1) << config->page_shift,
          point->entries, point->misses);
  if (curve->lookups) fprintf(out, "%.9g", (double)point->misses / (double)curve->lookups);
  if (memory) putc(',', out);
  if (config->of == PW_CURVE_MEMORY) fprintf(out, "%" PRIu64, point->swap_outs);
  putc('\n', out);
}

int curve_csv_write(FILE *out, const struct curve_set *set, struct pw_error *err)
{
  bool memory = has_memory(set);
  fprintf(out, "trace,of,page_bytes,entries,misses,miss_rate%s\n", memory ? ",swap_outs" : "");
  for (size_t i = 0; i < set->n_jobs; i++)
    for (size_t q = 0; set->jobs[i].state == JOB_DONE && q < set->n_configs; q++) {
      const struct pw_curve *curve = &set->curves[i * set->n_configs + q];
      for (size_t p = 0; p < curve->n_points; p++)
        write_row(out, set->jobs[i].path, &set->configs[q], curve, &curve->points[p], memory);
    }
  if (!ferror(out)) return 0;
  return pw_error_set(err, PW_EIO, "a row of curves cannot be written: %s; free some room and run again", strerror(errno));
}

static void tlb_text(char *text, size_t n_text, const char *name, const struct pw_tlb_config *tlb)
{
  if (!tlb->entries)
    snprintf(text, n_text, "no %s", name);
  else if (tlb->ways == tlb->entries)
    snprintf(text, n_text, "%s %u:full", name, tlb->entries);
  else
    snprintf(text, n_text, "%s %u:%u", name, tlb->entries, tlb->ways);
}

static void print_heading(const char *path, const struct pw_curve_config *config, const struct pw_curve *curve)
{
  char trace[1024], page[32], lookups[32], itlb[40], dtlb[40];
  const struct words_of *words = &words_of[config->of];
  text_printable(trace, sizeof trace, strcmp(path, "-") == 0 ? "standard input" : path);
  human_bytes(page, sizeof page, UINT64_C(1) << config->page_shift);
  human_count(lookups, sizeof lookups, curve->lookups);
  if (config->of == PW_CURVE_MEMORY)
    printf("%s: faults of LRU memory, %s pages", trace, page);
  else
    printf("%s: misses of a fully associative LRU %s, %s pages", trace, words->name, page);
  if (config->of == PW_CURVE_STLB) {
    tlb_text(itlb, sizeof itlb, "ITLB", &config->itlb);
    tlb_text(dtlb, sizeof dtlb, "DTLB", &config->dtlb);
    printf(", behind %s and %s", itlb, dtlb);
  }
  printf(", %s %s\n", lookups, words->lookups);
}

static void million_text(char *text, size_t n_text, double rate)
{
  if (rate >= 0.01)
    human_count(text, n_text, (uint64_t)(rate * 1e6 + 0.5));
  else
    snprintf(text, n_text, "%.4g", rate * 1e6);
}

/* A miss rate in per cent, faults in so many a million. */
static void rate_text(char *text, size_t n_text, const struct pw_curve *curve, uint64_t misses, bool memory)
{
  double rate = (double)misses / (double)curve->lookups;
  if (!curve->lookups)
    snprintf(text, n_text, "-");
  else if (memory)
    million_text(text, n_text, rate);
  else
    snprintf(text, n_text, "%.4g %%", rate * 100);
}

static void print_row(const struct pw_curve_config *config, const struct pw_curve *curve, uint64_t size,
                      const struct pw_curve_point *point, bool knee)
{
  char entries[32], bytes[32], misses[32], rate[32], swap_outs[32];
  bool memory = config->of == PW_CURVE_MEMORY;
  human_count(entries, sizeof entries, size);
  human_bytes(bytes, sizeof bytes, size << config->page_shift);
  human_count(misses, sizeof misses, point->misses);
  human_count(swap_outs, sizeof swap_outs, point->swap_outs);
  rate_text(rate, sizeof rate, curve, point->misses, memory);
  if (memory)
    printf("  %12s %11s %15s %13s %14s%s\n", entries, bytes, misses, rate, swap_outs, knee ? "  knee" : "");
  else
    printf("  %12s %15s %13s%s\n", entries, misses, rate, knee ? "  knee" : "");
}

static void print_table(const char *path, const struct pw_curve_config *config, const struct pw_curve *curve)
{
  const struct pw_curve_point *points = curve->points;
  uint64_t last = points[curve->n_points - 1].entries, knee = pw_curve_knee(curve);
  print_heading(path, config, curve);
  if (config->of == PW_CURVE_MEMORY)
    printf("  %12s %11s %15s %13s %14s\n", "frames", "memory", "faults", "per million", "written back");
  else
    printf("  %12s %15s %13s\n", "entries", "misses", "miss rate");
  size_t at = 0;
  for (uint64_t size = points[0].entries; size <= last;) {
    while (at + 1 < curve->n_points && points[at + 1].entries <= size) at++;
    print_row(config, curve, size, &points[at], size == knee);
    if (size == last) break;
    uint64_t next = UINT64_C(1) << (64 - __builtin_clzll(size)); /* the next power of two */
    if (size < knee && knee < next) next = knee;
    size = next < last ? next : last;
  }
}

void curve_tables_print(const struct curve_set *set)
{
  bool first = true;
  for (size_t i = 0; i < set->n_jobs; i++)
    for (size_t q = 0; set->jobs[i].state == JOB_DONE && q < set->n_configs; q++) {
      if (!first) putchar('\n');
      first = false;
      print_table(set->jobs[i].path, &set->configs[q], &set->curves[i * set->n_configs + q]);
    }
}

/* "at or under 50 per million accesses", in the unit that was given */
static void print_limit(const struct target *target, const struct words_of *words)
{
  printf("at or under %s", target->digits);
  switch (target->unit) {
  case TARGET_FRACTION: printf(" per %s", words->lookup); break;
  case TARGET_PERCENT: printf(" %% of %s", words->lookups); break;
  case TARGET_PPM: printf(" per million %s", words->lookups); break;
  case TARGET_SECOND: case TARGET_RUN: break; /* of `system` alone */
  }
}

static void print_unmet(const struct pw_curve *curve, const struct words_of *words, const struct target *target)
{
  char count[32], million[32];
  uint64_t cold = curve->points[curve->n_points - 1].misses;
  double rate = (double)cold / (double)curve->lookups;
  human_count(count, sizeof count, cold);
  million_text(million, sizeof million, rate);
  printf("no %s keeps %s ", words->name, words->misses);
  print_limit(target, words);
  printf(": first touches alone are %s %s, ", count, words->misses);
  switch (target->unit) {
  case TARGET_FRACTION: printf("%.4g per %s\n", rate, words->lookup); break;
  case TARGET_PERCENT: printf("%.4g %%\n", rate * 100); break;
  case TARGET_PPM: printf("%s per million\n", million); break;
  case TARGET_SECOND: case TARGET_RUN: break;
  }
}

static void print_answer(const char *path, const struct pw_curve_config *config, const struct pw_curve *curve,
                         const struct target *target)
{
  char trace[1024], page[32], count[32], bytes[32];
  const struct words_of *words = &words_of[config->of];
  const struct pw_curve_point *point = target_find(target, curve);
  text_printable(trace, sizeof trace, strcmp(path, "-") == 0 ? "standard input" : path);
  human_bytes(page, sizeof page, UINT64_C(1) << config->page_shift);
  printf("%s: %s pages: ", trace, page);
  if (!curve->lookups) {
    printf("there are no %s, so there is no rate to keep\n", words->lookups);
    return;
  }
  if (!point) {
    print_unmet(curve, words, target);
    return;
  }
  human_count(count, sizeof count, point->entries);
  human_bytes(bytes, sizeof bytes, point->entries << config->page_shift);
  if (config->of == PW_CURVE_MEMORY)
    printf("%s frames (%s) keep faults ", count, bytes);
  else
    printf("%s %s of %s %s keeps misses ", words->article, words->name, count, point->entries == 1 ? "entry" : "entries");
  print_limit(target, words);
  putchar('\n');
}

void curve_targets_print(const struct curve_set *set, const struct target *target)
{
  for (size_t i = 0; i < set->n_jobs; i++)
    for (size_t q = 0; set->jobs[i].state == JOB_DONE && q < set->n_configs; q++)
      print_answer(set->jobs[i].path, &set->configs[q], &set->curves[i * set->n_configs + q], target);
}
