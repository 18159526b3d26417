/* Frames as finite memories know them: their numbers, which pages are in them, and what touches and leaves them
 * besides visits; docs/models.md, "How the direct engine shares work". */
#include <string.h>

#include "base/alloc.h"
#include "os/ideal_state.h"

void pw_ideal_put_frame(struct pw_ideal *a, uint32_t id)
{
  const struct pw_present *p = &a->present[pw_key_process(a->pages.key[id])];
  if (pw_grow((void **)&a->frame_of, &a->frame_of_room, id + 1, sizeof *a->frame_of)) a->failed = true;
  else a->frame_of[id] = pw_present_frame(p, a->pages.key[id] & PW_PAGE_MASK) - 1;
}

/* Memories go on with what they know: the frames in use get the numbers of their pages, which they had until now. */
int pw_ideal_number_frames(struct pw_ideal *a, struct pw_ideal_output *out)
{
  size_t n = a->pages.n_ids;
  if (!a->finite || a->frames.all) return 0;
  struct pw_step *step = pw_ideal_add_step(out, a->cause.at, PW_STEP_LEAVE); /* of what is not there: these numbers are new */
  if (!step || pw_frames_number(&a->frames, n)) return -1;
  for (size_t id = n; id-- > 0;) {
    uint64_t key = a->pages.key[id];
    uint32_t number = (uint32_t)id + 1;
    if (!a->pages.touched[id]) {
      pw_frames_free(&a->frames, number);
      if (pw_ideal_put_gone(out, (uint32_t)id)) return -1;
    } else {
      if (pw_present_number(&a->frames, &a->present[pw_key_process(key)], key & PW_PAGE_MASK, number)) return -1;
      pw_ideal_put_frame(a, (uint32_t)id);
    }
  }
  step->n_gone = out->n_gone - step->first_gone;
  memcpy(out->frame, out->id, out->numbered.block->n_pages * sizeof *out->frame);
  memcpy(a->lent, out->id, out->numbered.block->n_pages * sizeof *a->lent);
  return 0;
}

void pw_ideal_touch_frame(struct pw_ideal *a, uint32_t id, bool wrote)
{
  struct pw_ideal_output *out = a->output[a->turn];
  struct pw_paged *n = &out->numbered;
  struct pw_step *step = n->n_steps ? &out->steps[n->n_steps - 1] : NULL;
  if (!a->finite || a->failed) return;
  bool goes_on = step && step->kind == PW_STEP_TOUCH && step->at == a->cause.at && step->event == PW_BY_VISIT &&
      step->wrote == wrote;
  if (!goes_on) step = pw_ideal_add_step(out, a->cause.at, PW_STEP_TOUCH);
  if (!step || pw_grow((void **)&out->touched, &out->touched_room, out->n_touched + 1, sizeof *out->touched) ||
      pw_grow((void **)&out->touched_id, &out->touched_id_room, out->n_touched + 1, sizeof *out->touched_id)) {
    a->failed = true;
    return;
  }
  step->wrote = wrote;
  step->n++;
  if (a->watching && !a->shares) {
    if (pw_ideal_reserve_streams(a)) a->failed = true;
    else pw_ideal_note_stream(a, id, 4);
  }
  out->touched_id[out->n_touched] = id;
  out->touched[out->n_touched++] = a->frames.all ? a->frame_of[id] : id;
}

void pw_ideal_lend_frame(struct pw_ideal *a, struct pw_ideal_output *out, uint32_t index, bool copied)
{
  if (a->failed || !a->pages.touched[out->id[index]]) return;
  uint32_t frame = a->frame_of[out->id[index]], before = a->lent[index];
  if (before == frame) return;
  a->lent[index] = frame;
  if (before == PW_NO_FRAME) {
    out->frame[index] = frame;
    return;
  }
  struct pw_step *step = pw_ideal_add_step(out, a->cause.at, PW_STEP_REMAP);
  if (!step) {
    a->failed = true;
    return;
  }
  step->wrote = copied;
  step->index = index;
  step->frame = frame;
  out->numbered.remaps = true;
}

int pw_ideal_put_gone(struct pw_ideal_output *out, uint32_t frame)
{
  if (pw_grow((void **)&out->gone, &out->gone_room, out->n_gone + 1, sizeof *out->gone)) return -1;
  out->gone[out->n_gone++] = frame;
  return 0;
}

int pw_ideal_put_all_gone(struct pw_ideal *a, struct pw_ideal_output *out, uint32_t before)
{
  for (uint32_t n = a->frames.free; a->frames.all && n != before; n = a->frames.users[n])
    if (pw_ideal_put_gone(out, n - 1)) return -1;
  return 0;
}
