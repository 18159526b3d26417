/* A run as it is kept: what code_runs.c makes and code_runs_take.c takes.
 *
 * Most runs are whole in one line of the cache, since those of a large program do not fit it;
 * what is rarely needed of them lies elsewhere. */
#ifndef PW_CODE_RUN_H
#define PW_CODE_RUN_H

#include "base/block.h"
#include "record/ring.h"
#include "record/code_runs.h"

/* Fetches on one page, then a data access (the last step of a run, and where code goes on to another page: none). */
struct pw_run_step {
  uint32_t fetches; /* and the touch of the first above them, PW_TALLY_TOUCH, if data came before */
  uint16_t before;  /* the access does not straddle from offsets in its page below this */
  uint8_t kind;     /* of the data: its number, see below, times PW_RUN_KIND_BYTES; 0 none */
  uint8_t leap;     /* number of the page among those of the run */
};

enum { PW_RUN_LINE_BYTES = 64, PW_RUN_STEPS_IN_LINE = 4 };

/* Most are whole in a line of the cache: the runs of a large program do not fit it. */
struct pw_code_run {
  uint64_t page;        /* of the first fetch */
  const struct pw_run_step *more; /* n_steps, and the fetches behind the last of them; NULL: all are here */
  uint16_t n_words, n_steps;
  uint16_t accesses;    /* if all data happen and none straddle */
  uint16_t total;       /* at most, cut to base pages: no more visits either */
  uint8_t begins, ends; /* stream of the first and the last access */
  bool leaps;           /* to another page of code, maybe; else all is on that of the first step, and each but the last has data */
  struct pw_run_step steps[PW_RUN_STEPS_IN_LINE];
};
_Static_assert(sizeof(struct pw_code_run) == PW_RUN_LINE_BYTES, "a run is to take one line of the cache");

/* Of a step, for the side columns. */
struct pw_run_side {
  uint64_t fetch, data; /* address of its first fetch, and of the instruction that accesses data (0: told in another run) */
};

/* What is rarely needed of a run. */
struct pw_code_told {
  uint64_t *items;      /* n_items; behind them the pages by the number of the leap */
  struct pw_run_step *steps;   /* where they do not fit the line */
  struct pw_run_side *sides;   /* by step */
  uint64_t at;          /* address of the last fetch, or 0 */
  uint32_t n_items;
};

/* Kinds of data access, as they stand in a step: multiplied by the size of what code_runs_take.c knows of each. */
enum { PW_RUN_AFTER_FETCH = 3 /* more than enum pw_op */, PW_RUN_KIND_BYTES = 24 };

static inline uint64_t pw_run_fetch_address(uint64_t item)
{
  return (uint64_t)((int64_t)(item << 16) >> 16); /* 48 bits, sign-extended */
}

static inline uint32_t pw_run_item_bytes(uint64_t item)
{
  uint32_t bytes = PW_RING_ITEM_BYTES(item), most = PW_RING_ITEM_OP(item) == PW_FETCH ? 4096 : UINT32_MAX;
  return bytes == 0 ? 1 : bytes < most ? bytes : most;
}

#endif
