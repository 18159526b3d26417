/* Slots of a swap device. See swap.h. */
#include "os/linux/swap.h"

#include "base/alloc.h"
#include "os/linux/folio.h"
#include "pagewalk.h"

/* Room for slots up to `end`. */
static int reserve(struct pw_swap *s, uint64_t end)
{
  return pw_grow((void **)&s->slots, &s->slots_room, end, sizeof *s->slots) || pw_grow((void **)&s->spare, &s->spare_room, end, sizeof *s->spare)
             ? PW_ENOMEM
             : 0;
}

/* Slots up to `end` are known from here on. */
static void know(struct pw_swap *s, uint64_t end)
{
  while (s->n_slots < end) s->slots[s->n_slots++] = (struct pw_slot){.folio = PW_NO_FOLIO};
}

static int take_row(struct pw_swap *s, uint32_t pages, uint32_t *slot)
{
  uint64_t first = (s->n_slots + pages - 1) / pages * pages;
  if (first + pages > s->n) return 1;
  if (reserve(s, first + pages)) return PW_ENOMEM;
  for (uint64_t i = s->n_slots; i < first; i++) s->spare[s->n_spare++] = (uint32_t)i;
  know(s, first + pages);
  *slot = (uint32_t)first;
  s->used += pages;
  return 0;
}

int pw_swap_take(struct pw_swap *s, uint32_t pages, uint32_t *slot)
{
  if (pages > 1 || s->n_slots < s->n) return take_row(s, pages, slot);
  if (!s->n_spare) return 1;
  *slot = s->spare[--s->n_spare];
  s->slots[*slot] = (struct pw_slot){.folio = PW_NO_FOLIO};
  s->used++;
  return 0;
}

void pw_swap_give(struct pw_swap *s, uint32_t slot)
{
  s->slots[slot] = (struct pw_slot){.folio = PW_NO_FOLIO};
  s->spare[s->n_spare++] = slot;
  s->used--;
}

void pw_swap_clear(struct pw_swap *s)
{
  pw_free(s->slots);
  pw_free(s->spare);
  *s = (struct pw_swap){0};
}
