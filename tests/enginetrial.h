/* A trial: one trace, one pack of configurations, and every way to run them.
 *
 * The direct engine with one job says what the numbers are. One pass, with either build of its loops, several
 * jobs and other company in the pack must all give the same, field by field; a trial that fails prints what
 * repeats it (and with PW_KEEP=FILE.pwt leaves its trace). */
#ifndef ENGINETRIAL_H
#define ENGINETRIAL_H

#include "longtrace.h"
#include "sweep/loops.h"

enum { MAX_CONFIGS = 32 };

static inline uint64_t from_environment(const char *name, uint64_t otherwise)
{
  const char *text = getenv(name);
  return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

struct pack {
  size_t n;
  struct pw_config configs[MAX_CONFIGS];
};

struct trial {
  const char *name;
  uint64_t seed;
  struct style style;
  struct long_trace trace;
  size_t file_bytes;                      /* less than the file's, for a trace that was cut off */
  struct pack pack;
  struct pw_trace_options window;
  struct pw_run_options options;
  struct pw_result want[MAX_CONFIGS];     /* the direct engine, one job */
  int status;
  struct pw_error err;
};

/* What the trials met; too little of it would make them too easy. */
static struct {
  uint64_t rows, one_pass_due, joint_due, fallbacks, unfit, major_faults, swap_outs, stlb_misses;
} met;

static const struct {
  const char *name;
  size_t at;
} fields[] = {
#define FIELD(name) {#name, offsetof(struct pw_result, name)}
    FIELD(counted.fetches), FIELD(counted.loads),  FIELD(counted.stores), FIELD(itlb_misses),    FIELD(dtlb_misses),
    FIELD(stlb_lookups),    FIELD(stlb_misses),    FIELD(walks),          FIELD(walk_refs),      FIELD(minor_faults),
    FIELD(major_faults),    FIELD(swap_outs),      FIELD(resident_bytes), FIELD(touched_bytes), FIELD(table_bytes),
};
enum { N_FIELDS = sizeof fields / sizeof *fields };
_Static_assert(sizeof(struct pw_result) == N_FIELDS * 8 + 8, "a field of pw_result is not compared");

static inline unsigned long long field(const struct pw_result *r, size_t number)
{
  uint64_t value;
  memcpy(&value, (const char *)r + fields[number].at, sizeof value);
  return value;
}

static inline bool same_numbers(const struct pw_result *a, const struct pw_result *b)
{
  if (a->unfit || b->unfit) return a->unfit == b->unfit; /* then no number is valid */
  for (size_t i = 0; i < N_FIELDS; i++)
    if (field(a, i) != field(b, i)) return false;
  return true;
}

static inline void print_tlb(const char *name, const struct pw_tlb_config *c)
{
  struct pw_list_entry policy = {"?", NULL};
  pw_list_entry(PW_LIST_TLB_POLICIES, (size_t)c->policy, &policy);
  if (c->entries == 0) print_error(", no %s", name);
  else print_error(", %s %u:%u:%s", name, c->entries, c->ways, policy.name);
}

static inline void print_config(const struct pw_config *c)
{
  struct pw_list_entry policy = {"?", NULL};
  pw_list_entry(PW_LIST_MEMORY_POLICIES, (size_t)c->memory_policy, &policy);
  print_error("  pages 2^%u, table %s", c->page_shift, c->geometry->name);
  print_tlb("ITLB", &c->itlb);
  print_tlb("DTLB", &c->dtlb);
  print_tlb("STLB", &c->stlb);
  if (c->memory_bytes == PW_UNLIMITED) print_error(", unlimited memory\n");
  else print_error(", %llu frames (%llu bytes) %s\n", (unsigned long long)(c->memory_bytes >> c->page_shift),
                   (unsigned long long)c->memory_bytes, policy.name);
}

static inline void print_trial(const struct trial *t)
{
  static const char *const streams[] = {"both", "fetch", "data"};
  const struct style *s = &t->style;
  print_error("%s, seed %llu: %u accesses, %u data pages (walk %d), %u code pages (walk %d), layout %d, stride %u, sharing %d, "
              "wide %d, an event in %u, %u processes, maps %d, calls %d\n",
              t->name, (unsigned long long)t->seed, s->n_accesses, s->n_pages[0], s->walk[0], s->n_pages[1], s->walk[1], s->layout,
              s->stride, s->sharing, s->wide, s->event_every, s->n_processes, s->maps, s->calls);
  print_error("  only %s, asid %s, seed %llu, skip %llu, limit %llu, warmup %llu\n", streams[t->options.only],
              t->options.no_asid ? "off" : "on", (unsigned long long)t->options.seed, (unsigned long long)t->window.skip,
              (unsigned long long)t->window.limit, (unsigned long long)t->window.warmup);
}

static inline void print_difference(const struct trial *t, const char *how, size_t number, const struct pw_result *got)
{
  const struct pw_result *want = &t->want[number];
  print_trial(t);
  print_error("  %s, configuration %zu of %zu:\n", how, number, t->pack.n);
  print_config(&t->pack.configs[number]);
  print_error("  %-16s %20s %20s\n", "", "direct", got->one_pass ? "one-pass" : "not one-pass");
  for (size_t i = 0; i < N_FIELDS; i++)
    print_error("%c %-16s %20llu %20llu\n", field(want, i) == field(got, i) ? ' ' : '*', fields[i].name, field(want, i), field(got, i));
  print_error("  %-16s %20d %20d\n", "unfit", want->unfit, got->unfit);
}

static inline int run_part(const struct trial *t, size_t first, size_t n, enum pw_engine_choice engine, unsigned jobs,
                    struct pw_result *results, struct pw_error *err)
{
  struct pw_run_options options = t->options;
  struct pw_trace *trace;
  options.engine = engine;
  options.jobs = jobs;
  memset(err, 0, sizeof *err);
  memset(results, 0xA5, n * sizeof *results); /* what is not filled in differs */
  int status = pw_trace_open_memory(&trace, "T", t->trace.file.bytes, t->file_bytes, &t->window, err);
  if (status) return status;
  status = pw_run(trace, t->pack.configs + first, n, &options, results, err);
  pw_trace_close(trace);
  return status;
}

/* ---- what repeats a failure ---- */

/* The configuration by itself: the smallest limit of accesses at which the engines disagree. */
static inline void print_smallest(const struct trial *t, size_t number)
{
  struct trial own = *t;
  struct pw_result want, got;
  struct pw_error err;
  uint64_t low = t->window.warmup, high = t->trace.n_accesses + 1; /* they agree at low, and maybe not at high */
  bool ever = false;
  while (low + 1 < high) {
    own.window.limit = low + (high - low) / 2;
    int status = run_part(&own, number, 1, PW_ENGINE_DIRECT, 1, &want, &err);
    if (status >= 0) status = run_part(&own, number, 1, PW_ENGINE_AUTO, 1, &got, &err);
    bool differ = status >= 0 && !same_numbers(&want, &got);
    ever |= differ;
    if (differ) high = own.window.limit;
    else low = own.window.limit;
  }
  if (ever) print_error("  alone and with one job it first differs at --limit %llu\n", (unsigned long long)high);
  else print_error("  alone, with one job and a limit it does not differ\n");
}

/* PW_KEEP=FILE.pwt keeps the trace for the command. */
static inline void keep_trace(const struct trial *t)
{
  const char *path = getenv("PW_KEEP");
  FILE *f = path && *path ? fopen(path, "wb") : NULL;
  if (!f) return;
  fwrite(t->trace.file.bytes, 1, t->file_bytes, f);
  fclose(f);
  print_error("  the trace is in %s\n", path);
}

/* ---- what must be answered in one pass ---- */

static inline bool is_lru(const struct pw_tlb_config *c)
{
  return c->entries == 0 || c->policy == 0;
}

/* The ways in which pages are touched that the run looks at; see shared_pages. */
static inline unsigned looked_at(const struct trial *t)
{
  unsigned ways = t->options.only == PW_STREAM_BOTH ? 7 : t->options.only == PW_STREAM_FETCH ? 2 : 5;
  return t->window.ignore_kernel ? ways & 3 : ways;
}

/* Then TLBs over a finite LRU memory are not simulated in one pass. */
static inline bool shares_pages(const struct trial *t, unsigned page_shift)
{
  size_t pages;
  bool moves_parts = !t->window.ignore_events && t->trace.distances & ((UINT64_C(1) << page_shift) - 1); /* not by a visit */
  return t->trace.forks || moves_parts || shared_pages(&t->trace, page_shift, looked_at(t), &pages) > 0;
}

static inline bool one_pass_is_due(const struct trial *t, const struct pw_config *c)
{
  if (!is_lru(&c->itlb) || !is_lru(&c->dtlb) || !is_lru(&c->stlb)) return false;
  if (c->memory_bytes == PW_UNLIMITED) return true;
  if (c->memory_policy != 0) return false;
  if (c->itlb.entries + c->dtlb.entries + c->stlb.entries == 0) return true;
  if (c->stlb.entries) return false;
  bool shared = shares_pages(t, c->page_shift);
  met.joint_due += !shared;
  met.fallbacks += shared;
  return !shared;
}

static inline int check_engine_column(const struct trial *t, const struct pw_result *got)
{
  int wrong = 0;
  for (size_t i = 0; i < t->pack.n && t->status >= 0 && wrong < 3; i++) {
    bool due = !t->want[i].unfit && one_pass_is_due(t, &t->pack.configs[i]);
    met.one_pass_due += due;
    if (t->want[i].one_pass) {
      wrong++;
      print_difference(t, "the direct engine calls its row one-pass", i, &got[i]);
    } else if (due && !got[i].one_pass) {
      wrong++;
      print_difference(t, "one pass could answer this row, and did not", i, &got[i]);
    }
  }
  return wrong;
}

/* The plan says how many rows of a page size come from one pass: no fewer do, but where both streams share a page or processes share frames. */
static inline int check_explanation(const struct trial *t, const struct pw_result *got)
{
  struct pw_run_options options = t->options;
  struct pw_explained *groups;
  size_t n, planned[64] = {0}, answered[64] = {0}, all = 0;
  options.engine = PW_ENGINE_AUTO;
  assert_int_equal(pw_explain(t->pack.configs, t->pack.n, &options, &groups, &n, NULL), 0);
  for (size_t i = 0; i < n; i++) {
    all += groups[i].n_configs;
    if (groups[i].one_pass) planned[groups[i].page_shift] += groups[i].n_configs;
  }
  pw_explained_free(groups);
  assert_int_equal(all, t->pack.n);
  for (size_t i = 0; i < t->pack.n && t->status >= 0; i++) answered[t->pack.configs[i].page_shift] += got[i].one_pass;
  for (unsigned shift = 0; shift < 64 && t->status >= 0; shift++) {
    if (planned[shift] == answered[shift]) continue;
    if (shares_pages(t, shift) && answered[shift] < planned[shift]) continue;
    print_trial(t);
    print_error("  pages 2^%u: %zu rows were to come from one pass, and %zu did\n", shift, planned[shift], answered[shift]);
    return 1;
  }
  return 0;
}

/* ---- the property ---- */

static inline int compare(const struct trial *t, const char *how, size_t first, size_t n, const struct pw_result *got, int status,
                   const struct pw_error *err)
{
  int wrong = 0;
  bool whole = n == t->pack.n; /* a part of the pack may be less unfit */
  if ((whole || t->status < 0) && (status != t->status || strcmp(err->text, t->err.text))) {
    print_trial(t);
    print_error("  %s: status %d (%s), direct %d (%s)\n", how, status, err->text, t->status, t->err.text);
    return 1;
  }
  if (status < 0) return 0;
  for (size_t i = 0; i < n && wrong < 3; i++) {
    if (same_numbers(&t->want[first + i], &got[i])) continue;
    wrong++;
    print_difference(t, how, first + i, &got[i]);
    print_smallest(t, first + i);
  }
  if (wrong) keep_trace(t);
  return wrong;
}

static inline int compare_jobs(const struct trial *t, const struct pw_result *alone)
{
  static const unsigned jobs[] = {2, 4};
  struct pw_result got[MAX_CONFIGS];
  struct pw_error err;
  int wrong = 0;
  for (size_t k = 0; k < 2 && !wrong; k++) {
    int status = run_part(t, 0, t->pack.n, PW_ENGINE_AUTO, jobs[k], got, &err);
    wrong = compare(t, k ? "4 jobs" : "2 jobs", 0, t->pack.n, got, status, &err);
    for (size_t i = 0; i < t->pack.n && status >= 0; i++) {
      if (got[i].one_pass == alone[i].one_pass) continue;
      wrong++;
      print_difference(t, "the engine depends on the jobs", i, &got[i]);
    }
  }
  int status = run_part(t, 0, t->pack.n, PW_ENGINE_DIRECT, 2, got, &err);
  return wrong + compare(t, "direct with 2 jobs", 0, t->pack.n, got, status, &err);
}

/* The loops with AVX2 and those for every processor: both must stand before the direct engine. */
static inline int compare_kernels(const struct trial *t)
{
  struct pw_result got[MAX_CONFIGS];
  struct pw_error err;
  pw_loops_force_portable(true);
  assert_string_equal(pw_loops()->name, "portable");
  int status = run_part(t, 0, t->pack.n, PW_ENGINE_AUTO, 1, got, &err);
  int wrong = compare(t, "the portable kernel", 0, t->pack.n, got, status, &err);
  pw_loops_force_portable(false);
  return wrong;
}

static inline void note_what_was_met(const struct trial *t)
{
  for (size_t i = 0; i < t->pack.n && t->status >= 0; i++) {
    const struct pw_result *r = &t->want[i];
    met.rows++;
    met.unfit += r->unfit;
    if (r->unfit) continue;
    met.major_faults += r->major_faults;
    met.swap_outs += r->swap_outs;
    met.stlb_misses += r->stlb_misses;
  }
}

/* Runs the trial every way; the number of complaints. */
static inline int hold(struct trial *t)
{
  struct pw_result got[MAX_CONFIGS], single;
  struct pw_error err;
  uint64_t r = pw_random_seed(t->seed, 54);
  t->status = run_part(t, 0, t->pack.n, PW_ENGINE_DIRECT, 1, t->want, &t->err);
  note_what_was_met(t);
  int status = run_part(t, 0, t->pack.n, PW_ENGINE_AUTO, 1, got, &err);
  int wrong = compare(t, "the pack", 0, t->pack.n, got, status, &err);
  if (wrong) return wrong;
  wrong = check_engine_column(t, got) + check_explanation(t, got) + compare_kernels(t) + compare_jobs(t, got);
  size_t one = pw_random_below(&r, (uint32_t)t->pack.n); /* who else is in the pack changes nothing */
  status = run_part(t, one, 1, PW_ENGINE_AUTO, 1, &single, &err);
  return wrong + compare(t, "alone", one, 1, &single, status, &err);
}

static inline void start_trial(struct trial *t, const char *name, uint64_t seed)
{
  t->name = name;
  t->seed = seed;
  long_trace_make(&t->trace, &t->style, seed);
  t->file_bytes = t->trace.file.n;
}

#endif
