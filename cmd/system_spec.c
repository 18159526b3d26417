/* The options of `pagewalk system`, understood. See system_spec.h. */
#include "system_spec.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "heap.h"
#include "say.h"
#include "spec.h"
#include "system_file.h"

#define AT(setting) (offsetof(struct system_settings, of) + (setting) * sizeof(struct words))

const struct option_row system_machine_rows[] = {
    {"memory", 0, OPTION_WORDS, "SIZE...", AT(SYS_MEMORY), "all of RAM, the kernel included; at least 4M (needed)"},
    {"kernel", 0, OPTION_WORD, "SIZE", AT(SYS_KERNEL),
     "of it the kernel's image and fixed data (default 1 % of\nmemory, at least 1M)"},
    {"kernel-events", 0, OPTION_WORD, "FILE", AT(SYS_KERNEL_EVENTS),
     "slab caches and kernel frames as a kernel's tracepoints tell\n(text of tracefs or perf script; record --kernel-events)"},
    {"thp", 0, OPTION_WORDS, "MODE...", AT(SYS_THP),
     "huge pages: never, madvise, always (default madvise, but\nnever below 512M)"},
    {"hugetlb", 0, OPTION_WORDS, "PAGES...", AT(SYS_HUGETLB),
     "huge pages set aside at the start, for MAP_HUGETLB, such as\n2M=64 or 2M=64&1G=1 (default none)"},
    {"swap", 0, OPTION_WORDS, "SIZE|none...", AT(SYS_SWAP), "swap device (default none); its first page is its header"},
    {"swap-device", 0, OPTION_WORDS, "KIND...", AT(SYS_SWAP_DEVICE),
     "sync (default): at once, as zram; ssd or disk: pages that are\nwritten stay until then, and others are read ahead"},
    {"swap-latency", 0, OPTION_WORD, "N", AT(SYS_SWAP_LATENCY),
     "accesses until a page is written (default: ssd 1/10000,\ndisk 1/200 of a simulated second)"},
    {"page-cluster", 0, OPTION_WORD, "N", AT(SYS_PAGE_CLUSTER), "at most 2^N pages are read together (default 3)"},
    {"group-limit", 0, OPTION_WORDS, "SIZE...", AT(SYS_GROUP_LIMIT), "a memory cgroup around all processes (default none)"},
    {"reclaim", 0, OPTION_WORDS, "POLICY...", AT(SYS_RECLAIM),
     "who leaves when frames run out: linux (default), or of one list\nlru, fifo, clock, random; or none"},
    {"swappiness", 0, OPTION_WORDS, "N...", AT(SYS_SWAPPINESS), "how soon private memory leaves, 0 to 200 (default 60)"},
    {"watermark-scale", 0, OPTION_WORD, "N", AT(SYS_WATERMARK_SCALE), "between the watermarks, in ten-thousandths (default 10)"},
    {"min-free", 0, OPTION_WORD, "SIZE", AT(SYS_MIN_FREE), "the watermark min (default by the kernel's formula)"},
    {"oom", 0, OPTION_WORDS, "RULE...", AT(SYS_OOM),
     "who is killed: badness (default), classic (as Linux 2.6 did), or\nstop: nobody, the run ends"},
    {"page-cache", 0, OPTION_WORDS, "STATE...", AT(SYS_PAGE_CACHE), "warm (default) or cold: are mapped files in memory?"},
    {"faults", 0, OPTION_WORDS, "RULES...", AT(SYS_FAULTS), "linux (default), or plain: the account of pagewalk run"},
    {"layout", 0, OPTION_WORD, "ADDRESSES", AT(SYS_LAYOUT),
     "native (default): what record wrote lies where the kernel would\nput it; recorded: where the recorder did"},
    {"table", 0, OPTION_WORD, "NAME", AT(SYS_TABLE), "page table (default x86-64; pagewalk list tables)"},
    {"machine", 0, OPTION_WORD, "NAME", AT(SYS_MACHINE), "TLBs of a real processor (pagewalk list machines)"},
    {"itlb", 0, OPTION_WORD, "SPEC", AT(SYS_ITLB), "ENTRIES[:WAYS[:POLICY]][@SIZES], arrays joined by /, sizes by &"},
    {"dtlb", 0, OPTION_WORD, "SPEC", AT(SYS_DTLB), "such as 64:4@4K/32:4@2M; without @ an entry takes any size"},
    {"stlb", 0, OPTION_WORD, "SPEC", AT(SYS_STLB), "second level, or none"},
    {"asid", 0, OPTION_WORDS, "N|on|off...", AT(SYS_ASID),
     "address spaces that the TLBs tell apart (default 6);\non: all, off: each switch empties them"},
    {0}};

const struct option_row system_running_rows[] = {
    {"quantum", 0, OPTION_WORDS, "N...", AT(SYS_QUANTUM), "accesses of a turn (default 1M)"},
    {"rate", 0, OPTION_WORD, "N", AT(SYS_RATE), "accesses of a simulated second (default 1G): khugepaged's clock"},
    {"every", 0, OPTION_WORD, "N", AT(SYS_EVERY), "windows of N accesses for series.csv and buddy.csv (default:\n100 to 200 windows, of 1000 accesses times a power of 2)"},
    {"tell", 0, OPTION_WORD, "N", AT(SYS_TELL), "the first N faults, evictions, kills, splits and collapses in words"},
    {"seed", 0, OPTION_WORD, "N", AT(SYS_SEED), "seed of the random policies (default 1)"},
    {"jobs", 'j', OPTION_WORD, "N", AT(SYS_JOBS), "configurations at a time (default: one a processor)"},
    {"audit", 0, OPTION_FLAG, NULL, offsetof(struct system_settings, audit),
     "after each event and fault look whether every frame and\nobject has one owner: slow, for small computers"},
    {0}};

const char *system_setting_name(enum system_setting setting)
{
  const struct option_row *const tables[] = {system_machine_rows, system_running_rows};
  for (size_t t = 0; t < 2; t++)
    for (const struct option_row *row = tables[t]; row->name; row++)
      if (row->type != OPTION_FLAG && row->offset == AT(setting)) return row->name;
  return NULL;
}

void system_settings_clear(struct system_settings *s)
{
  for (int i = 0; i < SYS_SETTINGS; i++) words_clear(&s->of[i]);
}

void system_plan_clear(struct system_plan *plan)
{
  for (size_t i = 0; i < plan->n_texts; i++) free(plan->texts[i]);
  free(plan->texts);
  free(plan->programs);
  for (size_t i = 0; plan->labels && plan->settings && i < plan->n_configs; i++) {
    free(plan->labels[i]);
    free(plan->settings[i]);
  }
  free(plan->labels);
  free(plan->settings);
  free(plan->configs);
  *plan = (struct system_plan){0};
}

/* ---- single values ---- */

static const char *word_of(const struct system_settings *s, enum system_setting setting)
{
  return s->of[setting].n ? s->of[setting].items[s->of[setting].n - 1] : NULL;
}

static int number_of(const struct system_settings *s, enum system_setting setting, struct spec_kind kind, uint64_t *value,
                     struct pw_error *err)
{
  const char *word = word_of(s, setting);
  return word ? spec_number(value, (struct slice){word, strlen(word)}, &kind, s->of[setting].place, err) : 0;
}

/* All numbers of a list; those of `fallback` where it is not given. */
static int numbers_of(const struct system_settings *s, enum system_setting setting, struct spec_kind kind, struct numbers *numbers,
                      struct pw_error *err)
{
  int status = 0;
  const struct words *w = &s->of[setting];
  for (size_t i = 0; !status && i < w->n; i++)
    status = spec_numbers(numbers, (struct slice){w->items[i], strlen(w->items[i])}, &kind, w->place, err);
  return status;
}

static int none_of(const char *place, struct slice item, const char *const *names, struct pw_error *err)
{
  char *list = heap_text("%s", names[0]);
  for (size_t i = 1; names[i]; i++) {
    char *longer = heap_text("%s, %s", list, names[i]);
    free(list);
    list = longer;
  }
  int status = pw_error_set(err, PW_EINVAL, "%s: '%.*s' is none of %s", place, (int)item.n, item.text, list);
  free(list);
  return status;
}

static int choices_of(const struct system_settings *s, enum system_setting setting, const char *const *names, struct numbers *numbers,
                      struct pw_error *err)
{
  const struct words *w = &s->of[setting];
  for (size_t i = 0; i < w->n; i++) {
    struct slice rest = {w->items[i], strlen(w->items[i])}, item;
    while (slice_next(&rest, ',', &item)) {
      size_t k = 0;
      while (names[k] && (strlen(names[k]) != item.n || memcmp(names[k], item.text, item.n) != 0)) k++;
      if (!names[k]) return none_of(w->place, item, names, err);
      numbers_add(numbers, k);
    }
  }
  return 0;
}

/* ---- TLBs ---- */

/* 4K&2M, as bits. */
static int sizes_of(struct slice text, const char *place, unsigned *sizes, struct pw_error *err)
{
  static const char *const names[] = {"4K", "2M", "1G"};
  struct slice rest = text, item;
  *sizes = 0;
  while (slice_next(&rest, '&', &item)) {
    unsigned k = 0;
    while (k < 3 && (item.n != 2 || memcmp(names[k], item.text, 2) != 0)) k++;
    if (k == 3) return pw_error_set(err, PW_EINVAL, "%s: '%.*s' is none of the sizes 4K, 2M and 1G", place, (int)item.n, item.text);
    *sizes |= 1u << k;
  }
  return *sizes ? 0 : pw_error_set(err, PW_EINVAL, "%s: there is no size behind the @", place);
}

static int array_of(struct slice text, const char *place, struct pw_tlb_array *array, struct pw_error *err)
{
  const char *at = memchr(text.text, '@', text.n);
  struct slice spec = {text.text, at ? (size_t)(at - text.text) : text.n};
  char *copy = heap_text("%.*s", (int)spec.n, spec.text);
  struct words words = {0};
  struct tlb_specs specs = {0};
  snprintf(words.place, sizeof words.place, "%s", place);
  words_add(&words, copy);
  *array = (struct pw_tlb_array){.sizes = PW_ALL_SIZES};
  int status = spec_tlbs(&specs, &words, err);
  if (!status && at) status = sizes_of((struct slice){at + 1, text.n - spec.n - 1}, place, &array->sizes, err);
  if (!status && (specs.n != 1 || specs.items[0].n_entries != 1 || specs.items[0].n_ways != 1 || specs.items[0].n_policies != 1))
    status = pw_error_set(err, PW_EINVAL, "%s: '%s' is not one TLB; system takes lists of other options only", place, copy);
  if (!status) {
    const struct pw_tlb_spec *t = &specs.items[0];
    array->tlb = (struct pw_tlb_config){t->entries[0], t->ways[0] ? t->ways[0] : t->entries[0], t->policies[0]};
  }
  tlb_specs_clear(&specs);
  words_clear(&words);
  free(copy);
  return status;
}

static int tlb_of(const struct system_settings *s, enum system_setting setting, struct pw_tlb_array arrays[3], struct pw_error *err)
{
  const char *word = word_of(s, setting), *place = s->of[setting].place;
  struct slice rest = {word, word ? strlen(word) : 0}, item;
  int status = 0;
  size_t n = 0;
  if (!word) return 0;
  for (int i = 0; i < 3; i++) arrays[i] = (struct pw_tlb_array){0};
  while (!status && slice_next(&rest, '/', &item)) {
    if (n == 3) return pw_error_set(err, PW_EINVAL, "%s: more than three arrays", place);
    status = array_of(item, place, &arrays[n++], err);
  }
  return status;
}

static int machine_of(const struct system_settings *s, struct pw_sized_config *tlbs, struct pw_error *err)
{
  const char *word = word_of(s, SYS_MACHINE);
  struct pw_config config;
  struct pw_error why = {0};
  if (!word) return 0;
  pw_config_default(&config);
  if (pw_machine_find(&config, word, &why)) return pw_error_set(err, PW_EINVAL, "%s: %s", s->of[SYS_MACHINE].place, why.text);
  tlbs->itlb[0].tlb = config.itlb;
  tlbs->dtlb[0].tlb = config.dtlb;
  tlbs->stlb[0].tlb = config.stlb;
  return 0;
}

/* ---- the configurations ---- */

/* What may be a list, from what changes slowest. */
enum { MEMORY, GROUP_LIMIT, SWAP, SWAP_DEVICE, RECLAIM, SWAPPINESS, OOM, THP, HUGETLB, QUANTUM, PAGE_CACHE, FAULTS, ASID, N_LISTS };

struct system_lists {
  struct numbers of[N_LISTS];
};

static int take_asids(struct numbers *asids, const struct words *words, struct pw_error *err)
{
  static const struct spec_kind kind = {.unit = SPEC_PLAIN, .least = 1, .most = 1000};
  int status = 0;
  for (size_t i = 0; !status && i < words->n; i++) {
    struct slice rest = {words->items[i], strlen(words->items[i])}, item;
    while (!status && slice_next(&rest, ',', &item)) {
      if (item.n == 2 && memcmp(item.text, "on", 2) == 0) numbers_add(asids, PW_ASIDS_ALL);
      else if (item.n == 3 && memcmp(item.text, "off", 3) == 0) numbers_add(asids, PW_ASIDS_OFF);
      else status = spec_numbers(asids, item, &kind, words->place, err);
    }
  }
  return status;
}

/* Sizes, and none for nothing. */
static int take_swap(struct numbers *sizes, const struct words *words, struct pw_error *err)
{
  static const struct spec_kind kind = {.unit = SPEC_BYTES, .least = 8192, .most = UINT64_C(1) << 40};
  int status = 0;
  for (size_t i = 0; !status && i < words->n; i++) {
    struct slice rest = {words->items[i], strlen(words->items[i])}, item;
    while (!status && slice_next(&rest, ',', &item)) {
      if (item.n == 4 && memcmp(item.text, "none", 4) == 0) numbers_add(sizes, 0);
      else status = spec_numbers(sizes, item, &kind, words->place, err);
    }
  }
  return status;
}

/* 2M=N&1G=M, or none: as one number, pages of 2 MiB below. */
static int take_hugetlb(struct numbers *pools, const struct words *words, struct pw_error *err)
{
  static const struct spec_kind kind = {.unit = SPEC_PLAIN, .most = UINT32_MAX};
  int status = 0;
  for (size_t i = 0; !status && i < words->n; i++) {
    struct slice rest = {words->items[i], strlen(words->items[i])}, item, part;
    while (!status && slice_next(&rest, ',', &item)) {
      uint64_t pages[2] = {0, 0};
      bool none = item.n == 4 && memcmp(item.text, "none", 4) == 0;
      while (!none && !status && slice_next(&item, '&', &part)) {
        bool of_2m = part.n > 3 && memcmp(part.text, "2M=", 3) == 0, of_1g = part.n > 3 && memcmp(part.text, "1G=", 3) == 0;
        if (of_2m || of_1g) status = spec_number(&pages[of_1g], (struct slice){part.text + 3, part.n - 3}, &kind, words->place, err);
        else status = pw_error_set(err, PW_EINVAL, "%s: '%.*s' is not as 2M=64, 1G=1, 2M=64&1G=1 or none", words->place, (int)part.n, part.text);
      }
      if (!status) numbers_add(pools, pages[0] | pages[1] << 32);
    }
  }
  return status;
}

static int take_reclaim(struct system_lists *l, const struct system_settings *s, struct pw_error *err)
{
  const char *policies[PW_SYSTEM_RECLAIM_NONE + 2], *rules[PW_SYSTEM_OOM_STOP + 2], *devices[PW_SYSTEM_SWAP_DISK + 2];
  const struct spec_kind limit = {.unit = SPEC_BYTES, .least = 4096, .most = UINT64_C(1) << 40}, swappiness = {.unit = SPEC_PLAIN, .most = 200};
  for (int i = 0; i < PW_SYSTEM_RECLAIM_NONE + 2; i++) policies[i] = pw_system_reclaim_name(i);
  for (int i = 0; i < PW_SYSTEM_OOM_STOP + 2; i++) rules[i] = pw_system_oom_name(i);
  for (int i = 0; i < PW_SYSTEM_SWAP_DISK + 2; i++) devices[i] = pw_system_swap_name(i);
  int status = numbers_of(s, SYS_GROUP_LIMIT, limit, &l->of[GROUP_LIMIT], err);
  if (!status) status = take_swap(&l->of[SWAP], &s->of[SYS_SWAP], err);
  if (!status) status = choices_of(s, SYS_SWAP_DEVICE, devices, &l->of[SWAP_DEVICE], err);
  if (!status) status = choices_of(s, SYS_RECLAIM, policies, &l->of[RECLAIM], err);
  if (!status) status = numbers_of(s, SYS_SWAPPINESS, swappiness, &l->of[SWAPPINESS], err);
  if (!status) status = choices_of(s, SYS_OOM, rules, &l->of[OOM], err);
  if (!status && l->of[GROUP_LIMIT].n && s->of[SYS_KERNEL_EVENTS].n)
    status = pw_error_set(err, PW_EINVAL, "--group-limit and --kernel-events: the events do not say which group they are of");
  return status;
}

static int take_lists(struct system_lists *l, const struct system_settings *s, struct pw_error *err)
{
  const char *const thp[] = {pw_system_thp_name(0), pw_system_thp_name(1), pw_system_thp_name(2), NULL};
  static const char *const caches[] = {"warm", "cold", NULL};
  static const char *const faults[] = {"linux", "plain", NULL};
  const struct spec_kind memory = {.unit = SPEC_BYTES, .least = 4u << 20, .most = UINT64_C(1) << 40};
  const struct spec_kind quantum = {.unit = SPEC_COUNT, .least = 1, .most = UINT64_MAX};
  int status = numbers_of(s, SYS_MEMORY, memory, &l->of[MEMORY], err);
  if (!status) status = choices_of(s, SYS_THP, thp, &l->of[THP], err);
  if (!status) status = numbers_of(s, SYS_QUANTUM, quantum, &l->of[QUANTUM], err);
  if (!status) status = choices_of(s, SYS_PAGE_CACHE, caches, &l->of[PAGE_CACHE], err);
  if (!status) status = choices_of(s, SYS_FAULTS, faults, &l->of[FAULTS], err);
  if (!status) status = take_asids(&l->of[ASID], &s->of[SYS_ASID], err);
  if (!status) status = take_hugetlb(&l->of[HUGETLB], &s->of[SYS_HUGETLB], err);
  if (!status) status = take_reclaim(l, s, err);
  if (!status && !l->of[MEMORY].n) status = pw_error_set(err, PW_EINVAL, "system needs --memory SIZE: all of the computer's RAM");
  return status;
}

static size_t ways(const struct numbers *n)
{
  return n->n ? n->n : 1;
}

/* One of the combinations, by its number: the last list changes fastest. */
static struct pw_system_config combine(const struct system_lists *l, const struct pw_system_config *base, bool has_kernel, size_t number)
{
  const uint64_t *at[N_LISTS]; /* the value, or NULL: as usual */
  for (size_t i = N_LISTS; i-- > 0; number /= ways(&l->of[i])) at[i] = l->of[i].n ? &l->of[i].values[number % l->of[i].n] : NULL;
  struct pw_system_config c;
  pw_system_config_default(&c, *at[MEMORY]);
  if (has_kernel) c.kernel_bytes = base->kernel_bytes;
  c.geometry = base->geometry;
  c.tlbs = base->tlbs;
  c.rate = base->rate;
  c.seed = base->seed;
  c.audit = base->audit;
  c.watermark_scale = base->watermark_scale;
  c.min_free_bytes = base->min_free_bytes;
  if (at[GROUP_LIMIT]) c.group_bytes = *at[GROUP_LIMIT];
  if (at[SWAP]) c.swap_bytes = *at[SWAP];
  if (at[SWAP_DEVICE]) c.swap = (enum pw_system_swap)*at[SWAP_DEVICE];
  c.page_cluster = base->page_cluster;
  c.swap_latency = c.swap == PW_SYSTEM_SWAP_SYNC ? 0 : base->swap_latency != UINT64_MAX ? base->swap_latency : c.rate / (c.swap == PW_SYSTEM_SWAP_SSD ? 10000 : 200);
  if (at[RECLAIM]) c.reclaim = (enum pw_system_reclaim)*at[RECLAIM];
  if (at[SWAPPINESS]) c.swappiness = (unsigned)*at[SWAPPINESS];
  if (at[OOM]) c.oom = (enum pw_system_oom)*at[OOM];
  if (at[THP]) c.thp = (enum pw_system_thp)*at[THP];
  if (at[HUGETLB]) c.hugetlb[0] = *at[HUGETLB] & UINT32_MAX;
  if (at[HUGETLB]) c.hugetlb[1] = *at[HUGETLB] >> 32;
  if (at[QUANTUM]) c.quantum = *at[QUANTUM];
  if (at[PAGE_CACHE]) c.cold = *at[PAGE_CACHE] == 1;
  if (at[FAULTS]) c.plain = *at[FAULTS] == 1;
  if (at[ASID]) c.asids = (unsigned)*at[ASID];
  return c;
}

static int layout_of(const struct system_settings *s, bool *recorded, struct pw_error *err)
{
  static const char *const layouts[] = {"native", "recorded", NULL};
  struct numbers chosen = {0};
  int status = choices_of(s, SYS_LAYOUT, layouts, &chosen, err);
  if (!status && chosen.n > 1) status = pw_error_set(err, PW_EINVAL, "%s: one layout at a time", s->of[SYS_LAYOUT].place);
  if (!status && chosen.n) *recorded = chosen.values[0] == 1;
  numbers_clear(&chosen);
  return status;
}

static int watermarks_of(const struct system_settings *s, struct pw_system_config *base, struct pw_error *err)
{
  const struct spec_kind least = {.unit = SPEC_BYTES, .least = 4096, .most = UINT64_C(1) << 40}, scale = {.unit = SPEC_PLAIN, .least = 1, .most = 3000};
  uint64_t n = base->watermark_scale;
  int status = number_of(s, SYS_WATERMARK_SCALE, scale, &n, err);
  base->watermark_scale = (unsigned)n;
  return status ? status : number_of(s, SYS_MIN_FREE, least, &base->min_free_bytes, err);
}

static int swap_of(const struct system_settings *s, struct pw_system_config *base, struct pw_error *err)
{
  const struct spec_kind count = {.unit = SPEC_COUNT, .most = UINT64_C(1) << 50}, cluster = {.unit = SPEC_PLAIN, .most = 5};
  uint64_t n = base->page_cluster;
  base->swap_latency = UINT64_MAX; /* by the device */
  int status = number_of(s, SYS_SWAP_LATENCY, count, &base->swap_latency, err);
  if (!status) status = number_of(s, SYS_PAGE_CLUSTER, cluster, &n, err);
  base->page_cluster = (unsigned)n;
  return status;
}

static int take_base(struct system_plan *plan, const struct system_settings *s, struct pw_system_config *base, struct pw_error *err)
{
  const char *table = word_of(s, SYS_TABLE);
  struct pw_error why = {0};
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  uint64_t jobs = processors > 0 ? (uint64_t)processors : 1;
  pw_system_config_default(base, UINT64_C(1) << 30);
  plan->geometry = *base->geometry;
  if (table && pw_geometry_parse(&plan->geometry, table, &why))
    return pw_error_set(err, PW_EINVAL, "%s: %s", s->of[SYS_TABLE].place, why.text);
  base->geometry = &plan->geometry;
  const struct spec_kind bytes = {.unit = SPEC_BYTES, .most = UINT64_C(1) << 40}, count = {.unit = SPEC_COUNT, .least = 1, .most = UINT64_C(1) << 50};
  const struct spec_kind plain = {.unit = SPEC_PLAIN, .most = UINT64_MAX}, threads = {.unit = SPEC_PLAIN, .least = 1, .most = 1024};
  int status = number_of(s, SYS_KERNEL, bytes, &base->kernel_bytes, err);
  if (!status) status = number_of(s, SYS_RATE, count, &base->rate, err);
  if (!status) status = number_of(s, SYS_EVERY, count, &plan->every, err);
  if (!status) status = number_of(s, SYS_TELL, plain, &plan->tell, err);
  if (!status) status = number_of(s, SYS_SEED, plain, &base->seed, err);
  if (!status) status = watermarks_of(s, base, err);
  if (!status) status = swap_of(s, base, err);
  if (!status) status = number_of(s, SYS_JOBS, threads, &jobs, err);
  base->audit = s->audit;
  if (!status) status = layout_of(s, &plan->recorded, err);
  if (!status) status = machine_of(s, &base->tlbs, err);
  if (!status) status = tlb_of(s, SYS_ITLB, base->tlbs.itlb, err);
  if (!status) status = tlb_of(s, SYS_DTLB, base->tlbs.dtlb, err);
  if (!status) status = tlb_of(s, SYS_STLB, base->tlbs.stlb, err);
  plan->jobs = (unsigned)jobs;
  return status;
}

/* What tells a configuration from the others, with or without its quantum; NULL where nothing does. */
static char *label_of(const struct system_lists *l, const struct pw_system_config *c, bool with_quantum)
{
  char parts[N_LISTS][48], *label = NULL;
  human_bytes(parts[MEMORY], sizeof *parts, c->memory_bytes);
  char bytes[32];
  human_bytes(bytes, sizeof bytes, c->group_bytes);
  snprintf(parts[GROUP_LIMIT], sizeof *parts, "limit %s", bytes);
  human_bytes(bytes, sizeof bytes, c->swap_bytes);
  snprintf(parts[SWAP], sizeof *parts, "swap %s", c->swap_bytes ? bytes : "none");
  snprintf(parts[SWAP_DEVICE], sizeof *parts, "%s", pw_system_swap_name((int)c->swap));
  snprintf(parts[RECLAIM], sizeof *parts, "%s", pw_system_reclaim_name((int)c->reclaim));
  snprintf(parts[SWAPPINESS], sizeof *parts, "swappiness %u", c->swappiness);
  snprintf(parts[OOM], sizeof *parts, "oom %s", pw_system_oom_name((int)c->oom));
  snprintf(parts[THP], sizeof *parts, "thp %s", pw_system_thp_name(c->thp));
  if (c->hugetlb[0] || c->hugetlb[1]) snprintf(parts[HUGETLB], sizeof *parts, "hugetlb %ux2M %ux1G", (unsigned)c->hugetlb[0], (unsigned)c->hugetlb[1]);
  else snprintf(parts[HUGETLB], sizeof *parts, "no hugetlb");
  char turns[32];
  human_count(turns, sizeof turns, c->quantum);
  for (char *at = turns; *at; at++)
    if (*at == ',') *at = ' '; /* commas part the label */
  snprintf(parts[QUANTUM], sizeof *parts, "turns of %s", turns);
  snprintf(parts[PAGE_CACHE], sizeof *parts, "%s", c->cold ? "cold" : "warm");
  snprintf(parts[FAULTS], sizeof *parts, "%s faults", c->plain ? "plain" : "linux");
  if (c->asids == PW_ASIDS_ALL || c->asids == PW_ASIDS_OFF) snprintf(parts[ASID], sizeof *parts, "asid %s", c->asids ? "on" : "off");
  else snprintf(parts[ASID], sizeof *parts, "asid %u", c->asids);
  for (size_t i = 0; i < N_LISTS; i++) {
    if (l->of[i].n < 2 || (i == QUANTUM && !with_quantum)) continue;
    char *longer = heap_text("%s%s%s", label ? label : "", label ? ", " : "", parts[i]);
    free(label);
    label = longer;
  }
  return label;
}

int system_understand(struct system_plan *plan, const struct system_settings *s, const struct words *operands,
                      const struct system_file *file, struct pw_error *err)
{
  struct system_lists l = {0};
  struct pw_system_config base;
  plan->kernel_events = word_of(s, SYS_KERNEL_EVENTS);
  int status = system_programs_take(plan, operands, file, err);
  if (!status) status = take_base(plan, s, &base, err);
  if (!status) status = take_lists(&l, s, err);
  size_t n = 1;
  for (size_t i = 0; !status && i < N_LISTS; i++) {
    n *= ways(&l.of[i]);
    if (n > SPEC_MOST) status = pw_error_set(err, PW_EINVAL, "more than %u configurations; shorten the lists", SPEC_MOST);
  }
  if (!status) plan->configs = heap_zero(n, sizeof *plan->configs);
  if (!status) plan->labels = heap_zero(n, sizeof *plan->labels);
  if (!status) plan->settings = heap_zero(n, sizeof *plan->settings);
  for (; !status && plan->n_configs < n; plan->n_configs++) {
    struct pw_system_config *c = &plan->configs[plan->n_configs];
    *c = combine(&l, &base, s->of[SYS_KERNEL].n > 0, plan->n_configs);
    c->label = plan->labels[plan->n_configs] = label_of(&l, c, true);
    c->setting = plan->settings[plan->n_configs] = label_of(&l, c, false);
  }
  for (size_t i = 0; i < N_LISTS; i++) numbers_clear(&l.of[i]);
  return status;
}
