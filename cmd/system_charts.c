/* The charts of `pagewalk system -o`. See system_charts.h. */
#include "system_charts.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "heap.h"
#include "interrupt.h"
#include "pagewalk.h"
#include "say.h"
#include "system_target.h"

/* Configurations that have charts of their own unasked, and that are bars of each process: there are as many colours. */
enum { MOST_OVER_TIME = 8, MOST_BARS = 12 };

enum what { BY_PROCESS, BY_TURNS, BY_LIMIT, OVER_TIME };

/* Which chart is of which table. */
static const struct system_chart {
  const char *chart;
  enum pw_system_table table;
  enum what what;
} rows[] = {{"process-walks", PW_SYSTEM_PROCESSES, BY_PROCESS}, {"process-faults", PW_SYSTEM_PROCESSES, BY_PROCESS},
            {"process-memory", PW_SYSTEM_PROCESSES, BY_PROCESS}, {"quantum", PW_SYSTEM_RUNS, BY_TURNS},
            {"limits", PW_SYSTEM_RUNS, BY_LIMIT}, {"series", PW_SYSTEM_SERIES, OVER_TIME}, {"free-blocks", PW_SYSTEM_BUDDY, OVER_TIME}};

static bool varies_quantum(const struct system_plan *plan)
{
  for (size_t i = 1; i < plan->n_configs; i++)
    if (plan->configs[i].quantum != plan->configs[0].quantum) return true;
  return false;
}

/* Nothing but the group's limit and who leaves: then a chart of both says all. */
static bool varies_limit_alone(const struct system_plan *plan)
{
  bool varies = false;
  for (size_t i = 1; i < plan->n_configs; i++) {
    if (!system_alike_but(&plan->configs[0], &plan->configs[i], SYSTEM_GROUP_LIMIT | SYSTEM_RECLAIM)) return false;
    varies |= plan->configs[0].group_bytes != plan->configs[i].group_bytes;
  }
  return varies;
}

static bool too_many_over_time(const struct system_plan *plan)
{
  return !plan->every && plan->n_configs > MOST_OVER_TIME;
}

static bool is_drawn(const struct system_plan *plan, enum what what)
{
  switch (what) {
  case BY_PROCESS: return plan->n_programs && plan->n_configs <= MOST_BARS;
  case BY_TURNS: return varies_quantum(plan);
  case BY_LIMIT: return varies_limit_alone(plan);
  case OVER_TIME: return !too_many_over_time(plan);
  }
  return false;
}

static void say_left_out(const struct system_plan *plan, const char *folder)
{
  if (plan->n_programs && plan->n_configs > MOST_BARS)
    say_note("charts by process are left out, since %zu configurations are too many bars: pagewalk plot %s/processes.csv draws some of them",
             plan->n_configs, folder);
  if (too_many_over_time(plan))
    say_note("charts over time are left out, since each of %zu configurations has its own: --every N or pagewalk plot %s/series.csv draws them",
             plan->n_configs, folder);
}

static void count_chart(void *context, const char *chart, const char *path, const char *reason)
{
  (void)chart;
  (void)path;
  if (!reason) ++*(size_t *)context;
}

static int draw_one(const struct system_chart *row, const char *folder, const char *charts, size_t *n)
{
  struct pw_error err = {0};
  char *csv = heap_text("%s/%s.csv", folder, pw_system_table_name(row->table));
  const char *const csvs[] = {csv};
  struct pw_chart_options options = {.folder = charts, .only = row->chart, .report = count_chart, .stop = interrupt_stops, .context = n};
  bool failed = pw_charts_draw(csvs, 1, &options, &err) < 0;
  if (failed) say("%s; %s is whole: draw later with pagewalk plot", err.text, csv);
  free(csv);
  return failed ? FAILED : DONE;
}

int system_charts_draw(const struct system_plan *plan, const char *folder, size_t *n)
{
  int code = DONE;
  char *charts = heap_text("%s/charts", folder);
  for (size_t i = 0; code == DONE && i < sizeof rows / sizeof *rows; i++)
    if (is_drawn(plan, rows[i].what)) code = draw_one(&rows[i], folder, charts, n);
  if (code == DONE) say_left_out(plan, folder);
  free(charts);
  return code;
}
