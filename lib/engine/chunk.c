/* Lists of touches and lookups for a chunk of visits. See chunk.h. */
#include "engine/chunk.h"

#include "memory/future.h"

void pw_chunk_init(struct pw_chunk *c, enum pw_stream only)
{
  c->only = only;
  pw_chunk_forget(c);
}

void pw_chunk_begin(struct pw_chunk *c, const struct pw_paged *numbered)
{
  c->block = numbered->block;
  c->key = numbered->key;
  c->id = numbered->id;
}

void pw_chunk_forget(struct pw_chunk *c)
{
  c->last[0] = c->last[1] = PW_NO_KEY;
}

/* Openers of visits [from, to) by stream; repeats of a larger page are left out. */
void pw_chunk_openers(struct pw_chunk *c, uint32_t from, uint32_t to, struct pw_hierarchies_input *in)
{
  const uint16_t *page = c->block->page;
  const uint8_t *flags = c->block->flags;
  size_t n[2] = {0, 0};
  uint64_t last[2] = {c->last[0], c->last[1]};
  for (uint32_t i = from; i < to; i++) {
    unsigned stream = flags[i] & PW_VISIT_CODE;
    uint64_t key = c->key[page[i]];
    c->list_key[stream][n[stream]] = key;
    c->list_at[stream][n[stream]] = i - from;
    n[stream] += key != last[stream];
    last[stream] = key;
  }
  c->last[0] = last[0];
  c->last[1] = last[1];
  in->data = (struct pw_lookups){pw_chunk_wants(c, 0) ? n[0] : 0, c->list_key[0], c->list_at[0]};
  in->code = (struct pw_lookups){pw_chunk_wants(c, 1) ? n[1] : 0, c->list_key[1], c->list_at[1]};
}

static inline void put_touch(struct pw_chunk *c, uint32_t index, unsigned code, unsigned wrote)
{
  c->touch_key[c->n] = c->key[index];
  c->touch_id[c->n] = c->id[index];
  c->touch_page[c->n] = (uint16_t)index;
  c->code[c->n] = (uint8_t)code;
  c->wrote[c->n++] = (uint8_t)wrote;
}

/* Every touch of the patterns of visits [from, to), and who alternated longer, as far
 * as the block tells (it does when someone asked for counts). */
void pw_chunk_touches(struct pw_chunk *c, uint32_t from, uint32_t to)
{
  const uint16_t *touches = c->only == PW_STREAM_BOTH ? c->block->touches : NULL;
  c->n = 0;
  c->n_alternations = 0;
  for (uint32_t i = from; i < to; i++) {
    uint8_t flags = c->block->flags[i];
    unsigned stream = flags & PW_VISIT_CODE, n = pw_visit_touches(flags);
    c->current[stream] = c->block->page[i];
    for (unsigned k = 0; k < n; k++) {
      unsigned of = k % 2 ? 1 - stream : stream; /* C O C O */
      if (!pw_chunk_wants(c, of)) continue;
      uint32_t index = c->current[of];
      unsigned wrote = of ? 0 : flags & (k < 2 ? PW_VISIT_WROTE_1 : PW_VISIT_WROTE_2);
      put_touch(c, index, of, wrote != 0);
    }
    if (touches && touches[i] > n)
      c->alternations[c->n_alternations++] =
          (struct pw_alternation){.key = {c->key[c->current[0]], c->key[c->current[1]]},
                                  .after = (uint32_t)c->n - 1,
                                  .touches = touches[i] - n - 2}; /* the excess is even */
  }
}

/* The touches by stream, each victim before the touch that pushed it out, and one more
 * touch of each page after a visit that alternated longer. Memory has settled by then,
 * but not each second level: see pw_hierarchy_alternates. */
void pw_chunk_lookups(struct pw_chunk *c, const struct pw_victims *victims, const uint64_t *key_of, bool alternating,
                      struct pw_hierarchies_input *in)
{
  struct pw_lookups *list[2] = {&in->data, &in->code};
  for (unsigned s = 0; s < 2; s++) *list[s] = (struct pw_lookups){0, c->list_key[s], c->list_at[s]};
  in->alternations = c->alternations;
  in->n_alternations = alternating ? c->n_alternations : 0;
  size_t v = 0, a = 0;
  for (size_t i = 0; i < c->n; i++) {
    uint32_t at = (uint32_t)i * 4;
    for (; v < victims->n && victims->at[v] == i; v++) {
      uint64_t key = key_of[victims->id[v]];
      pw_lookups_put(&in->code, key, at | PW_AT_INVALIDATE);
      pw_lookups_put(&in->data, key, at | PW_AT_INVALIDATE);
    }
    unsigned last = c->code[i];
    pw_lookups_put(list[last], c->touch_key[i], at);
    if (a < in->n_alternations && c->alternations[a].after == i) {
      pw_lookups_put(list[1 - last], c->alternations[a].key[1 - last], at + 1);
      pw_lookups_put(list[last], c->alternations[a].key[last], at + 2);
      a++;
    }
  }
}

static int note_stretch(struct pw_chunk *c, uint32_t from, uint32_t to, struct pw_future *future, struct pw_error *err)
{
  int status = 0;
  for (; !status && from < to; from += PW_CHUNK_VISITS) {
    pw_chunk_touches(c, from, to - from < PW_CHUNK_VISITS ? to : from + PW_CHUNK_VISITS);
    status = pw_future_note(future, c->touch_id, c->n, err);
  }
  return status;
}

static int note_step(const struct pw_step *s, const struct pw_paged *b, struct pw_future *future, struct pw_error *err)
{
  int status = s->kind == PW_STEP_KERNEL ? pw_future_note(future, b->touched + s->first, s->n, err) : 0;
  for (size_t k = 0; !status && s->kind == PW_STEP_MOVE && k < s->n; k++) {
    uint32_t id = b->left[s->first + k].to | PW_FUTURE_ASKS;
    status = pw_future_note(future, &id, 1, err);
  }
  return status;
}

int pw_chunk_note(struct pw_chunk *c, const struct pw_paged *b, struct pw_future *future, struct pw_error *err)
{
  int status = 0;
  uint32_t from = 0;
  pw_chunk_begin(c, b);
  for (size_t i = 0; !status && i < b->n_steps; i++) {
    status = note_stretch(c, from, b->steps[i].at, future, err);
    from = b->steps[i].at;
    if (!status) status = note_step(&b->steps[i], b, future, err);
  }
  return status ? status : note_stretch(c, from, b->block->n_visits, future, err);
}
