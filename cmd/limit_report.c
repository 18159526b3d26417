/* What validate --memory prints: a limit's cost as predicted, and in each run of the kernel. See validate_report.h. */
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "heap.h"
#include "say.h"
#include "validate_report.h"

enum { UNJUDGED_PERCENT = 5 }; /* the kernel's own runs differ by more */

static const struct {
  const char *name, *words;
  size_t offset;
  bool bytes, differs; /* differs: it is measured and predicted alike, so that a difference means something */
} quantities[] = {
#define AT(NAME) offsetof(struct pw_limited, NAME)
    {"major_faults", "major faults", AT(major_faults), false, true},
    {"swap_ins", "swap-ins", AT(swap_ins), false, true},
    {"swap_outs", "swap-outs", AT(swap_outs), false, true},
    {"refaults", "refaults", AT(refaults), false, true},
    {"activations", "of them active", AT(activations), false, true},
    {"minor_faults", "minor faults", AT(minor_faults), false, true},
    {"thp_swap_outs", "2 MiB swapped whole", AT(thp_swap_outs), false, true},
    {"peak_bytes", "charged at most", AT(peak_bytes), true, true},
    {"kernel_bytes", "for the kernel", AT(kernel_bytes), true, true},
    {"table_bytes", "page tables", AT(table_bytes), true, true},
    {"huge_bytes", "huge pages", AT(huge_bytes), true, true},
    {"file_bytes", "page cache", AT(file_bytes), true, false},
    {"oom_kills", "killed", AT(oom_kills), false, true}};
enum { N_QUANTITIES = sizeof quantities / sizeof *quantities };

static uint64_t value(const struct pw_limited *l, size_t i)
{
  uint64_t n;
  memcpy(&n, (const char *)l + quantities[i].offset, sizeof n);
  return n;
}

struct measured {
  uint64_t least, most;
  double mean, spread, off; /* spread and off: percent of the mean */
};

/* A run that was killed where the prediction kills nobody ended early, by counters that were behind: it is told of, and not measured by. */
static bool ended_early(const struct pw_limit_validation *v, unsigned run)
{
  return v->polled[run].oom_kills && !v->predicted.oom_kills;
}

static unsigned whole_runs(const struct pw_limit_validation *v)
{
  unsigned n = 0;
  for (unsigned k = 0; k < v->n_polled; k++) n += !ended_early(v, k);
  return n;
}

static struct measured measure(const struct pw_limit_validation *v, size_t i)
{
  struct measured m = {.least = UINT64_MAX};
  double sum = 0;
  unsigned n_whole = whole_runs(v), n_runs = 0;
  for (unsigned k = 0; k < v->n_polled; k++) {
    uint64_t n = value(&v->polled[k], i);
    if (n_whole && ended_early(v, k) && quantities[i].offset != AT(oom_kills)) continue;
    n_runs++;
    m.least = n < m.least ? n : m.least;
    m.most = n > m.most ? n : m.most;
    sum += (double)n;
  }
  m.mean = sum / (n_runs ? n_runs : 1);
  double whole = m.mean > 0 ? m.mean : 1;
  m.spread = 100 * (double)(m.most - m.least) / whole;
  m.off = 100 * ((double)value(&v->predicted, i) - m.mean) / whole;
  return m;
}

static const char *show(char text[32], size_t i, uint64_t n)
{
  if (quantities[i].bytes) human_bytes(text, 32, n);
  else human_count(text, 32, n);
  return text;
}

static void print_line(const struct pw_limit_validation *v, size_t i)
{
  char a[32], b[32], c[32];
  struct measured m = measure(v, i);
  uint64_t predicted = value(&v->predicted, i);
  if (!predicted && !m.most) return;
  printf("%-20s %12s %12s %12s", quantities[i].words, quantities[i].differs ? show(a, i, predicted) : "", show(b, i, m.least), show(c, i, m.most));
  if (quantities[i].differs) printf(" %+9.1f %%", m.off);
  if (quantities[i].differs && m.spread > UNJUDGED_PERCENT) printf("   runs differ by %.0f %%", m.spread);
  putchar('\n');
}

void validate_limit_text(const struct pw_limit_options *o, const struct pw_limit_validation *v)
{
  char a[32], b[32];
  human_bytes(a, sizeof a, o->memory_bytes);
  human_bytes(b, sizeof b, o->swap_bytes);
  printf("A limit of %s, swap of %s on zram, swappiness %u; %u run%s with counters kept fresh\n\n", a, o->swap_bytes ? b : "nothing", v->swappiness,
         v->n_polled, v->n_polled == 1 ? "" : "s");
  printf("%-20s %12s %12s %12s %11s\n", "", "predicted", "least", "most", "off by");
  for (size_t i = 0; i < N_QUANTITIES; i++) print_line(v, i);
  human_count(a, sizeof a, v->more.major_faults);
  human_count(b, sizeof b, v->fewer.major_faults);
  printf("\n24 pages more or less change the prediction to %s or %s major faults.\n", a, b);
  human_count(a, sizeof a, v->lru.major_faults);
  human_count(b, sizeof b, v->clock.major_faults);
  printf("Exact LRU would take %s, CLOCK %s.\n", a, b);
  human_count(a, sizeof a, v->unpolled.major_faults);
  printf("A run whose counters nobody read had %s%s.\n", a, v->unpolled.oom_kills ? " and was killed" : "");
  struct measured files = measure(v, N_QUANTITIES - 2);
  if (files.most > o->memory_bytes / 100) say_note("the program brought files into its group, which the recording does not show: the prediction is of less");
  for (unsigned k = 0; k < v->n_polled; k++)
    if (ended_early(v, k)) say_note("run %u was killed after %" PRIu64 " major faults, with swap free: the kernel's counters were behind; it is not measured by", k + 1, v->polled[k].major_faults);
  if (v->damon) say_note("DAMON reclaims on this system too, by rules of its own");
  for (unsigned k = 0; k < v->n_polled; k++)
    if (v->polled[k].signal && !v->polled[k].oom_kills) say_note("run %u was ended by signal %d", k + 1, v->polled[k].signal);
}

void validate_limit_csv(FILE *out, const struct words *program, const struct pw_limit_options *o, const struct pw_limit_validation *v)
{
  char *text = validate_program(program);
  fputs("program,memory_bytes,swap_bytes,quantity,predicted,with_24_fewer,with_24_more,measured,difference_percent,spread_percent,unpolled,lru,clock", out);
  for (unsigned k = 0; k < v->n_polled; k++) fprintf(out, ",run_%u", k + 1);
  fputc('\n', out);
  for (size_t i = 0; i < N_QUANTITIES; i++) {
    struct measured m = measure(v, i);
    pw_csv_write_text(out, text);
    fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%s", o->memory_bytes, o->swap_bytes, quantities[i].name);
    if (quantities[i].differs)
      fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%.9g,%.6g", value(&v->predicted, i), value(&v->fewer, i), value(&v->more, i), m.mean, m.off);
    else
      fprintf(out, ",,,,%.9g,", m.mean);
    fprintf(out, ",%.6g,%" PRIu64, m.spread, value(&v->unpolled, i));
    if (quantities[i].differs) fprintf(out, ",%" PRIu64 ",%" PRIu64, value(&v->lru, i), value(&v->clock, i));
    else fputs(",,", out);
    for (unsigned k = 0; k < v->n_polled; k++) fprintf(out, ",%" PRIu64, value(&v->polled[k], i));
    fputc('\n', out);
  }
  free(text);
}
