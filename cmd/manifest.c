/* What a finished sweep leaves besides charts: manifest.json and results.csv.
 *
 * Neither holds a date, a duration or the number of jobs: the same sweep gives the same bytes. */
#include <inttypes.h>
#include <stdlib.h>

#include "files.h"
#include "heap.h"
#include "sweep.h"

static void write_pair(FILE *out, const char *before, const char *name, const char *value)
{
  fputs(before, out);
  pw_json_write_text(out, name);
  fputs(": ", out);
  pw_json_write_text(out, value);
}

int manifest_write_trace(FILE *out, const struct trace_job *job, const struct pw_trace_info *info)
{
  const struct pw_totals *totals = &info->totals;
  write_pair(out, "{", "path", job->path);
  write_pair(out, ", ", "status", "ok");
  fprintf(out, ", \"unfit\": %zu", job->unfit); /* configurations without a row */
  if (job->unfit) write_pair(out, ", ", "unfit_reason", job->error.text);
  fprintf(out, ", \"bytes\": %" PRIu64, info->file_bytes ? info->file_bytes : info->stored_bytes);
  write_pair(out, ", ", "format", info->format);
  write_pair(out, ", ", "compression", info->compression);
  fprintf(out, ", \"accesses\": %" PRIu64 ", \"fetches\": %" PRIu64 ", \"loads\": %" PRIu64 ", \"stores\": %" PRIu64,
          totals->fetches + totals->loads + totals->stores, totals->fetches, totals->loads, totals->stores);
  fprintf(out, ", \"visits\": %" PRIu64 ", \"events\": %" PRIu64 ", \"processes\": %" PRIu32 ", \"threads\": %" PRIu32,
          info->visits, info->events, info->processes, info->threads);
  fprintf(out, ", \"bad_lines\": %" PRIu64 ", \"rounded\": %s", info->bad_lines, info->rounded ? "true" : "false");
  write_pair(out, ", ", "source", info->source);
  write_pair(out, ", ", "command", info->command);
  write_pair(out, ", ", "date", info->date);
  fputs("}", out);
  return ferror(out) ? PW_EIO : 0;
}

/* Copies the kept file of a trace to the end of `out`. */
static int copy_kept(const struct sweep *sweep, size_t number, const char *suffix, FILE *out, struct pw_error *err)
{
  char *path = unfinished_path(sweep, number, suffix);
  FILE *in = fopen(path, "rbe");
  int status = 0;
  if (!in) {
    status = pw_error_set(err, PW_EIO, "%s is gone; run the sweep again with --resume", path);
  } else {
    char buffer[65536];
    size_t n;
    while ((n = fread(buffer, 1, sizeof buffer, in)) > 0 && fwrite(buffer, 1, n, out) == n) continue;
    if (ferror(in)) status = pw_error_set(err, PW_EIO, "%s cannot be read", path);
    fclose(in);
  }
  free(path);
  return status; /* a failed write shows when the output is committed */
}

/* A table by the number of levels alone, a TLB by the machine. */
static bool is_set_by_another(const struct settings *settings, size_t setting)
{
  const struct pw_parameter *p = setting < N_MACHINE_SETTINGS ? pw_parameter_entry(setting) : NULL;
  if (!p || (p->kind != PW_PARAMETER_TABLE && p->kind != PW_PARAMETER_TLB)) return false;
  return settings->of[setting_of_kind(p->kind == PW_PARAMETER_TLB ? PW_PARAMETER_MACHINE : PW_PARAMETER_LEVELS)].n > 0;
}

static void write_options(const struct settings *settings, bool only_given, bool machine_only, FILE *out)
{
  const char *before = "{";
  for (size_t i = 0; i < (machine_only ? N_MACHINE_SETTINGS : N_SETTINGS); i++) {
    if (!setting_name(i) || i == SET_JOBS || i == SET_ENGINE) continue; /* these two change no number */
    bool given = settings->of[i].n > 0;
    if (!given && (only_given || !*setting_default(i) || is_set_by_another(settings, i))) continue;
    char *text = setting_text(settings, i);
    write_pair(out, before, setting_name(i), text);
    before = ", ";
    free(text);
  }
  fputs(*before == '{' ? "{}" : "}", out);
}

static int write_traces(const struct sweep *sweep, FILE *out, struct pw_error *err)
{
  int status = 0;
  fputs("  \"traces\": [", out);
  for (size_t i = 0; !status && i < sweep->traces.n; i++) {
    const struct trace_job *job = &sweep->jobs[i];
    fputs(i ? ",\n    " : "\n    ", out);
    if (job->state != JOB_BAD) {
      status = copy_kept(sweep, i, "json", out, err);
      continue;
    }
    write_pair(out, "{", "path", job->path);
    write_pair(out, ", ", "status", "error");
    write_pair(out, ", ", "error", job->error.text);
    fputs("}", out);
  }
  fputs("\n  ]\n", out);
  return status;
}

int manifest_write(const struct sweep *sweep, struct pw_error *err)
{
  char *path = heap_text("%s/manifest.json", sweep->folder);
  struct pw_output *output;
  int status = pw_output_open(&output, path, err);
  free(path);
  if (status) return status;
  FILE *out = pw_output_stream(output);
  write_pair(out, "{\n  ", "pagewalk", PW_VERSION);
  fputs(",\n  \"options\": ", out);
  write_options(&sweep->settings, false, false, out);
  if (sweep->file.n_subs) {
    fputs(",\n  \"sweeps\": [", out);
    for (size_t i = 0; i < sweep->file.n_subs; i++) {
      fputs(i ? ",\n    " : "\n    ", out);
      write_options(&sweep->file.subs[i], true, true, out);
    }
    fputs("\n  ]", out);
  }
  fprintf(out, ",\n  \"configurations\": %zu,\n  \"left_out\": %zu", sweep->plan.n_configs, sweep->plan.n_left_out);
  if (sweep->plan.n_left_out) write_pair(out, ",\n  ", "left_out_reason", sweep->plan.first_left_out.text);
  fprintf(out, ",\n  \"fingerprint\": \"%016" PRIx64 "\",\n", sweep_fingerprint(sweep));
  status = write_traces(sweep, out, err);
  fputs("}\n", out);
  if (!status) return pw_output_commit(output, err);
  pw_output_abandon(output);
  return status;
}

int results_write(const struct sweep *sweep, struct pw_error *err)
{
  char *path = heap_text("%s/results.csv", sweep->folder);
  struct pw_output *output;
  int status = pw_output_open(&output, path, err);
  free(path);
  if (status) return status;
  FILE *out = pw_output_stream(output);
  status = pw_csv_write_header(out, err);
  for (size_t i = 0; !status && i < sweep->traces.n; i++)
    if (sweep->jobs[i].state != JOB_BAD) status = copy_kept(sweep, i, "csv", out, err);
  if (!status) return pw_output_commit(output, err);
  pw_output_abandon(output);
  return status;
}
