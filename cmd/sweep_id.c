/* Which sweep it is: what decides its rows as hashes and a line, and where it keeps a trace. */
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "heap.h"
#include "sweep.h"

char *unfinished_path(const struct sweep *sweep, size_t number, const char *suffix)
{
  return heap_text("%s/unfinished/%04zu.%s", sweep->folder, number, suffix);
}

/* FNV-1a, 64 bits: it tells sweeps apart and guards against no enemy. */
static uint64_t hash(uint64_t seed, const void *data, size_t n)
{
  for (size_t i = 0; i < n; i++) seed = (seed ^ ((const unsigned char *)data)[i]) * 0x100000001b3;
  return seed;
}

static uint64_t hash_number(uint64_t seed, uint64_t number)
{
  return hash(seed, &number, sizeof number);
}

static uint64_t hash_text(uint64_t seed, const char *text)
{
  return hash(seed, text, strlen(text) + 1);
}

static uint64_t hash_table(uint64_t h, const struct pw_geometry *geometry)
{
  h = hash_text(h, geometry->name);
  for (unsigned i = 0; i < geometry->n_levels; i++) h = hash_number(h, geometry->width_bits[i]);
  return h;
}

static uint64_t hash_parameter(uint64_t h, const struct pw_parameter *p, const struct pw_config *config)
{
  const struct pw_tlb_config *tlb = pw_config_tlb(config, p);
  if (!p->columns[0].name || (p->applies && !p->applies(config))) return h;
  if (p->kind == PW_PARAMETER_TABLE) return hash_table(h, config->geometry);
  if (!tlb) return hash_number(h, pw_config_number(config, p));
  h = hash_number(hash_number(h, tlb->entries), tlb->ways);
  return tlb->entries ? hash_number(h, (uint64_t)tlb->policy) : h;
}

uint64_t sweep_configs_hash(const struct sweep *sweep)
{
  const struct pw_parameter *p;
  const struct pw_count *c;
  uint64_t h = 0xcbf29ce484222325;
  for (size_t i = 0; i < sweep->plan.n_configs; i++)
    for (size_t k = 0; (p = pw_parameter_entry(k)); k++) h = hash_parameter(h, p, &sweep->plan.configs[i]);
  for (size_t i = 0; (c = pw_count_entry(i)); i++)
    if (c->since > 0) h = hash_text(h, c->name); /* kept rows without this column must not be carried on */
  return h;
}

/* The options that decide numbers, on one line. */
char *sweep_options_line(const struct sweep *sweep)
{
  const struct running *r = &sweep->running;
  return heap_text("seed=%ju asid=%d only=%d warmup=%ju skip=%ju limit=%ju skip-bad=%d ignore-events=%d ignore-kernel=%d "
                   "format=%s",
                   (uintmax_t)r->seed, !r->no_asid, (int)r->only, (uintmax_t)r->trace.warmup,
                   (uintmax_t)r->trace.skip, (uintmax_t)r->trace.limit, r->trace.skip_bad,
                   r->trace.ignore_events, r->trace.ignore_kernel, r->trace.format ? r->trace.format : "");
}

uint64_t sweep_fingerprint(const struct sweep *sweep)
{
  char *options = sweep_options_line(sweep);
  uint64_t h = hash_text(hash_text(sweep_configs_hash(sweep), PW_VERSION), options);
  free(options);
  for (size_t i = 0; i < sweep->traces.n; i++)
    h = hash_number(hash_text(h, sweep->traces.items[i]), file_bytes(sweep->traces.items[i]));
  return h;
}
