/* What `pagewalk system` tells people on the terminal. */
#include "system_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "say.h"

static const char *size(char text[32], uint64_t value)
{
  human_bytes(text, 32, value);
  return text;
}

static const char *count(char text[32], uint64_t value)
{
  human_count(text, 32, value);
  return text;
}

static void print_row(const char *name, const struct pw_system_sums *s, uint64_t resident, uint64_t tables)
{
  char a[32], b[32], c[32], d[32], e[32], f[32];
  uint64_t accesses = s->counted.fetches + s->counted.loads + s->counted.stores;
  int width = 20 + (int)(strlen(name) - text_width(name));
  printf("%-*s %15s %13s %12s %9s %10s %10s\n", width, name, count(a, accesses), count(b, s->walks), count(c, s->minor_faults),
         count(d, s->major_faults), resident ? size(e, resident) : "", tables ? size(f, tables) : "");
}

/* What the huge pages did, in words. */
static void print_huge(const struct pw_system_config *config, const struct pw_system_result *r)
{
  char a[32], b[32], c[32];
  const struct pw_system_sums *s = &r->sums;
  if (config->thp == PW_SYSTEM_THP_NEVER) return;
  printf("Huge pages (%s): %s by faults, %s by khugepaged, %s fell back to 4 KiB, %" PRIu64 " split.\n", pw_system_thp_name(config->thp),
         count(a, s->thp_faults), count(b, s->thp_collapses), count(c, s->thp_fallbacks), s->thp_splits);
}

/* What was set aside, who had it and who did without; who ended of it. */
static void print_pools(const struct pw_system_config *config, const struct pw_system_result *r)
{
  char a[32], b[32], c[32], shown[64];
  if (config->hugetlb[0] || config->hugetlb[1])
    printf("Set aside: %" PRIu64 " pages of 2 MiB, %" PRIu64 " of 1 GiB; at most %s of it in use; %s faults brought one.\n", config->hugetlb[0], config->hugetlb[1],
           size(a, r->hugetlb_bytes), count(b, r->sums.hugetlb_faults));
  if (r->sums.hugetlb_fails)
    printf("%s mappings asked for huge pages that are set aside (MAP_HUGETLB), found too few and got small ones; see --hugetlb.\n", count(c, r->sums.hugetlb_fails));
  for (size_t i = 0; i < r->n_processes; i++) {
    if (!r->processes[i].bus) continue;
    text_printable(shown, sizeof shown, r->processes[i].name);
    printf("%s ended at access %s: no huge page was left of those set aside (SIGBUS).\n", shown, count(a, r->processes[i].bus_at));
  }
}

/* What a kernel's events did, and what of them was passed over. */
static void print_kernel(const struct pw_system_kernel_counts *k)
{
  char a[32], b[32], c[32], d[32], e[32];
  printf("Kernel events: %s objects came and %s went, %s pages of its own came and %s went.\n", count(a, k->objects_came),
         count(b, k->objects_went), count(c, k->pages_came), count(d, k->pages_went));
  printf("Passed over: %s pages of processes and files, %s of slabs, %s of page tables; %s went that had not come;\n%s went unseen.\n",
         count(a, k->user_pages), count(b, k->slab_pages), count(c, k->table_pages), count(d, k->unmatched), count(e, k->unseen));
}

/* By so much less (or more), in percent of what it was; "" where it was nothing. */
static const char *change(char text[32], uint64_t was, uint64_t is)
{
  if (!was) text[0] = '\0';
  else snprintf(text, 32, "%+.1f %%", 100 * ((double)is - (double)was) / (double)was);
  return text;
}

void system_report_header(const char *what, const char *against, const char *bytes, int width)
{
  printf("\n%s, against %s\n\n%-*s %15s %13s %16s\n", what, against, width, width > SYSTEM_NAMES ? "region" : "process", "page walks", "minor faults", bytes);
}

void system_report_change(const char *name, const struct pw_system_sums *was, const struct pw_system_sums *is, uint64_t bytes_were,
                          uint64_t bytes, int width)
{
  char a[32], b[32], c[32], shown[64];
  const char *sign = bytes < bytes_were ? "-" : "+";
  text_printable(shown, sizeof shown, name);
  width += (int)(strlen(shown) - text_width(shown));
  char more[40];
  snprintf(more, sizeof more, "%.1s%s", bytes == bytes_were ? "" : sign, size(c, bytes < bytes_were ? bytes_were - bytes : bytes - bytes_were));
  printf("%-*s %15s %13s %16s\n", width, shown, change(a, was->walks, is->walks), change(b, was->minor_faults, is->minor_faults), more);
}

void system_report_compare(const struct pw_system_config *base, const struct pw_system_result *was, const struct pw_system_config *config,
                           const struct pw_system_result *is)
{
  char what[40];
  uint64_t bytes_were = 0, bytes = 0;
  snprintf(what, sizeof what, "Huge pages %s", pw_system_thp_name(config->thp));
  system_report_header(what, pw_system_thp_name(base->thp), "resident", SYSTEM_NAMES);
  for (size_t i = 0; i < is->n_processes && i < was->n_processes; i++) {
    const struct pw_system_process *a = &was->processes[i], *b = &is->processes[i];
    system_report_change(b->name, &a->sums, &b->sums, a->resident_bytes, b->resident_bytes, SYSTEM_NAMES);
    bytes_were += a->resident_bytes;
    bytes += b->resident_bytes;
  }
  if (is->n_processes > 1) system_report_change("together", &was->sums, &is->sums, bytes_were, bytes, SYSTEM_NAMES);
}

/* sort was killed at access 41,200,118: score 1000; gzip 873 */
static void print_kill(const struct pw_system_result *r, size_t first, size_t end)
{
  char shown[64], a[32], b[32];
  size_t others = 0;
  const struct pw_system_candidate *v = NULL;
  for (size_t i = first; i < end; i++)
    if (r->candidates[i].victim) v = &r->candidates[i];
  if (!v) return;
  text_printable(shown, sizeof shown, r->processes[v->process].name);
  printf("%s was killed at access %s, for want of %s: score %s", shown, count(a, v->access), v->group ? "the group's memory" : "memory", count(b, v->score));
  for (size_t i = first; i < end; i++) {
    const struct pw_system_candidate *k = &r->candidates[i];
    if (k->victim) continue;
    if (++others > 8) continue;
    text_printable(shown, sizeof shown, r->processes[k->process].name);
    printf("; %s %s", shown, count(b, k->score));
  }
  if (others > 8) printf("; and %zu more", others - 8);
  puts("");
}

static void print_reclaim(const struct pw_system_config *config, const struct pw_system_result *r)
{
  char a[32], b[32], c[32], d[32], e[32], f[32];
  const struct pw_system_sums *s = &r->sums;
  size_t first = 0;
  if (s->swap_outs || s->swap_ins || r->scanned)
    printf("Reclaim (%s): %s pages looked at, %s written to swap and %s read back, %s came back in all,\n%s of them too soon; at most %s of swap.\n",
           pw_system_reclaim_name((int)config->reclaim), count(a, r->scanned), count(b, s->swap_outs), count(c, s->swap_ins), count(d, s->refaults),
           count(e, s->activations), size(f, r->swap_bytes));
  for (size_t i = 0; i < r->n_candidates; i++)
    if (i + 1 == r->n_candidates || r->candidates[i + 1].kill != r->candidates[i].kill) {
      print_kill(r, first, i + 1);
      first = i + 1;
    }
}

void system_report_print(const struct pw_system_config *config, const struct pw_system_result *r, bool more)
{
  char a[32], b[32], c[32], d[32], e[32], f[32], name[80];
  if (more) puts("");
  printf("A computer of %s, of which Linux manages %s; turns of %s accesses\n\n", size(a, config->memory_bytes),
         size(b, r->managed_bytes), count(c, config->quantum));
  printf("%-20s %15s %13s %12s %9s %10s %10s\n", "process", "accesses", "page walks", "minor faults", "major", "resident", "tables");
  for (size_t i = 0; i < r->n_processes; i++) {
    const struct pw_system_process *p = &r->processes[i];
    char shown[64];
    text_printable(shown, sizeof shown, p->name);
    if (p->process) snprintf(name, sizeof name, "%.40s/%" PRIu32, shown, p->process);
    else snprintf(name, sizeof name, "%.60s", shown);
    print_row(name, &p->sums, p->resident_bytes, p->table_bytes);
  }
  if (r->n_processes > 1) print_row("together", &r->sums, 0, r->table_bytes);
  printf("\nAt most: %s of private pages, %s of files and shared memory, %s for the kernel\n(tables %s, slabs %s; huge pages %s).\n",
         size(a, r->anon_bytes), size(b, r->file_bytes), size(c, r->kernel_bytes), size(d, r->table_bytes), size(e, r->slab_bytes),
         size(f, r->thp_bytes));
  printf("%s context switches, %s address-space numbers taken from another; %s pages copied.\n", count(a, r->context_switches),
         count(b, r->asid_flushes), count(c, r->sums.copies));
  print_huge(config, r);
  print_pools(config, r);
  print_reclaim(config, r);
  if (r->kernel.objects_came || r->kernel.pages_came || r->kernel.unmatched) print_kernel(&r->kernel);
}
