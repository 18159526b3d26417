/* Attribution: a run of one configuration, and a second machine whose counts a witness shares out (witness/charges.h).
 *
 * The run itself is an ordinary one, by whichever engine and watched by nobody, so that the sums of the
 * owners are held against numbers that came about in another way. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "witness/charges.h"
#include "witness/heat.h"
#include "base/alloc.h"
#include "base/block.h"
#include "mmu/hierarchy.h"
#include "mmu/geometry.h"
#include "engine/passes.h"
#include "trace/trace.h"

/* ---- the pass ---- */

static int check(const struct pw_config *c, enum pw_by by, enum pw_stream only, struct pw_error *err)
{
  int status = pw_config_check(c, err);
  if (status || by == PW_BY_REGION || by == PW_BY_OBJECT) return status;
  if ((c->itlb.entries || only == PW_STREAM_DATA) && (c->dtlb.entries || only == PW_STREAM_FETCH)) return 0;
  return pw_error_set(err, PW_EINVAL, "by %s only misses are exact, and without an ITLB and a DTLB every access counts as one; "
                                      "give both, or attribute by region",
                      pw_by_name(by));
}

/* ---- the owners ---- */

static void fill_owner(struct pw_owner *to, const struct pw_owners *owners, const struct pw_owned *from, char **texts,
                       const struct pw_config *c)
{
  to->name = texts[from->name];
  to->object = texts[from->object];
  to->counts = from->counts;
  pw_hierarchy_result(c, &to->counts);
  to->counts.walk_refs = to->counts.walks * pw_geometry_walk_levels(c->geometry, c->page_shift);
  to->counts.touched_bytes = pw_share_at_peak(&owners->touched_pages, &from->touched_pages) << c->page_shift;
  to->counts.table_bytes = pw_share_at_peak(&owners->table_bytes, &from->table_bytes);
  to->returned_bytes = from->returned_pages << c->page_shift;
}

/* Nobody is left to be charged but who has anything; the accesses by symbol and function are nobody's. */
static bool is_empty(const struct pw_owner *o)
{
  const struct pw_count *c;
  uint64_t any = o->returned_bytes;
  for (size_t i = 0; (c = pw_count_entry(i)); i++)
    if (c->owned == PW_OWNED_SUMMED) any |= pw_count_value(c, &o->counts);
  return any == 0;
}

static int by_weight(const void *a, const void *b)
{
  const struct pw_owner *x = a, *y = b;
  const struct pw_result *p = &x->counts, *q = &y->counts;
  const uint64_t keys[][2] = {{p->walks, q->walks},
                              {p->itlb_misses + p->dtlb_misses, q->itlb_misses + q->dtlb_misses},
                              {p->minor_faults + p->major_faults, q->minor_faults + q->major_faults},
                              {pw_totals_sum(&p->counted), pw_totals_sum(&q->counted)},
                              {p->touched_bytes, q->touched_bytes}};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (keys[i][0] != keys[i][1]) return keys[i][0] > keys[i][1] ? -1 : 1;
  int order = strcmp(x->name, y->name);
  return order ? order : strcmp(x->object, y->object);
}

static int check_sums(const struct pw_attribution *a, const struct pw_result *total, struct pw_error *err)
{
  const struct pw_count *c;
  bool accesses = a->by == PW_BY_REGION || a->by == PW_BY_OBJECT;
  for (size_t i = 0; (c = pw_count_entry(i)); i++) {
    uint64_t sum = 0, want = pw_count_value(c, total);
    if (c->owned != PW_OWNED_SUMMED || (c->group == PW_GROUP_ACCESSES && !accesses)) continue;
    for (size_t k = 0; k < a->n_owners; k++) sum += pw_count_value(c, &a->owners[k].counts);
    if (sum != want)
      return pw_error_set(err, PW_EINTERNAL, "%s of the owners add up to "
                                             "%" PRIu64 " and not to the run's %" PRIu64 "; please report this with the trace",
                          c->name, sum, want);
  }
  return 0;
}

static int take_owners(struct pw_attribution *a, struct pw_charges *charges, const struct pw_config *c,
                       const struct pw_result *total, struct pw_error *err)
{
  const struct pw_owners *owners = &pw_charges_who(charges)->owners;
  char **texts = a->texts;
  a->owners = pw_calloc(owners->n, sizeof *a->owners);
  if (!a->owners) return pw_error_set(err, PW_ENOMEM, "memory ran out for the owners");
  for (size_t i = 0; i < owners->n; i++) {
    struct pw_owner *o = &a->owners[a->n_owners];
    fill_owner(o, owners, &owners->items[i], texts, c);
    a->total.returned_bytes += o->returned_bytes;
    a->n_owners += !is_empty(o);
  }
  pw_sort(a->owners, a->n_owners, sizeof *a->owners, by_weight);
  a->total.name = "total";
  a->total.object = "";
  a->total.counts = *total;
  return check_sums(a, total, err);
}

/* ---- the heat map ---- */

static int by_place(const void *a, const void *b)
{
  const struct pw_heat_cell *x = a, *y = b;
  if (x->process != y->process) return x->process < y->process ? -1 : 1;
  if (x->address != y->address) return x->address < y->address ? -1 : 1;
  return x->first_access < y->first_access ? -1 : x->first_access > y->first_access;
}

static int take_heat(struct pw_attribution *a, const struct pw_heat *heat, struct pw_error *err)
{
  size_t n = 0;
  char **texts = a->texts;
  for (size_t i = 0; heat && i < heat->rows.n * PW_HEAT_COLUMNS; i++) n += heat->counts[i] > 0;
  a->cells = pw_calloc(n ? n : 1, sizeof *a->cells);
  if (!a->cells) return pw_error_set(err, PW_ENOMEM, "memory ran out for the heat map");
  for (size_t i = 0; heat && i < heat->rows.n * PW_HEAT_COLUMNS; i++) {
    if (!heat->counts[i]) continue;
    uint64_t row = i / PW_HEAT_COLUMNS, column = i % PW_HEAT_COLUMNS, key = heat->keys[row] << heat->row_shift;
    a->cells[a->n_cells++] = (struct pw_heat_cell){
        .process = pw_key_process(key), .region = texts[heat->names[row]],
        .address = (key & PW_PAGE_MASK) << PW_BASE_SHIFT, .bytes = UINT64_C(1) << (PW_BASE_SHIFT + heat->row_shift),
        .first_access = column << heat->column_shift, .accesses = UINT64_C(1) << heat->column_shift,
        .misses = heat->counts[i]};
  }
  pw_sort(a->cells, a->n_cells, sizeof *a->cells, by_place);
  return 0;
}

/* ---- all of it ---- */

static int take_texts(struct pw_attribution *a, const struct pw_spaces *spaces, struct pw_error *err)
{
  char **texts = pw_calloc(spaces->texts.n + 1, sizeof *texts);
  a->texts = texts;
  a->mapped = spaces->known;
  for (size_t i = 0; texts && i < spaces->texts.n; i++)
    if (!(texts[i] = pw_strdup(spaces->texts.texts[i])))
      return pw_error_set(err, PW_ENOMEM, "memory ran out for the owners' names");
  return texts ? 0 : pw_error_set(err, PW_ENOMEM, "memory ran out for the owners' names");
}

void pw_attribution_clear(struct pw_attribution *a)
{
  char **texts = a->texts;
  for (size_t i = 0; texts && texts[i]; i++) pw_free(texts[i]);
  pw_free(texts);
  pw_free(a->owners);
  pw_free(a->cells);
  *a = (struct pw_attribution){0};
}

static int run(struct pw_run *r, const struct pw_config *c, struct pw_charges *charges, struct pw_heat *heat,
               struct pw_attribution *a,
               struct pw_error *err)
{
  struct pw_witness *first = heat ? &heat->witness : (struct pw_witness *)charges;
  struct pw_result total;
  if (heat) first->next = (struct pw_witness *)charges;
  int status = pw_lanes_plan(r->lanes, c, 1, err);
  if (!status) status = pw_lanes_watch(r->lanes, c, first, true, err);
  if (!status) status = pw_run_pass(r, err);
  if (!status) status = pw_run_report(r, c, 1, &total, err);
  if (!status) status = take_texts(a, &pw_charges_who(charges)->spaces, err);
  if (!status) status = take_owners(a, charges, c, &total, err);
  return status ? status : take_heat(a, heat, err);
}

int pw_attribute(struct pw_trace *trace, const struct pw_config *config, enum pw_by by, enum pw_heat_of heat_of,
                 const struct pw_run_options *options, struct pw_attribution *a, struct pw_error *err)
{
  struct pw_run r;
  struct pw_run_options own = options ? *options : (struct pw_run_options){0};
  struct pw_charges *charges = NULL;
  struct pw_heat *heat = NULL;
  *a = (struct pw_attribution){.by = by, .heat = heat_of};
  own.jobs = 1; /* blocks are copied for other threads without their side columns */
  /* with finite memory directly: the other engine might have to begin again */
  if (config->memory_bytes != PW_UNLIMITED) own.engine = PW_ENGINE_DIRECT;
  int status = pw_run_begin(&r, pw_trace_blocks(trace), &own, err);
  if (!status) status = check(config, by, own.only, err);
  if (!status) status = pw_charges_create(&charges, pw_trace_info(trace)->path, config, by, own.only, err);
  if (!status && heat_of != PW_HEAT_NONE) {
    heat = pw_heat_create(heat_of, config, own.only, pw_charges_who(charges));
    if (!heat) status = pw_error_set(err, PW_ENOMEM, "memory ran out for the heat map");
  }
  if (!status) status = run(&r, config, charges, heat, a, err);
  pw_run_end(&r);
  pw_heat_destroy(heat);
  pw_charges_destroy(charges);
  return status;
}
