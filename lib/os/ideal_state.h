/* What an account knows; for ideal.c, which follows the visits, and ideal_events.c,
 * which follows the events between them, with ideal_pages.c, which follows their pages. */
#ifndef PW_IDEAL_STATE_H
#define PW_IDEAL_STATE_H

#include "base/block.h"
#include "os/ideal.h"
#include "os/pages.h"
#include "os/present.h"
#include "space/spaces.h"
#include "mmu/geometry.h"
#include "os/tables.h"

struct pw_ideal_fit {
  const struct pw_geometry *geometry;
  unsigned bits;          /* that the widest address needs, once one did not fit; else 0 */
  uint64_t page;          /* a base page that did not fit */
};

/* What a block came to. Two of them take turns, so that models may still read the
 * last while the next is written. */
struct pw_ideal_output {
  struct pw_paged numbered;
  uint64_t *new_key;
  struct pw_step *steps;
  struct pw_left *left;
  uint32_t *gone, *touched, *touched_id;
  struct pw_change *changes;
  size_t n_left, n_gone, n_touched, n_changes;
  size_t new_room, steps_room, left_room, gone_room, touched_room, touched_id_room, changes_room;
  uint64_t key[PW_BLOCK_VISITS]; /* the large arrays come last: nobody clears them */
  uint32_t id[PW_BLOCK_VISITS];
  uint32_t frame[PW_BLOCK_VISITS]; /* only where frames have numbers, of pages that are touched */
};
#define PW_NO_FRAME UINT32_MAX

struct pw_ideal {
  struct pw_os os;
  unsigned page_shift, shift; /* shift: over base pages */
  struct pw_run_options options;
  struct pw_pages pages;
  struct pw_frames frames;
  struct pw_present *present; /* by process */
  size_t present_room;
  uint32_t *alone;        /* by id: the process's age at which its frame was known to be its own; grown at stores */
  size_t alone_room;
  bool finite;            /* finite memories read what it lends */
  uint32_t *frame_of;     /* by id, of touched pages, once frames have numbers (frames.all) for finite memories */
  uint32_t *lent;         /* by index of the block's page: the frame that models know of now, or PW_NO_FRAME */
  size_t frame_of_room, lent_room;
  struct pw_tables *tables;
  struct pw_spaces spaces;
  struct pw_ideal_fit *fits;
  size_t n_fits, fits_room;
  uint32_t process, n_processes;
  bool exited[PW_PROCESSES];
  uint64_t minor_faults;  /* since the last reset */
  bool emptied;           /* pages left by themselves, so that tables may be empty */
  bool watching, shares;
  uint8_t *streams;       /* by id, while watching: 1 = a data page, 2 = a code page, 4 = touched by the kernel */
  size_t streams_room;
  struct pw_ideal_output *output[2];
  unsigned turn;
  bool logging;           /* each page is written down as it comes and goes: all have numbers, and nodes are not shared */
  bool failed;            /* memory ran out where nothing could be said */
  struct pw_change cause; /* of what happens now: at, event, id */
};

int pw_ideal_out_of_memory(struct pw_error *err);
struct pw_step *pw_ideal_add_step(struct pw_ideal_output *out, uint32_t at, enum pw_step_kind kind);
/* Writes down a change of kind, id, from, where that is asked for. Tables that follow are this page's. */
void pw_ideal_log_page(struct pw_ideal *account, enum pw_change_kind kind, uint32_t id, uint32_t from);
void pw_ideal_log_leave(struct pw_ideal *account, uint32_t id, bool returned);
/* Room for what is known of so many processes: 0, or -1 when memory runs out. */
int pw_ideal_reserve_processes(struct pw_ideal *account, size_t n);
void pw_ideal_add_process(struct pw_ideal *account, uint32_t process); /* reserved */
int pw_ideal_event(struct pw_ideal *account, struct pw_ideal_output *out, const struct pw_event *event, struct pw_error *err);

/* ---- frames, by ideal_frames.c; 0, or -1 when memory runs out, or `failed` is set ---- */

/* From here on a page's number is not its frame's: each frame in use gets one. */
int pw_ideal_number_frames(struct pw_ideal *account, struct pw_ideal_output *out);
void pw_ideal_put_frame(struct pw_ideal *account, uint32_t id); /* the page is in another frame now, or in one at last */
/* Of the step that was added last: this frame went; those went that are free since `before` was the first free number. */
int pw_ideal_put_gone(struct pw_ideal_output *out, uint32_t frame);
int pw_ideal_put_all_gone(struct pw_ideal *account, struct pw_ideal_output *out, uint32_t before);
/* The frame of a touched page is touched at the cause's place: memory alone sees it. */
void pw_ideal_touch_frame(struct pw_ideal *account, uint32_t id, bool wrote);
/* The page of this index is touched by a visit: is it in the frame that models know of? `copied`: by that visit. */
void pw_ideal_lend_frame(struct pw_ideal *account, struct pw_ideal_output *out, uint32_t index, bool copied);

/* ---- pages of the running process, by ideal_pages.c; 0, or -1 when memory runs out ---- */

struct pw_ideal_range {
  uint64_t low, high; /* pages at the page size; low > high: none */
};
struct pw_ideal_leaving {
  bool keep_tables;
  bool returns;       /* because the program gave it back */
};
/* The pages of the range that are present leave, before visit `at`, as they are unmapped. */
int pw_ideal_leave(struct pw_ideal *account, struct pw_ideal_output *out, uint32_t at, struct pw_ideal_range range,
                   struct pw_ideal_leaving how);
/* Base pages first ... last are discarded, move to where base page `to` is the first, or are touched by the kernel. */
int pw_ideal_discard(struct pw_ideal *account, struct pw_ideal_output *out, uint32_t at, uint64_t first, uint64_t last);
int pw_ideal_move(struct pw_ideal *account, struct pw_ideal_output *out, uint32_t at, uint64_t first, uint64_t last, uint64_t to);
int pw_ideal_kernel(struct pw_ideal *account, uint64_t first, uint64_t last, bool wrote);
/* A new process has what the running one has. */
int pw_ideal_inherit(struct pw_ideal *account, struct pw_ideal_output *out, uint32_t child);

/* Room for what is known of the streams of each page. */
int pw_ideal_reserve_streams(struct pw_ideal *account);
static inline void pw_ideal_note_stream(struct pw_ideal *a, uint32_t id, uint8_t stream)
{
  uint8_t streams = a->streams[id] |= stream;
  a->shares |= (streams & (streams - 1)) != 0;
}

/* An address of this base page needs tables: do they reach it? */
void pw_ideal_check_fit(struct pw_ideal *account, uint64_t base_page);

/* A page that was not touched is, at an address on this base page: it may be new. */
void pw_ideal_arrive(struct pw_ideal *account, uint32_t id, uint64_t key, uint64_t base_page);
static inline void pw_ideal_touch(struct pw_ideal *a, uint32_t id, uint64_t key, uint64_t base_page)
{
  if (!a->pages.touched[id]) pw_ideal_arrive(a, id, key, base_page);
}

/* A page that is present is stored to: is it copied? For that the shared frame is touched. */
bool pw_ideal_store(struct pw_ideal *account, uint32_t id);

#endif
