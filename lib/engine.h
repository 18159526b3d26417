/* The direct engine at one page size: every configuration that has this page size.
 *
 * Configurations share what does not differ between them. Pages and tables are
 * counted once. All TLBs over unlimited memory stand in one front; each finite
 * memory runs once, whatever TLBs stand before it, and tells its front which page
 * left when. Nothing here knows files; run.c feeds blocks.
 *
 * Order within a chunk of visits: pages, memory, TLBs; within one touch a victim
 * leaves the TLBs before the touch is looked up. */
#ifndef PW_ENGINE_H
#define PW_ENGINE_H

#include "memory/mappings.h"
#include "pagewalk.h"

struct pw_engine;

int pw_engine_create(struct pw_engine **engine, unsigned page_shift, const struct pw_run_options *options,
                     const struct pw_mappings *mappings, struct pw_error *err);
void pw_engine_destroy(struct pw_engine *engine);

/* Where a configuration's numbers are. */
struct pw_engine_slot {
  uint32_t tree, fit, memory;    /* memory: UINT32_MAX = unlimited */
  uint32_t alternating, number;  /* which of the memory's two fronts, and where in it */
};
int pw_engine_add(struct pw_engine *engine, const struct pw_config *config, struct pw_engine_slot *slot,
                  struct pw_error *err);

bool pw_engine_looks_ahead(const struct pw_engine *engine);
bool pw_engine_needs_counts(const struct pw_engine *engine);

/* First pass, only when it looks ahead: note blocks, then turn. */
int pw_engine_note(struct pw_engine *engine, const struct pw_block *block, struct pw_error *err);
int pw_engine_turn(struct pw_engine *engine, struct pw_error *err);

/* The pass that counts: a block begins, then its stretches between events. `eventful`
 * says that pages may leave or counting may start inside the block. */
int pw_engine_begin(struct pw_engine *engine, const struct pw_block *block, bool eventful, struct pw_error *err);
int pw_engine_feed(struct pw_engine *engine, uint32_t from, uint32_t to, struct pw_error *err);
void pw_engine_add_process(struct pw_engine *engine);
void pw_engine_remove_process(struct pw_engine *engine);
void pw_engine_flush(struct pw_engine *engine);
/* Base pages first … last of a process are unmapped (the mappings know it already). */
void pw_engine_unmap(struct pw_engine *engine, uint32_t process, uint64_t first, uint64_t last);
void pw_engine_reset_counts(struct pw_engine *engine);

/* Fills a result (counted must be set in it). Too narrow a table sets `unfit`,
 * *unfit_page to a base page that did not fit, and *unfit_bits to the width that fits all. */
void pw_engine_result(const struct pw_engine *engine, const struct pw_engine_slot *slot, const struct pw_config *config,
                      struct pw_result *result, uint64_t *unfit_page, unsigned *unfit_bits);

#endif
