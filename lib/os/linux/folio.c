/* Who maps a page. See folio.h. */
#include "os/linux/folio.h"

#include <string.h>

#include "base/alloc.h"
#include "os/linux/mm.h"

enum { STALE_MOST = 8 }; /* beside one for each that is mapped */

uint32_t pw_folio_make(struct pw_folios *f, uint32_t frame, unsigned order)
{
  if (pw_grow((void **)&f->list, &f->room, f->n + 1, sizeof *f->list) ||
      pw_grow((void **)&f->spare, &f->spare_room, f->n + 1, sizeof *f->spare))
    return PW_NO_FOLIO;
  uint32_t number = f->n_spare ? f->spare[--f->n_spare] : (uint32_t)f->n++;
  f->list[number] = (struct pw_folio){.key = PW_PRIVATE, .frame = frame, .order = (uint8_t)order, .slot = PW_NO_SLOT, .list = PW_NO_LIST};
  return number;
}

void pw_folio_drop(struct pw_folios *f, uint32_t number)
{
  pw_free(f->list[number].others);
  f->list[number].others = NULL;
  f->list[number].list = PW_NO_LIST;
  f->spare[f->n_spare++] = number;
}

void pw_folios_clear(struct pw_folios *f)
{
  for (size_t i = 0; i < f->n; i++) pw_free(f->list[i].others);
  pw_free(f->list);
  pw_free(f->spare);
  *f = (struct pw_folios){0};
}

/* ---- mappings ---- */

/* The entry of one of its pages, if it maps that. */
static uint32_t *entry_of(const struct pw_folio *f, const struct pw_mm *mm, uint64_t page, uint32_t number)
{
  if (!mm->tables.root || page >= mm->tables.end) return NULL;
  struct pw_ptables_at at = pw_ptables_find(&mm->tables, page);
  uint32_t *pte = at.ptes ? &at.ptes[page & (pw_ptables_leaf(&mm->tables) - 1)] : NULL;
  return pte && pw_pte_maps(*pte) && pw_pte_frame(*pte) == f->frame + number ? pte : NULL;
}

static struct pw_huge *huge_of(const struct pw_folio *f, const struct pw_mm *mm, uint64_t page)
{
  if (!f->order || !mm->tables.root || page >= mm->tables.end) return NULL;
  struct pw_huge *huge = pw_ptables_find(&mm->tables, page).huge;
  return huge && huge->aside && page % PW_HUGE_PAGES == 0 && pw_pte_maps(huge->pte) && pw_pte_frame(huge->pte) == f->frame ? huge : NULL;
}

static bool is_mapped(const struct pw_folio *f, const struct pw_rmap *m)
{
  bool is = huge_of(f, m->mm, m->page) != NULL;
  for (uint32_t i = 0; !is && i >> f->order == 0; i++) is = entry_of(f, m->mm, m->page + i, i) != NULL;
  return is;
}

static int by_place(const void *a, const void *b)
{
  const struct pw_rmap *x = a, *y = b;
  if (x->mm != y->mm) return x->mm < y->mm ? -1 : 1;
  return x->page < y->page ? -1 : x->page > y->page;
}

static bool is_same(const struct pw_rmap *a, const struct pw_rmap *b)
{
  return a->mm == b->mm && a->page == b->page;
}

/* Those that are mapped stay, each once. */
static void clean(struct pw_folio *f)
{
  uint32_t n = 0;
  pw_sort(f->others, f->n_others, sizeof *f->others, by_place);
  for (uint32_t i = 0; i < f->n_others; i++) {
    const struct pw_rmap m = f->others[i];
    if ((n && is_same(&f->others[n - 1], &m)) || is_same(&f->first, &m) || !is_mapped(f, &m)) continue;
    f->others[n++] = m;
  }
  f->n_others = n;
}

static int add(struct pw_folio *f, const struct pw_rmap *m)
{
  size_t room = f->others_room;
  if (is_same(&f->first, m) || (f->n_others && is_same(&f->others[f->n_others - 1], m))) return 0;
  if (f->n_others == f->others_room && f->n_others > 2 * f->holders + STALE_MOST) clean(f);
  if (pw_grow((void **)&f->others, &room, f->n_others + UINT64_C(1), sizeof *f->others)) return PW_ENOMEM;
  f->others_room = (uint32_t)room;
  f->others[f->n_others++] = *m;
  return 0;
}

int pw_folio_map(struct pw_folio *f, struct pw_mm *mm, uint64_t page, uint32_t n)
{
  const struct pw_rmap m = {mm, page};
  if (f->holders == 0) {
    f->first = m;
    f->n_others = 0;
  }
  int status = add(f, &m);
  f->holders += status ? 0 : n;
  return status;
}

int pw_folio_moved(struct pw_folio *f, struct pw_mm *mm, uint64_t page)
{
  const struct pw_rmap m = {mm, page};
  if (f->holders == 1) {
    f->first = m;
    f->n_others = 0;
  }
  return add(f, &m);
}

static void each_of(const struct pw_folio *f, const struct pw_rmap *m, pw_entry_fn *take, void *context)
{
  struct pw_huge *huge = huge_of(f, m->mm, m->page);
  if (huge) {
    take(context, m->mm, m->page, &huge->pte, true);
    return;
  }
  for (uint32_t i = 0; i >> f->order == 0; i++) {
    uint32_t *pte = entry_of(f, m->mm, m->page + i, i);
    if (pte) take(context, m->mm, m->page + i, pte, false);
  }
}

void pw_folio_each(const struct pw_folio *f, pw_entry_fn *take, void *context)
{
  if (f->first.mm) each_of(f, &f->first, take, context);
  for (uint32_t i = 0; i < f->n_others; i++) each_of(f, &f->others[i], take, context);
}
