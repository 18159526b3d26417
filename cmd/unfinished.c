/* The state of an interrupted sweep, in DIR/unfinished. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "files.h"
#include "heap.h"
#include "say.h"
#include "sweep.h"

static char *in_folder(const struct sweep *sweep, const char *name)
{
  return heap_text("%s/%s", sweep->folder, name);
}

/* What plan.txt holds: a line each for version, options, configurations and every trace. */
static char *plan_text(const struct sweep *sweep)
{
  char *text = NULL, *options = sweep_options_line(sweep);
  size_t n;
  FILE *out = open_memstream(&text, &n);
  if (!out) return heap_text("%s", "");
  fprintf(out, "pagewalk %s\noptions %s\n", PW_VERSION, options);
  fprintf(out, "configurations %zu %016" PRIx64 "\n", sweep->plan.n_configs, sweep_configs_hash(sweep));
  for (size_t i = 0; i < sweep->traces.n; i++) {
    struct stat st = {0};
    bool known = stat(sweep->traces.items[i], &st) == 0 && S_ISREG(st.st_mode);
    if (!known) st = (struct stat){0}; /* a pipe changes whenever it is used */
    fprintf(out, "trace %04zu %jd bytes, changed %jd.%09ld ", i, (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec,
            st.st_mtim.tv_nsec);
    pw_json_write_text(out, sweep->traces.items[i]);
    fputc('\n', out);
  }
  fclose(out);
  free(options);
  return text;
}

/* In a word, what differs between two plans: the start of their first different line. */
static void differing(char *what, size_t n_what, const char *a, const char *b)
{
  for (;;) {
    size_t n = strcspn(a, "\n"), m = strcspn(b, "\n");
    if (n != m || memcmp(a, b, n) != 0 || !a[n] || !b[m]) break;
    a += n + 1;
    b += m + 1;
  }
  const char *line = *b ? b : a;
  if (strncmp(line, "options", 7) == 0)
    snprintf(what, n_what, "other options");
  else if (strncmp(line, "configurations", 14) == 0)
    snprintf(what, n_what, "other configurations");
  else if (strncmp(line, "trace", 5) == 0)
    snprintf(what, n_what, "other traces, or one has changed since");
  else
    snprintf(what, n_what, "another version of pagewalk");
}

/* Our own files in unfinished/, and their temporary names: nothing else is ever removed. */
static bool is_ours(const char *name)
{
  if (strncmp(name, "plan.txt", 8) == 0) return true;
  size_t digits = strspn(name, "0123456789");
  return digits >= 4 && (strncmp(name + digits, ".csv", 4) == 0 || strncmp(name + digits, ".json", 5) == 0);
}

static void empty_unfinished(const struct sweep *sweep)
{
  char *path = in_folder(sweep, "unfinished");
  DIR *folder = opendir(path);
  const struct dirent *entry;
  while (folder && (entry = readdir(folder)))
    if (is_ours(entry->d_name)) unlinkat(dirfd(folder), entry->d_name, 0);
  if (folder) closedir(folder);
  free(path);
}

void unfinished_remove(struct sweep *sweep)
{
  char *path = in_folder(sweep, "unfinished");
  empty_unfinished(sweep);
  rmdir(path);
  free(path);
  if (sweep->lock >= 0) close(sweep->lock);
  sweep->lock = -1;
  if (sweep->folder_is_new) rmdir(sweep->folder); /* fails, as it should, when it holds results */
}

/* Two sweeps at a time must not share a folder. */
static int lock_unfinished(struct sweep *sweep, struct pw_error *err)
{
  char *path = in_folder(sweep, "unfinished");
  sweep->lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  free(path);
  if (sweep->lock >= 0 && flock(sweep->lock, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
    return pw_error_set(err, PW_EIO, "another sweep is at work in %s; wait for it, or name another folder", sweep->folder);
  return 0;
}

static int write_plan(const struct sweep *sweep, const char *text, struct pw_error *err)
{
  char *path = in_folder(sweep, "unfinished/plan.txt");
  struct pw_output *output;
  int status = pw_output_open(&output, path, err);
  free(path);
  if (status) return status;
  fputs(text, pw_output_stream(output));
  return pw_output_commit(output, err);
}

/* A kept trace may lack rows: its manifest entry says how many. */
static size_t kept_unfit(const struct sweep *sweep, size_t number)
{
  static const char mark[] = "\"unfit\": ";
  size_t n, unfit = 0;
  char *path = unfinished_path(sweep, number, "json"), *entry = file_text(path, &n, NULL);
  const char *at = entry ? strstr(entry, mark) : NULL;
  if (at) unfit = strtoull(at + sizeof mark - 1, NULL, 10);
  free(entry);
  free(path);
  return unfit;
}

static void mark_kept(struct sweep *sweep)
{
  for (size_t i = 0; i < sweep->traces.n; i++) {
    struct trace_job *job = &sweep->jobs[i];
    char *path = unfinished_path(sweep, i, "csv");
    if (file_exists(path)) {
      job->state = JOB_KEPT;
      job->unfit = kept_unfit(sweep, i);
      pw_error_set(&job->error, PW_EINVAL, "%s has addresses that do not fit (see manifest.json)", job->path);
    }
    free(path);
  }
}

/* The first trace that was changed after the manifest was written, or NULL. The manifest
 * itself names no times: the same sweep gives the same bytes. */
static const char *changed_trace(const struct sweep *sweep, const char *manifest)
{
  struct stat then, st;
  if (stat(manifest, &then) != 0) return NULL;
  for (size_t i = 0; i < sweep->traces.n; i++) {
    const char *trace = sweep->traces.items[i];
    if (strcmp(trace, "-") == 0) return "standard input";
    if (stat(trace, &st) != 0) continue;
    if (!S_ISREG(st.st_mode)) return trace; /* a pipe: nobody knows what comes out of it now */
    if (st.st_mtim.tv_sec > then.st_mtim.tv_sec ||
        (st.st_mtim.tv_sec == then.st_mtim.tv_sec && st.st_mtim.tv_nsec > then.st_mtim.tv_nsec))
      return trace;
  }
  return NULL;
}

/* The folder holds the results of a finished sweep: -1 when it may be replaced. */
static int meet_results(const struct sweep *sweep)
{
  char *path = in_folder(sweep, "manifest.json"), mark[64];
  struct pw_error err;
  size_t n;
  char *manifest = file_text(path, &n, &err);
  const char *changed = changed_trace(sweep, path);
  free(path);
  snprintf(mark, sizeof mark, "\"fingerprint\": \"%016" PRIx64 "\"", sweep_fingerprint(sweep));
  bool same = manifest && strstr(manifest, mark);
  bool whole = same && !strstr(manifest, "\"status\": \"error\"");
  free(manifest);
  if (sweep->resume && same && changed) {
    say("%s may have changed since %s got its results; name another folder, or add --force in place of --resume", changed,
        sweep->folder);
    return FAILED;
  }
  if (sweep->resume && whole) {
    say_note("%s already holds this sweep, whole: there is nothing to resume", sweep->folder);
    return DONE;
  }
  if (sweep->resume && same) return -1; /* some traces were bad: try again */
  say("%s already holds the results of %s sweep; name another folder, or add --force to replace them",
      sweep->folder, same ? "this" : "another");
  return FAILED;
}

/* The folder holds an unfinished sweep: -1 when it is carried on. */
static int meet_unfinished(struct sweep *sweep, const char *before, const char *now)
{
  char what[64];
  if (sweep->resume && strcmp(before, now) == 0) {
    mark_kept(sweep);
    return -1;
  }
  if (!sweep->resume) {
    say("%s holds an unfinished sweep; add --resume to carry it on, or --force to start anew", sweep->folder);
    return FAILED;
  }
  differing(what, sizeof what, before, now);
  say("%s holds an unfinished sweep with %s; repeat its command with --resume, or add --force to start anew",
      sweep->folder, what);
  return FAILED;
}

static int enter(struct sweep *sweep, const char *now, struct pw_error *err)
{
  char *path = in_folder(sweep, "unfinished"), *plan = in_folder(sweep, "unfinished/plan.txt");
  char *results = in_folder(sweep, "results.csv");
  bool has_results = file_exists(results);
  size_t n;
  int status = folder_make(sweep->folder, &sweep->folder_is_new, err), code = -1;
  char *before = status ? NULL : file_text(plan, &n, NULL);
  if (!status && !before && !sweep->force && has_results) code = meet_results(sweep);
  if (!status && code < 0) status = folder_make(path, NULL, err);
  if (!status && code < 0) status = lock_unfinished(sweep, err);
  if (!status && code < 0 && before && !sweep->force) {
    code = meet_unfinished(sweep, before, now);
  } else if (!status && code < 0) {
    empty_unfinished(sweep);
    status = write_plan(sweep, now, err);
    if (status && sweep->lock >= 0) unfinished_remove(sweep);
  }
  free(before);
  free(results);
  free(plan);
  free(path);
  if (status) {
    say("%s", err->text);
    if (sweep->folder_is_new) rmdir(sweep->folder);
  }
  return status ? FAILED : code;
}

int unfinished_open(struct sweep *sweep)
{
  struct pw_error err = {0};
  char *now = plan_text(sweep);
  int code = enter(sweep, now, &err);
  free(now);
  return code;
}

static int keep_file(const struct sweep *sweep, const struct trace_job *job, const char *suffix,
                     const struct pw_trace_info *info, const struct pw_result *results, struct pw_error *err)
{
  char *path = unfinished_path(sweep, job->number, suffix);
  struct pw_output *output = NULL;
  int status = pw_output_open(&output, path, err);
  FILE *out = status ? NULL : pw_output_stream(output);
  if (out && info) {
    status = manifest_write_trace(out, job, info);
  } else if (out) {
    for (size_t i = 0; !status && i < sweep->plan.n_configs; i++)
      if (!results[i].unfit) status = pw_csv_write_row(out, job->path, &sweep->plan.configs[i], &results[i], NULL);
  }
  if (out && status) {
    pw_error_set(err, PW_EIO, "%s cannot be written: %s", path, strerror(errno));
    pw_output_abandon(output);
  } else if (out) {
    status = pw_output_commit(output, err);
  }
  free(path);
  return status;
}

int unfinished_keep(void *context, const struct trace_job *job, const struct pw_trace_info *info,
                    const struct pw_result *results, struct pw_error *err)
{
  struct sweep *sweep = context;
  int status = keep_file(sweep, job, "json", info, NULL, err);
  return status ? status : keep_file(sweep, job, "csv", NULL, results, err);
}
