/* Finite memory: the policy table and what policies share. See memory.h. */
#include "memory/memory.h"

#include <string.h>

#include "base/alloc.h"
#include "base/random.h"

static const struct pw_memory_policy *const policies[] = {&pw_memory_lru, &pw_memory_fifo, &pw_memory_clock,
                                                          &pw_memory_random, &pw_memory_opt};

#define N_POLICIES ((int)(sizeof policies / sizeof *policies))
enum { SALT_MEMORY = 16 };

const struct pw_memory_policy *pw_memory_policy(int index)
{
  return index >= 0 && index < N_POLICIES ? policies[index] : NULL;
}

int pw_memory_policy_find(const char *name)
{
  for (int i = 0; i < N_POLICIES; i++)
    if (strcmp(policies[i]->name, name) == 0) return i;
  return -1;
}

int pw_memory_create(struct pw_memory **memory, int policy, uint64_t frames, uint64_t seed, struct pw_error *err)
{
  struct pw_memory *m = *memory = pw_calloc(1, sizeof *m);
  if (!m) return pw_error_set(err, PW_ENOMEM, "memory ran out for the model of a memory; free some and run again");
  m->policy = pw_memory_policy(policy);
  m->frames = frames;
  m->head = m->tail = PW_NO_PAGE;
  m->random = pw_random_seed(seed, SALT_MEMORY);
  return 0;
}

void pw_memory_destroy(struct pw_memory *m)
{
  if (!m) return;
  pw_free(m->state);
  pw_free(m->a);
  pw_free(m->b);
  pw_free(m->next_use);
  pw_free(m->born);
  pw_free(m->frame);
  pw_free(m);
}

int pw_memory_reserve(struct pw_memory *m, const uint64_t *key, size_t n_ids)
{
  m->key = key;
  /* no more frames than pages are ever in use */
  size_t frames = m->frames < n_ids ? (size_t)m->frames : n_ids;
  if (m->policy->in_frames && pw_grow((void **)&m->frame, &m->frame_room, frames, sizeof *m->frame)) return -1;
  if (n_ids <= m->room) return 0;
  size_t more = m->room * 2 > n_ids ? m->room * 2 : n_ids;
  uint8_t *state = pw_realloc(m->state, more, 1);
  if (state) m->state = state;
  uint32_t *a = pw_realloc(m->a, more, sizeof *a);
  if (a) m->a = a;
  uint32_t *b = m->policy->in_frames ? m->b : pw_realloc(m->b, more, sizeof *b);
  if (b) m->b = b;
  if (!state || !a || (!b && !m->policy->in_frames)) return -1;
  if (m->policy->looks_ahead) {
    uint64_t *next = pw_realloc(m->next_use, more, sizeof *next), *born = pw_realloc(m->born, more, sizeof *born);
    if (next) m->next_use = next;
    if (born) m->born = born;
    if (!next || !born) return -1;
  }
  memset(m->state + m->room, 0, more - m->room);
  m->room = more;
  return 0;
}

uint64_t pw_memory_page_bytes(const struct pw_memory *m)
{
  return sizeof *m->state + sizeof *m->a + sizeof *m->b + (m->policy->looks_ahead ? sizeof *m->next_use + sizeof *m->born : 0);
}

void pw_memory_drop(struct pw_memory *m, uint32_t id)
{
  if (id >= m->room) return;
  if (m->state[id] & PW_PAGE_RESIDENT) {
    m->policy->drop(m, id);
    m->used--;
  }
  m->state[id] = 0;
}

void pw_memory_unlink(struct pw_memory *m, uint32_t id)
{
  uint32_t before = m->a[id], after = m->b[id];
  if (before != PW_NO_PAGE) m->b[before] = after;
  else m->head = after;
  if (after != PW_NO_PAGE) m->a[after] = before;
  else m->tail = before;
}

void pw_memory_push(struct pw_memory *m, uint32_t id)
{
  m->a[id] = PW_NO_PAGE;
  m->b[id] = m->head;
  if (m->head != PW_NO_PAGE) m->a[m->head] = id;
  else m->tail = id;
  m->head = id;
}

bool pw_memory_free_frame(struct pw_memory *m, uint32_t *frame)
{
  if (m->used == m->frames) return false;
  /* frames 0 … peak_used-1 were used before, and may hold no page now */
  while (m->lowest_free < m->peak_used && m->frame[m->lowest_free] != PW_NO_PAGE) m->lowest_free++;
  *frame = m->lowest_free++;
  pw_memory_use_frame(m);
  return true;
}

void pw_memory_place(struct pw_memory *m, uint32_t id, uint32_t frame)
{
  m->frame[frame] = id;
  m->a[id] = frame;
}

void pw_memory_release(struct pw_memory *m, uint32_t id)
{
  m->frame[m->a[id]] = PW_NO_PAGE;
  if (m->a[id] < m->lowest_free) m->lowest_free = m->a[id];
}
