/* Charts of CSV files: report/ draws them, and is told here of the processors that machines are named after. */
#include "ask/plot.h"

#include "ask/rows.h"
#include "report/axes.h"

const char *pw_plot_processor(size_t index, unsigned page_shift, const struct pw_config_column *column, struct pw_cell *cell)
{
  struct pw_list_entry entry;
  struct pw_config config;
  if (!pw_list_entry(PW_LIST_MACHINES, index, &entry)) return NULL;
  pw_config_default(&config);
  config.page_shift = page_shift;
  pw_machine_find(&config, entry.name, NULL);
  *cell = pw_parameter_cell(column->parameter, (size_t)(column->column - column->parameter->columns), &config);
  return entry.name;
}

int pw_charts_draw(const char *const *csv_paths, size_t n_paths, const struct pw_chart_options *options, struct pw_error *err)
{
  return pw_draw_charts(csv_paths, n_paths, options, pw_plot_processor, err);
}
