/* Validates a memory limit: predicts, then asks the running kernel. See pw_validate_limit. */
#include <fcntl.h>
#include <string.h>

#include "ask/environment.h"
#include "judge/drain.h"
#include "judge/limit_run.h"
#include "judge/native_run.h"
#include "record/program.h"

enum { BAND_PAGES = 24, OUTSIDE_BYTES = PW_LIMIT_OUTSIDE * 4096 };
#define LEAST_MEMORY (UINT64_C(4) << 30) /* of the computer of a prediction: so much that only the group's limit counts */

static struct pw_system_config config_of(const struct pw_limit_options *options, unsigned swappiness, int more_pages, enum pw_system_reclaim reclaim)
{
  struct pw_system_config c;
  uint64_t pages = (options->memory_bytes >> PW_BASE_SHIFT) + PW_LIMIT_OUTSIDE; /* what is charged elsewhere does not count */
  uint64_t memory = 4 * options->memory_bytes;
  pw_system_config_default(&c, memory > LEAST_MEMORY ? memory : LEAST_MEMORY);
  c.kernel_bytes = 0;
  c.thp = options->thp;
  c.swap_bytes = options->swap_bytes;
  c.swappiness = swappiness;
  c.reclaim = reclaim;
  c.group_bytes = (uint64_t)((int64_t)pages + more_pages) << PW_BASE_SHIFT;
  return c;
}

static struct pw_limited limited_of(const struct pw_system_result *r)
{
  const struct pw_system_sums *s = &r->sums;
  return (struct pw_limited){.major_faults = s->major_faults, .minor_faults = s->minor_faults, .swap_ins = s->swap_ins, .swap_outs = s->swap_outs,
                             .refaults = s->refaults, .activations = s->activations, .thp_swap_outs = s->thp_swap_outs,
                             .peak_bytes = r->group_peak_bytes - OUTSIDE_BYTES, .kernel_bytes = r->group_kernel_bytes - OUTSIDE_BYTES,
                             .huge_bytes = r->thp_bytes,
                             .table_bytes = r->table_bytes - 4096, .oom_kills = r->oom_kills};
}

struct following {
  const struct pw_limit_options *options;
  struct pw_limit_validation *result;
};

static int follow(void *context, const struct pw_trace_info *info)
{
  const struct following *f = context;
  (void)info;
  return f->options->progress && f->options->progress(f->options->progress_context, &f->result->recorded);
}

static bool stop(void *context)
{
  return follow(context, NULL);
}

static int predict(struct pw_limit_validation *v, const struct pw_limit_options *options, struct following *f, struct pw_error *err)
{
  const struct pw_system_program program = {.trace = options->trace, .copies = 1};
  const struct pw_system_options how = {.progress = follow, .progress_context = f};
  const struct {
    struct pw_limited *to;
    int more_pages;
    enum pw_system_reclaim reclaim;
  } what[] = {{&v->predicted, 0, PW_SYSTEM_RECLAIM_LINUX},
              {&v->fewer, -BAND_PAGES, PW_SYSTEM_RECLAIM_LINUX},
              {&v->more, BAND_PAGES, PW_SYSTEM_RECLAIM_LINUX},
              {&v->lru, 0, PW_SYSTEM_RECLAIM_LRU},
              {&v->clock, 0, PW_SYSTEM_RECLAIM_CLOCK}};
  enum { N = sizeof what / sizeof *what };
  struct pw_system_config configs[N];
  struct pw_system_case cases[N], *list[N];
  for (int i = 0; i < N; i++) {
    configs[i] = config_of(options, v->swappiness, what[i].more_pages, what[i].reclaim);
    cases[i] = (struct pw_system_case){.config = &configs[i]};
    list[i] = &cases[i];
  }
  int status = pw_system_run(&program, 1, list, N, &how);
  for (int i = 0; i < N; i++) {
    if (cases[i].error.status && err->status == 0) *err = cases[i].error;
    if (!cases[i].error.status) *what[i].to = limited_of(&cases[i].result);
    pw_system_clear(&cases[i].result);
  }
  return status;
}

/* ---- the runs ---- */

static int record(char *const argv[], const struct pw_limit_options *options, struct pw_limit_validation *v, struct pw_error *err)
{
  const struct pw_record_options how = {.output = options->trace, .tool_folder = options->tool_folder,
                                        .writer = {.level = 1, .source = "pagewalk record"}, .progress = options->progress,
                                        .progress_context = options->progress_context};
  return pw_environment_record(argv, how, false, &v->recorded, err);
}

static int run_all(struct pw_limit_validation *v, struct pw_lab *lab, const char *path, char *const argv[], const struct pw_limit_options *options,
                   struct following *f, struct pw_error *err)
{
  struct pw_environment environment;
  struct pw_drain drain;
  int status = pw_environment_make(&environment, false, 0, err);
  if (status) return status;
  status = pw_drain_start(&drain, options->show_output, err);
  if (!status) fcntl(drain.output, F_SETPIPE_SZ, 4096); /* the group is charged for what is in the pipe */
  struct pw_limit_run_options how = {.output = drain.output, .thp = options->thp != PW_SYSTEM_THP_NEVER, .polled = true,
                                     .environment = environment.list, .stop = stop, .context = f};
  for (unsigned i = 0; !status && i < options->runs; i++) {
    status = pw_limit_run(&v->polled[i], lab, options->memory_bytes, path, argv, &how, err);
    v->n_polled += !status;
  }
  how.polled = false;
  if (!status) status = pw_limit_run(&v->unpolled, lab, options->memory_bytes, path, argv, &how, err);
  pw_drain_end(&drain);
  pw_environment_clear(&environment);
  return status;
}

/* Programs get huge pages as the system gives them: only these can be judged. */
static int check_thp(enum pw_system_thp asked, struct pw_error *err)
{
  char mode[16];
  pw_native_thp_mode(mode);
  if (asked == PW_SYSTEM_THP_NEVER || strcmp(mode, pw_system_thp_name((int)asked)) == 0) return 0;
  return pw_error_set(err, PW_EUNSUPPORTED, "transparent_hugepage/enabled says %s, so that --thp %s cannot be judged here", mode[0] ? mode : "nothing",
                      pw_system_thp_name((int)asked));
}

int pw_validate_limit(char *const argv[], const struct pw_limit_options *options, struct pw_limit_validation *v, struct pw_error *err)
{
  char path[4096];
  struct pw_lab lab = {.device = -1};
  struct following f = {options, v};
  *v = (struct pw_limit_validation){.swappiness = pw_lab_swappiness(), .damon = pw_lab_damon()};
  int status = pw_program_find(path, sizeof path, argv[0], err);
  if (!status) status = check_thp(options->thp, err);
  if (!status) status = pw_lab_begin(&lab, options->swap_bytes, err); /* what is missing is said before the recording */
  if (!status) status = record(argv, options, v, err);
  if (!status) status = predict(v, options, &f, err);
  if (!status) status = run_all(v, &lab, path, argv, options, &f, err);
  pw_lab_end(&lab);
  return status;
}
