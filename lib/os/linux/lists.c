/* The lists of reclaim, and how pages come to them. See reclaim.h. */
#include "os/linux/computer.h"

static struct pw_folio *folio_at(struct pw_computer *c, uint32_t number)
{
  return &c->reclaim.folios.list[number];
}

struct pw_lruvec *pw_lruvec_of(struct pw_computer *c, uint32_t number)
{
  return &c->reclaim.lru[folio_at(c, number)->charged];
}

/* Is it private memory, or shared memory without a file: what goes to swap? */
bool pw_is_swapped(const struct pw_computer *c, const struct pw_folio *f)
{
  return f->key == PW_PRIVATE || pw_computer_is_shared(c, pw_file_of_key(f->key));
}

enum pw_lru_list pw_list_of(const struct pw_computer *c, uint32_t number)
{
  const struct pw_folio *f = &c->reclaim.folios.list[number];
  bool one_list = c->reclaim.options.policy != PW_SYSTEM_RECLAIM_LINUX;
  return (enum pw_lru_list)(one_list ? 0 : (pw_is_swapped(c, f) ? 0 : 2) + f->active);
}

void pw_list_put(struct pw_computer *c, uint32_t number, enum pw_lru_list list, bool head)
{
  struct pw_lruvec *v = pw_lruvec_of(c, number);
  struct pw_folio *f = folio_at(c, number);
  f->list = (uint8_t)list;
  f->prev = head ? PW_NO_FOLIO : v->tail[list];
  f->next = head ? v->head[list] : PW_NO_FOLIO;
  if (f->prev == PW_NO_FOLIO) v->head[list] = number;
  else folio_at(c, f->prev)->next = number;
  if (f->next == PW_NO_FOLIO) v->tail[list] = number;
  else folio_at(c, f->next)->prev = number;
  v->pages[list] += UINT64_C(1) << f->order;
}

void pw_list_take(struct pw_computer *c, uint32_t number)
{
  struct pw_lruvec *v = pw_lruvec_of(c, number);
  struct pw_folio *f = folio_at(c, number);
  if (f->prev == PW_NO_FOLIO) v->head[f->list] = f->next;
  else folio_at(c, f->prev)->next = f->next;
  if (f->next == PW_NO_FOLIO) v->tail[f->list] = f->prev;
  else folio_at(c, f->next)->prev = f->prev;
  v->pages[f->list] -= UINT64_C(1) << f->order;
  f->list = PW_NO_LIST;
}

void pw_lru_drain(struct pw_computer *c)
{
  struct pw_reclaim *r = &c->reclaim;
  for (unsigned i = 0; i < r->n_batch; i++)
    if (r->batch[i] != PW_NO_FOLIO) pw_list_put(c, r->batch[i], pw_list_of(c, r->batch[i]), true);
  r->n_batch = 0;
}

void pw_lru_add(struct pw_computer *c, uint32_t number)
{
  struct pw_reclaim *r = &c->reclaim;
  if (r->options.policy != PW_SYSTEM_RECLAIM_LINUX) {
    pw_list_put(c, number, PW_ANON_INACTIVE, true);
    return;
  }
  folio_at(c, number)->list = PW_LIST_WAITS;
  r->batch[r->n_batch++] = number;
  if (r->n_batch == PW_LRU_BATCH || folio_at(c, number)->order) pw_lru_drain(c);
}

void pw_lru_remove(struct pw_computer *c, uint32_t number)
{
  struct pw_reclaim *r = &c->reclaim;
  struct pw_folio *f = folio_at(c, number);
  if (f->list == PW_LIST_WAITS)
    for (unsigned i = 0; i < r->n_batch; i++)
      if (r->batch[i] == number) r->batch[i] = PW_NO_FOLIO;
  if (f->list < PW_LISTS) pw_list_take(c, number);
  f->list = PW_NO_LIST;
}

void pw_lru_use(struct pw_computer *c, uint32_t number)
{
  pw_list_take(c, number);
  pw_list_put(c, number, PW_ANON_INACTIVE, true);
}

/* ---- what left and comes again ---- */

uint32_t pw_shadow_make(struct pw_computer *c, uint32_t number)
{
  struct pw_lruvec *v = pw_lruvec_of(c, number);
  const struct pw_folio *f = folio_at(c, number);
  uint32_t shadow = (uint32_t)v->age << 1 | f->workingset;
  v->age += UINT64_C(1) << f->order;
  return shadow;
}

/* Would the page have stayed, had the lists been as long as what came since it left? Then it is needed: active at once. */
void pw_lru_refault(struct pw_computer *c, uint32_t number, uint32_t shadow)
{
  struct pw_reclaim *r = &c->reclaim;
  struct pw_lruvec *v = pw_lruvec_of(c, number);
  struct pw_folio *f = folio_at(c, number);
  if (r->options.policy != PW_SYSTEM_RECLAIM_LINUX) return;
  bool file = !pw_is_swapped(c, f);
  uint64_t distance = ((uint32_t)v->age - (shadow >> 1)) & UINT32_C(0x7fffffff), set = v->pages[PW_FILE_ACTIVE];
  if (f->of) f->of->counts.refaults++;
  if (!file) set += v->pages[PW_FILE_INACTIVE];
  if (pw_swap_free(&r->swap)) set += v->pages[PW_ANON_ACTIVE] + (file ? v->pages[PW_ANON_INACTIVE] : 0);
  if (distance > set) return;
  f->active = true;
  v->age++;
  v->refaults[file]++;
  if (f->of) f->of->counts.activations++;
  if (!(shadow & 1)) return;
  f->workingset = true;
  pw_lru_note_cost(v, file, 32);
}

void pw_lru_note_cost(struct pw_lruvec *v, bool file, uint64_t cost)
{
  uint64_t pages = v->pages[0] + v->pages[1] + v->pages[2] + v->pages[3];
  if (!cost) return; /* nor do old costs fade then (since 6.17) */
  v->cost[file] += cost;
  if (v->cost[0] + v->cost[1] <= pages / 4) return;
  v->cost[0] /= 2;
  v->cost[1] /= 2;
}
