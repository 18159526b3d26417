/* The buddy allocator. See buddy.h. */
#include "os/linux/buddy.h"

#include "base/alloc.h"

/* Whom a type asks when it has nothing itself, in order. */
static const enum pw_migrate fallbacks[PW_MIGRATE_TYPES][PW_MIGRATE_TYPES - 1] = {
    [PW_UNMOVABLE] = {PW_RECLAIMABLE, PW_MOVABLE},
    [PW_MOVABLE] = {PW_RECLAIMABLE, PW_UNMOVABLE},
    [PW_RECLAIMABLE] = {PW_UNMOVABLE, PW_MOVABLE},
};

/* ---- lists ---- */

static void insert(struct pw_buddy *f, uint32_t frame, unsigned order, enum pw_migrate type)
{
  uint32_t *head = &f->head[order][type];
  f->frames[frame] = (struct pw_frame){.next = *head & PW_NO_FRAME, .prev = PW_NO_FRAME, .order = order & 15u, .type = type, .is_free = 1};
  if (*head != PW_NO_FRAME) f->frames[*head].prev = frame & PW_NO_FRAME;
  *head = frame;
  f->blocks_free[order][type]++;
}

static void unlink_block(struct pw_buddy *f, uint32_t frame)
{
  struct pw_frame *b = &f->frames[frame];
  if (b->prev != PW_NO_FRAME) f->frames[b->prev].next = b->next;
  else f->head[b->order][b->type] = (uint32_t)b->next;
  if (b->next != PW_NO_FRAME) f->frames[b->next].prev = b->prev;
  f->blocks_free[b->order][b->type]--;
  b->is_free = 0;
}

/* ---- pageblocks ---- */

/* Frames of a block change hands: counts of the pageblocks that it lies in. */
static void count(struct pw_buddy *f, uint32_t frame, unsigned order, int free, int movable)
{
  unsigned most = order < PW_PAGEBLOCK_ORDER ? order : PW_PAGEBLOCK_ORDER;
  for (uint64_t at = frame, end = frame + (UINT64_C(1) << order); at < end; at += PW_PAGEBLOCK) {
    struct pw_pageblock *block = &f->blocks[at >> PW_PAGEBLOCK_ORDER];
    block->free = (uint16_t)(block->free + free * (1 << most));
    block->movable = (uint16_t)(block->movable + movable * (1 << most));
  }
}

static uint64_t pageblock_end(const struct pw_buddy *f, uint32_t first)
{
  uint64_t end = (uint64_t)first + PW_PAGEBLOCK;
  return end < f->n ? end : f->n;
}

/* Its free blocks go to the lists of a type, and it is of that type from here on. */
static void convert(struct pw_buddy *f, uint32_t frame, enum pw_migrate type)
{
  uint32_t first = frame & ~(uint32_t)(PW_PAGEBLOCK - 1);
  for (uint64_t at = first, end = pageblock_end(f, first); at < end;) {
    struct pw_frame *b = &f->frames[at];
    if (!b->is_free) {
      at++;
      continue;
    }
    unsigned order = b->order;
    unlink_block(f, (uint32_t)at);
    insert(f, (uint32_t)at, order, type);
    at += UINT64_C(1) << order;
  }
  f->blocks[first >> PW_PAGEBLOCK_ORDER].type = (uint8_t)type;
}

/* ---- taking ---- */

/* A block leaves its list; of what is too much of it the lower half is used, the upper goes to the lists of `type`. */
static uint32_t split(struct pw_buddy *f, uint32_t frame, unsigned order, enum pw_migrate type)
{
  unsigned has = f->frames[frame].order;
  unlink_block(f, frame);
  while (has > order) {
    has--;
    insert(f, frame + (1u << has), has, type);
  }
  return frame;
}

static uint32_t take_own(struct pw_buddy *f, unsigned order, enum pw_migrate type)
{
  for (unsigned o = order; o < PW_ORDERS; o++)
    if (f->head[o][type] != PW_NO_FRAME) return split(f, f->head[o][type], order, type);
  return PW_NO_FRAME;
}

/* The first of the other types that has a block of an order. */
static uint32_t of_another(const struct pw_buddy *f, unsigned order, enum pw_migrate type)
{
  for (int i = 0; i < PW_MIGRATE_TYPES - 1; i++) {
    uint32_t head = f->head[order][fallbacks[type][i]];
    if (head != PW_NO_FRAME) return head;
  }
  return PW_NO_FRAME;
}

/* Is the pageblock so empty, or so much of the type's kind, that it may become its own? */
static bool is_alike(const struct pw_buddy *f, uint32_t frame, enum pw_migrate type)
{
  const struct pw_pageblock *b = &f->blocks[frame >> PW_PAGEBLOCK_ORDER];
  int alike = b->movable;
  if (type != PW_MOVABLE) alike = b->type == PW_MOVABLE ? PW_PAGEBLOCK - b->free - b->movable : 0;
  return b->free + alike >= PW_PAGEBLOCK / 2;
}

/* Takes a block with all that is around it: the largest, so that it lasts. */
static uint32_t claim(struct pw_buddy *f, unsigned order, enum pw_migrate type)
{
  unsigned least = type == PW_MOVABLE && order < PW_PAGEBLOCK_ORDER / 2 ? PW_PAGEBLOCK_ORDER / 2 : order;
  for (unsigned o = PW_ORDERS; o-- > least;) {
    uint32_t frame = of_another(f, o, type);
    if (frame == PW_NO_FRAME) continue;
    if (o >= PW_PAGEBLOCK_ORDER) {
      for (uint32_t at = frame; at < frame + (1u << o); at += PW_PAGEBLOCK) f->blocks[at >> PW_PAGEBLOCK_ORDER].type = (uint8_t)type;
      return split(f, frame, order, type);
    }
    if (!is_alike(f, frame, type)) continue;
    convert(f, frame, type);
    return take_own(f, order, type);
  }
  return PW_NO_FRAME;
}

/* Takes a block by itself: the smallest, so that little is spoiled. */
static uint32_t steal(struct pw_buddy *f, unsigned order, enum pw_migrate type)
{
  for (unsigned o = order; o < PW_ORDERS; o++) {
    uint32_t frame = of_another(f, o, type);
    if (frame == PW_NO_FRAME) continue;
    return split(f, frame, order, (enum pw_migrate)f->frames[frame].type);
  }
  return PW_NO_FRAME;
}

uint32_t pw_buddy_take(struct pw_buddy *f, unsigned order, enum pw_migrate type)
{
  if (f->free < (UINT64_C(1) << order) || f->free - ((UINT64_C(1) << order) - 1) <= f->kept) return PW_NO_FRAME;
  uint32_t frame = take_own(f, order, type);
  if (frame == PW_NO_FRAME) frame = claim(f, order, type);
  if (frame == PW_NO_FRAME) frame = steal(f, order, type);
  if (frame == PW_NO_FRAME) return frame;
  f->free -= UINT64_C(1) << order;
  count(f, frame, order, -1, type == PW_MOVABLE);
  f->frames[frame] = (struct pw_frame){.order = order & 15u, .type = type};
  return frame;
}

static bool is_free_range(const struct pw_buddy *f, uint64_t first, uint64_t end)
{
  for (uint64_t at = first; at < end; at += UINT64_C(1) << (PW_ORDERS - 1))
    if (!f->frames[at].is_free || f->frames[at].order != PW_ORDERS - 1) return false;
  return true;
}

uint32_t pw_buddy_take_range(struct pw_buddy *f, unsigned order)
{
  uint64_t pages = UINT64_C(1) << order, first = f->n & ~(pages - 1);
  do {
    if (first < pages) return PW_NO_FRAME;
    first -= pages;
  } while (!is_free_range(f, first, first + pages));
  for (uint64_t at = first; at < first + pages; at += UINT64_C(1) << (PW_ORDERS - 1)) {
    unlink_block(f, (uint32_t)at);
    count(f, (uint32_t)at, PW_ORDERS - 1, -1, 1);
    f->frames[at] = (struct pw_frame){.order = PW_ORDERS - 1, .type = PW_MOVABLE};
  }
  f->free -= pages;
  return (uint32_t)first;
}

/* ---- giving back ---- */

void pw_buddy_give(struct pw_buddy *f, uint32_t frame, unsigned order)
{
  f->free += UINT64_C(1) << order;
  count(f, frame, order, 1, -(int)(f->frames[frame].type == PW_MOVABLE));
  for (; order < PW_ORDERS - 1; order++) {
    uint32_t buddy = frame ^ 1u << order;
    if (buddy >= f->n || !f->frames[buddy].is_free || f->frames[buddy].order != order) break;
    unlink_block(f, buddy);
    f->frames[frame].is_free = 0;
    frame &= buddy;
  }
  insert(f, frame, order, (enum pw_migrate)f->blocks[frame >> PW_PAGEBLOCK_ORDER].type);
}

/* ---- beginning and end ---- */

/* Free from here on, as the largest aligned blocks that fit. Each was to go behind those before it, so they are put
 * in from the last to the first. */
static void free_the_rest(struct pw_buddy *f, uint64_t reserved)
{
  uint64_t end = f->n;
  while (end > reserved) {
    unsigned order = 0;
    /* the blocks from below: the one that ends here is the largest that is aligned, ends here, and began at or behind */
    while (order < PW_ORDERS - 1 && !(end & ((UINT64_C(2) << order) - 1)) && end - (UINT64_C(2) << order) >= reserved) order++;
    uint64_t size = UINT64_C(1) << order;
    insert(f, (uint32_t)(end - size), order, PW_MOVABLE);
    end -= size;
  }
}

int pw_buddy_init(struct pw_buddy *f, uint64_t n, uint64_t reserved, struct pw_error *err)
{
  uint64_t blocks = (n + PW_PAGEBLOCK - 1) >> PW_PAGEBLOCK_ORDER;
  *f = (struct pw_buddy){.n = n, .managed = n - reserved, .free = n - reserved};
  f->frames = pw_calloc(n, sizeof *f->frames);
  f->blocks = pw_calloc(blocks, sizeof *f->blocks);
  if (!f->frames || !f->blocks) {
    pw_buddy_clear(f);
    return pw_error_set(err, PW_ENOMEM, "memory ran out for %llu page frames; take a smaller --memory", (unsigned long long)n);
  }
  for (unsigned o = 0; o < PW_ORDERS; o++)
    for (int t = 0; t < PW_MIGRATE_TYPES; t++) f->head[o][t] = PW_NO_FRAME;
  for (uint64_t i = 0; i < blocks; i++) {
    uint64_t first = i << PW_PAGEBLOCK_ORDER, end = pageblock_end(f, (uint32_t)first);
    if (first < reserved) first = reserved < end ? reserved : end;
    f->blocks[i] = (struct pw_pageblock){.free = (uint16_t)(end - first), .type = PW_MOVABLE};
  }
  free_the_rest(f, reserved);
  return 0;
}

void pw_buddy_clear(struct pw_buddy *f)
{
  pw_free(f->frames);
  pw_free(f->blocks);
  *f = (struct pw_buddy){0};
}

/* ---- how fragmented ---- */

uint64_t pw_buddy_blocks(const struct pw_buddy *f, unsigned order)
{
  return f->blocks_free[order][0] + f->blocks_free[order][1] + f->blocks_free[order][2];
}

/* Frames in free blocks of an order or larger. */
static uint64_t suitable(const struct pw_buddy *f, unsigned order)
{
  uint64_t n = 0;
  for (unsigned o = order; o < PW_ORDERS; o++) n += pw_buddy_blocks(f, o) << o;
  return n;
}

int pw_buddy_fragmentation(const struct pw_buddy *f, unsigned order)
{
  uint64_t blocks = 0;
  for (unsigned o = 0; o < PW_ORDERS; o++) blocks += pw_buddy_blocks(f, o);
  if (!blocks) return 0;
  if (suitable(f, order)) return -1000;
  return 1000 - (int)((1000 + f->free * 1000 / (UINT64_C(1) << order)) / blocks);
}

unsigned pw_buddy_unusable(const struct pw_buddy *f, unsigned order)
{
  return f->free ? (unsigned)(1000 * (f->free - suitable(f, order)) / f->free) : 1000u;
}
