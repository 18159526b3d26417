/* Every page of 2 MiB. See system_all.h. */
#include "system_all.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heap.h"
#include "interrupt.h"
#include "say.h"
#include "system_report.h"

enum { HUGE_SHIFT = 21, SIZE_2M = 1 << 1 };

/* The array that takes pages of 2 MiB; none: a TLB without entries. */
static struct pw_tlb_config array_of(const struct pw_tlb_array arrays[3])
{
  for (int i = 0; i < 3; i++)
    if (arrays[i].tlb.entries && arrays[i].sizes & SIZE_2M) return arrays[i].tlb;
  return (struct pw_tlb_config){0};
}

static int follow(void *context, const struct pw_trace_info *info)
{
  (void)context;
  (void)info;
  return interrupt_seen();
}

/* False: it cannot be said. */
static bool run_one(const struct pw_system_program *p, const struct pw_system_config *base, const struct pw_trace_options *reading,
                    struct pw_system_sums *sums, uint64_t *resident)
{
  struct pw_error err = {0};
  struct pw_trace *trace;
  struct pw_config config;
  struct pw_result result = {0};
  const struct pw_run_options options = {.seed = base->seed, .progress = follow};
  if (strcmp(p->trace, "-") == 0 || pw_trace_open(&trace, p->trace, reading, &err)) return false;
  pw_config_default(&config);
  config.geometry = base->geometry;
  config.page_shift = HUGE_SHIFT;
  config.itlb = array_of(base->tlbs.itlb);
  config.dtlb = array_of(base->tlbs.dtlb);
  config.stlb = array_of(base->tlbs.stlb);
  int status = pw_run(trace, &config, 1, &options, &result, &err);
  pw_trace_close(trace);
  *sums = (struct pw_system_sums){.walks = result.walks, .minor_faults = result.minor_faults};
  *resident = result.resident_bytes;
  return status == 0;
}

/* In the ring. */
struct seat {
  const struct pw_system_program *program;
  size_t number;
};

static int by_start(const void *a, const void *b)
{
  const struct seat *x = a, *y = b;
  if (x->program->start != y->program->start) return x->program->start < y->program->start ? -1 : 1;
  return x->number < y->number ? -1 : x->number > y->number;
}

static struct seat *ring_of(const struct system_plan *plan, size_t *n)
{
  struct seat *ring = NULL;
  *n = 0;
  for (size_t i = 0; i < plan->n_programs; i++) *n += plan->programs[i].copies ? plan->programs[i].copies : 1;
  ring = heap_zero(*n, sizeof *ring);
  for (size_t i = 0, k = 0; i < plan->n_programs; i++)
    for (unsigned copy = 0; copy < (plan->programs[i].copies ? plan->programs[i].copies : 1); copy++, k++)
      ring[k] = (struct seat){&plan->programs[i], k};
  qsort(ring, *n, sizeof *ring, by_start);
  return ring;
}

/* The only process of the program: with others, its trace alone says too little. */
static const struct pw_system_process *only_process(const struct pw_system_result *r, size_t program)
{
  const struct pw_system_process *found = NULL;
  for (size_t i = 0; i < r->n_processes; i++) {
    if (r->processes[i].program != program) continue;
    if (found || r->processes[i].killed) return NULL;
    found = &r->processes[i];
  }
  return found;
}

void system_all_tell(const struct system_plan *plan, const struct pw_system_config *base, const struct pw_system_result *was,
                     const struct pw_trace_options *reading)
{
  size_t n;
  struct seat *ring = ring_of(plan, &n);
  struct pw_system_sums sums = {0};
  uint64_t resident = 0;
  const struct pw_system_program *ran = NULL;
  bool told = false, good = false;
  for (size_t i = 0; i < n && !interrupt_seen(); i++) {
    const struct pw_system_process *p = only_process(was, i);
    if (!p) continue;
    if (ran != ring[i].program) good = run_one(ring[i].program, base, reading, &sums, &resident); /* copies do the same */
    ran = ring[i].program;
    if (!good) continue;
    if (!told) system_report_header("Huge pages alone, each program by itself", pw_system_thp_name(base->thp), "resident", SYSTEM_NAMES);
    told = true;
    system_report_change(p->name, &p->sums, &sums, p->resident_bytes, resident, SYSTEM_NAMES);
  }
  free(ring);
}
