/* system.csv, processes.csv, slabs.csv, buddy.csv and series.csv: one table of columns for the sums, and the rest by hand. */
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "ask/rows.h"
#include "pagewalk.h"

static const char *const table_names[] = {"system", "processes", "slabs", "buddy", "series", "events", "regions"};

const char *pw_system_thp_name(int mode)
{
  static const char *const names[] = {"never", "madvise", "always"};
  return mode >= 0 && (size_t)mode < sizeof names / sizeof *names ? names[mode] : NULL;
}

const char *pw_system_reclaim_name(int policy)
{
  static const char *const names[] = {"linux", "lru", "fifo", "clock", "random", "none"};
  return policy >= 0 && (size_t)policy < sizeof names / sizeof *names ? names[policy] : NULL;
}

const char *pw_system_oom_name(int rule)
{
  static const char *const names[] = {"badness", "classic", "stop"};
  return rule >= 0 && (size_t)rule < sizeof names / sizeof *names ? names[rule] : NULL;
}

const char *pw_system_swap_name(int device)
{
  static const char *const names[] = {"sync", "ssd", "disk"};
  return device >= 0 && (size_t)device < sizeof names / sizeof *names ? names[device] : NULL;
}

const char *pw_system_table_name(enum pw_system_table table)
{
  return table < PW_SYSTEM_TABLES ? table_names[table] : NULL;
}

/* Sums, in the order of their columns; those of results.csv have its names. */
static const struct {
  const char *name;
  size_t offset;
} sums[] = {
#define SUM(NAME) {#NAME, offsetof(struct pw_system_sums, NAME)}
    {"fetches", offsetof(struct pw_system_sums, counted.fetches)},
    {"loads", offsetof(struct pw_system_sums, counted.loads)},
    {"stores", offsetof(struct pw_system_sums, counted.stores)},
    SUM(itlb_misses), SUM(dtlb_misses), SUM(stlb_lookups), SUM(stlb_misses), SUM(walks), SUM(walk_refs),
    SUM(minor_faults), SUM(major_faults), SUM(copies), SUM(thp_faults), SUM(thp_fallbacks), SUM(thp_collapses), SUM(thp_splits),
    SUM(swap_ins), SUM(swap_outs), SUM(refaults), SUM(activations), SUM(thp_swap_outs),
    SUM(hugetlb_faults), SUM(hugetlb_fails), SUM(swap_ra), SUM(swap_ra_hits)};
enum { N_SUMS = sizeof sums / sizeof *sums };

static uint64_t sum_at(const struct pw_system_sums *s, size_t i)
{
  uint64_t value;
  memcpy(&value, (const char *)s + sums[i].offset, sizeof value);
  return value;
}

static void put_sums(FILE *out, const struct pw_system_sums *s)
{
  fprintf(out, ",%" PRIu64, s->counted.fetches + s->counted.loads + s->counted.stores);
  for (size_t i = 0; i < N_SUMS; i++) fprintf(out, ",%" PRIu64, sum_at(s, i));
}

static void put_sum_names(FILE *out)
{
  fputs(",accesses", out);
  for (size_t i = 0; i < N_SUMS; i++) fprintf(out, ",%s", sums[i].name);
}

static int written(FILE *out, struct pw_error *err)
{
  return ferror(out) ? pw_error_set(err, PW_EIO, "the rows of the system cannot be written") : 0;
}

int pw_system_csv_header(FILE *out, enum pw_system_table table, struct pw_error *err)
{
  static const char machine[] = "programs,memory_bytes,kernel_reserved_bytes,thp,quantum,page_cache,faults,asids,"
                                "table,itlb,dtlb,stlb,group_limit_bytes,swap_device_bytes,reclaim,swappiness,oom,"
                                "hugetlb_2m,hugetlb_1g,swap,swap_latency,page_cluster";
  static const char bytes[] = ",table_bytes,slab_bytes,kernel_bytes,anon_bytes,file_bytes,thp_bytes,swap_bytes,hugetlb_bytes";
  fputs("trace,", out); /* the configuration's name, where charts of other files have a trace's */
  fputs(machine, out);
  switch (table) {
    case PW_SYSTEM_RUNS:
      put_sum_names(out);
      fprintf(out, "%s,managed_bytes,context_switches,asid_flushes,writebacks,frag_index_9,unusable_9,oom_kills,direct_reclaims,"
                   "kswapd_runs,scanned,swap_waits,setting\n", bytes);
      break;
    case PW_SYSTEM_PROCESSES:
      fputs(",name,process", out);
      put_sum_names(out);
      fputs(",resident_bytes,table_bytes,thp_bytes,swap_bytes,hugetlb_bytes,ended\n", out);
      break;
    case PW_SYSTEM_SLABS: fputs(",cache,object_bytes,objects,slabs,bytes,objects_peak,slabs_peak\n", out); break;
    case PW_SYSTEM_EVENTS: fputs(",event,access,name,process,kill,victim,points,score,cause,freed_pages,free_bytes,swap_free_bytes\n", out); break;
    case PW_SYSTEM_REGIONS: fputs(",name,process,region,walks,walk_refs,minor_faults,major_faults,thp_faults,thp_fallbacks,own_bytes\n", out); break;
    case PW_SYSTEM_BUDDY: fputs(",window,access,order,type,blocks\n", out); break;
    default:
      fputs(",window,access", out);
      put_sum_names(out);
      fprintf(out, "%s,free_bytes,heap_bytes,heap_touched_bytes\n", bytes);
  }
  return written(out, err);
}

/* ENTRIES:WAYS:POLICY@SIZES, as the option is written. */
static void put_arrays(FILE *out, const struct pw_tlb_array *arrays)
{
  static const char *const sizes[] = {"4K", "2M", "1G"};
  struct pw_list_entry policy;
  if (!arrays[0].tlb.entries) fputs(",none", out);
  for (int i = 0; i < 3 && arrays[i].tlb.entries; i++) {
    const struct pw_tlb_config *t = &arrays[i].tlb;
    fprintf(out, "%s%u:%u", i ? "/" : ",", t->entries, t->ways);
    if (t->policy && pw_list_entry(PW_LIST_TLB_POLICIES, (size_t)t->policy, &policy)) fprintf(out, ":%s", policy.name);
    for (unsigned k = 0, n = 0; arrays[i].sizes != PW_ALL_SIZES && k < 3; k++)
      if (arrays[i].sizes >> k & 1) fprintf(out, "%s%s", n++ ? "&" : "@", sizes[k]);
  }
}

static void put_machine(FILE *out, const struct pw_system_config *c, const struct pw_system_result *r)
{
  pw_csv_write_text(out, c->label ? c->label : "system");
  fputc(',', out);
  pw_csv_write_text(out, r->programs);
  fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%s,%" PRIu64 ",%s,%s,", c->memory_bytes, c->kernel_bytes, pw_system_thp_name(c->thp), c->quantum,
          c->cold ? "cold" : "warm", c->plain ? "plain" : "linux");
  if (c->asids == PW_ASIDS_ALL || c->asids == PW_ASIDS_OFF) fputs(c->asids ? "on," : "off,", out);
  else fprintf(out, "%u,", c->asids);
  pw_csv_write_text(out, c->geometry->name);
  put_arrays(out, c->tlbs.itlb);
  put_arrays(out, c->tlbs.dtlb);
  put_arrays(out, c->tlbs.stlb);
  fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%s,%u,%s,%" PRIu64 ",%" PRIu64 ",%s,%" PRIu64 ",%u", c->group_bytes, c->swap_bytes, pw_system_reclaim_name((int)c->reclaim), c->swappiness,
          pw_system_oom_name((int)c->oom), c->hugetlb[0], c->hugetlb[1], pw_system_swap_name((int)c->swap),
          c->swap_latency, c->page_cluster);
}

static void put_processes(FILE *out, const struct pw_system_config *c, const struct pw_system_result *r)
{
  for (size_t i = 0; i < r->n_processes; i++) {
    const struct pw_system_process *p = &r->processes[i];
    put_machine(out, c, r);
    fputc(',', out);
    pw_csv_write_text(out, p->name);
    fprintf(out, ",%" PRIu32, p->process);
    put_sums(out, &p->sums);
    fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%s\n", p->resident_bytes, p->table_bytes, p->thp_bytes, p->swap_bytes, p->hugetlb_bytes,
            p->bus ? "sigbus" : p->killed ? "killed" : p->exited ? "exit" : "end");
  }
}

static void put_slabs(FILE *out, const struct pw_system_config *c, const struct pw_system_result *r)
{
  for (size_t i = 0; i < r->n_slabs; i++) {
    const struct pw_system_slab *s = &r->slabs[i];
    put_machine(out, c, r);
    fputc(',', out);
    pw_csv_write_text(out, s->name);
    fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n", s->object_bytes, s->objects, s->slabs, s->bytes, s->objects_peak, s->slabs_peak);
  }
}

static void put_buddy(FILE *out, const struct pw_system_config *c, const struct pw_system_result *r)
{
  static const char *const types[] = {"unmovable", "movable", "reclaimable"};
  for (size_t i = 0; i < r->n_windows; i++)
    for (unsigned order = 0; order < 11; order++)
      for (unsigned type = 0; type < 3; type++) {
        put_machine(out, c, r);
        fprintf(out, ",%zu,%" PRIu64 ",%u,%s,%" PRIu64 "\n", i, r->windows[i].access, order, types[type],
                r->windows[i].free_blocks[order][type]);
      }
}

static void put_event_begin(FILE *out, const struct pw_system_config *c, const struct pw_system_result *r, const char *event, uint64_t access,
                            uint32_t process)
{
  put_machine(out, c, r);
  fprintf(out, ",%s,%" PRIu64 ",", event, access);
  if (process < r->n_processes) pw_csv_write_text(out, r->processes[process].name);
  fputc(',', out);
  if (process < r->n_processes) fprintf(out, "%" PRIu32, r->processes[process].process);
}

static void put_candidate(FILE *out, const struct pw_system_config *c, const struct pw_system_result *r, const struct pw_system_candidate *k)
{
  put_event_begin(out, c, r, "kill", k->access, k->process);
  fprintf(out, ",%" PRIu32 ",%d,%" PRId64 ",%" PRIu64 ",%s,,%" PRIu64 ",%" PRIu64 "\n", k->kill, k->victim, k->points, k->score,
          k->group ? "group" : "memory", k->free_bytes, k->swap_free_bytes);
}

/* Each candidate of each kill, and what else was done about few frames, in the order of time: a kill behind what did not help. */
static void put_events(FILE *out, const struct pw_system_config *c, const struct pw_system_result *r)
{
  static const char *const names[PW_SYSTEM_EVENT_KINDS] = {"kswapd", "direct_reclaim", "thp_fallback"};
  size_t kill = 0;
  for (size_t i = 0; i < r->n_events; i++) {
    const struct pw_system_event *e = &r->events[i];
    for (; kill < r->n_candidates && r->candidates[kill].access < e->access; kill++) put_candidate(out, c, r, &r->candidates[kill]);
    put_event_begin(out, c, r, names[e->kind], e->access, e->process);
    fprintf(out, ",,,,,,%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n", e->freed_pages, e->free_bytes, e->swap_free_bytes);
  }
  for (; kill < r->n_candidates; kill++) put_candidate(out, c, r, &r->candidates[kill]);
}

static void put_regions(FILE *out, const struct pw_system_config *c, const struct pw_system_result *r)
{
  for (size_t i = 0; i < r->n_regions; i++) {
    const struct pw_system_region *g = &r->regions[i];
    put_machine(out, c, r);
    fputc(',', out);
    pw_csv_write_text(out, r->processes[g->process].name);
    fprintf(out, ",%" PRIu32 ",", r->processes[g->process].process);
    pw_csv_write_text(out, g->name);
    fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n", g->walks, g->walk_refs, g->minor_faults,
            g->major_faults, g->thp_faults, g->thp_fallbacks, g->own_bytes);
  }
}

static void put_bytes(FILE *out, const uint64_t bytes[8])
{
  for (int i = 0; i < 8; i++) fprintf(out, ",%" PRIu64, bytes[i]);
}

static void put_series(FILE *out, const struct pw_system_config *c, const struct pw_system_result *r)
{
  for (size_t i = 0; i < r->n_windows; i++) {
    const struct pw_system_window *w = &r->windows[i];
    put_machine(out, c, r);
    fprintf(out, ",%zu,%" PRIu64, i, w->access);
    put_sums(out, &w->sums);
    put_bytes(out, (const uint64_t[8]){w->table_bytes, w->slab_bytes, w->kernel_bytes, w->anon_bytes, w->file_bytes, w->thp_bytes,
                                       w->swap_bytes, w->hugetlb_bytes});
    fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n", w->free_bytes, w->heap_bytes, w->heap_touched_bytes);
  }
}

int pw_system_csv_rows(FILE *out, enum pw_system_table table, const struct pw_system_config *c, const struct pw_system_result *r,
                       struct pw_error *err)
{
  switch (table) {
    case PW_SYSTEM_RUNS:
      put_machine(out, c, r);
      put_sums(out, &r->sums);
      put_bytes(out, (const uint64_t[8]){r->table_bytes, r->slab_bytes, r->kernel_bytes, r->anon_bytes, r->file_bytes, r->thp_bytes,
                                         r->swap_bytes, r->hugetlb_bytes});
      fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%d,%u,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",", r->managed_bytes,
              r->context_switches, r->asid_flushes, r->writebacks, r->frag_index_9, r->unusable_9, r->oom_kills, r->direct_reclaims,
              r->kswapd_runs, r->scanned, r->swap_waits);
      pw_csv_write_text(out, c->setting ? c->setting : "system");
      fputc('\n', out);
      break;
    case PW_SYSTEM_PROCESSES: put_processes(out, c, r); break;
    case PW_SYSTEM_SLABS: put_slabs(out, c, r); break;
    case PW_SYSTEM_BUDDY: put_buddy(out, c, r); break;
    case PW_SYSTEM_EVENTS: put_events(out, c, r); break;
    case PW_SYSTEM_REGIONS: put_regions(out, c, r); break;
    default: put_series(out, c, r);
  }
  return written(out, err);
}
