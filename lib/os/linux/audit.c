/* Invariants of a computer. See audit.h. */
#include "os/linux/audit.h"

#include <inttypes.h>

#include "base/alloc.h"

enum owner { NOBODY, FREE, RESERVED, SLAB, TABLE, STACK, CACHE, ANON, HUGE_ZERO, BLOCK, POOL };

static const char *const owners[] = {"nobody", "the free blocks", "the kernel's image", "a slab", "a page table", "a kernel stack",
                                     "the page cache", "a process", "the huge zero page", "a block of the kernel's events",
                                     "a pool of huge pages"};

struct audit {
  const struct pw_computer *c;
  uint8_t *owner;     /* by frame: enum owner */
  uint32_t *mapped;   /* by frame: entries that map it, of processes */
  uint32_t *users;    /* by slot of swap: entries that name it */
  uint32_t *held[PW_POOLS]; /* by page of a pool: entries and files that have it */
  uint64_t reserved[PW_POOLS], hugetlb;
  uint64_t tables[PW_MAX_LEVELS], table_bytes, objects[PW_SLABS], own, cached, swapped, huge, zero_maps;
  struct pw_error *err;
  int status;         /* of the first that was at odds */
};

#define AT_ODDS(A, ...)                                                                                      \
  do {                                                                                                       \
    if (!(A)->status) (A)->status = pw_error_set((A)->err, PW_EINVAL, "the model of Linux is at odds with itself, a defect of pagewalk: " __VA_ARGS__); \
  } while (0)

static void claim(struct audit *a, uint64_t first, uint64_t n, enum owner owner)
{
  for (uint64_t f = first; f < first + n; f++) {
    if (f >= a->c->frames.n) AT_ODDS(a, "frame %" PRIu64 " of %s is none", f, owners[owner]);
    else if (a->owner[f] != NOBODY) AT_ODDS(a, "frame %" PRIu64 " belongs to %s and to %s", f, owners[a->owner[f]], owners[owner]);
    else a->owner[f] = (uint8_t)owner;
    if (a->status) return;
  }
}

/* ---- frames ---- */

static void look_at_blocks(struct audit *a)
{
  const struct pw_buddy *b = &a->c->frames;
  uint64_t free = 0, n[PW_ORDERS][PW_MIGRATE_TYPES] = {{0}};
  for (uint64_t f = b->n - b->managed; f < b->n && !a->status;) {
    const struct pw_frame *p = &b->frames[f];
    if (!p->is_free) {
      f++;
      continue;
    }
    uint64_t pages = UINT64_C(1) << p->order, buddy = f ^ pages;
    if (p->order >= PW_ORDERS || f % pages || f + pages > b->n || p->type >= PW_MIGRATE_TYPES) {
      AT_ODDS(a, "the free block at %" PRIu64 " has order %u", f, (unsigned)p->order);
      return;
    }
    if (p->order + 1 < PW_ORDERS && buddy + pages <= b->n && b->frames[buddy].is_free && b->frames[buddy].order == p->order)
      AT_ODDS(a, "the buddies at %" PRIu64 " and %" PRIu64 ", of order %u, are both free", f, buddy, (unsigned)p->order);
    claim(a, f, pages, FREE);
    n[p->order][p->type]++;
    free += pages;
    f += pages;
  }
  if (free != b->free) AT_ODDS(a, "%" PRIu64 " frames are free, and %" PRIu64 " are counted so", free, b->free);
  for (unsigned order = 0; order < PW_ORDERS; order++)
    for (unsigned type = 0; type < PW_MIGRATE_TYPES; type++) {
      uint64_t listed = 0;
      for (uint32_t f = b->head[order][type]; f != PW_NO_FRAME && listed <= n[order][type]; f = (uint32_t)b->frames[f].next) listed++;
      if (n[order][type] != b->blocks_free[order][type] || listed != n[order][type])
        AT_ODDS(a, "%" PRIu64 " blocks of order %u and type %u are free, %" PRIu64 " listed and %" PRIu64 " counted", n[order][type], order,
                type, listed, b->blocks_free[order][type]);
    }
}

static uint64_t look_at_slabs(struct audit *a, const struct pw_slab_cache *cache, enum owner owner)
{
  uint64_t used = 0, slabs = 0;
  for (size_t i = 0; i < cache->n_slots; i++) {
    const struct pw_slab *s = &cache->slabs[i];
    if (s->frame == PW_NO_FRAME) continue;
    if (!s->used || s->used > cache->kind->objects) AT_ODDS(a, "a slab of %s has %u objects", cache->kind->name, s->used);
    claim(a, s->frame, cache->kind->pages, owner);
    used += s->used;
    slabs++;
  }
  if (used != cache->objects || slabs != cache->slabs_now)
    AT_ODDS(a, "%s has %" PRIu64 " objects in %" PRIu64 " slabs, and counts %" PRIu64 " in %" PRIu64, cache->kind->name, used, slabs,
            cache->objects, cache->slabs_now);
  return slabs * cache->kind->pages;
}

/* ---- processes ---- */

static void take_table(void *context, unsigned level, uint32_t frame)
{
  struct audit *a = context;
  uint64_t bytes = a->c->table_bytes[level];
  a->tables[level]++;
  if (bytes >> PW_BASE_SHIFT) claim(a, frame, bytes >> PW_BASE_SHIFT, TABLE);
}

static void take_pte(struct audit *a, const struct pw_mm *m, uint64_t page, uint32_t pte)
{
  enum pw_pte state = pw_pte_state(pte);
  uint32_t frame = pw_pte_frame(pte);
  struct pw_range area;
  if (state == PW_PTE_NONE) return;
  if (!m->unknown && !pw_ranges_at(&m->areas, page, &area)) AT_ODDS(a, "page 0x%" PRIx64 " is there, and nothing is mapped", page);
  bool is_cached = pw_pte_is_cached(pte);
  a->own += pw_pte_is_own(pte);
  a->cached += is_cached;
  a->swapped += state == PW_PTE_SWAP;
  if (state == PW_PTE_SWAP && frame < a->c->reclaim.swap.n_slots) a->users[frame]++;
  if (state == PW_PTE_SWAP && frame >= a->c->reclaim.swap.n_slots) AT_ODDS(a, "page 0x%" PRIx64 " is in slot %u, which is none", page, frame);
  if (is_cached && (frame >= a->c->frames.n || a->owner[frame] != CACHE))
    AT_ODDS(a, "page 0x%" PRIx64 " maps frame %u of the page cache, which belongs to %s", page, frame,
            frame < a->c->frames.n ? owners[a->owner[frame]] : owners[NOBODY]);
  if (pw_pte_maps(pte)) a->mapped[frame]++;
}

static void take_pool_page(struct audit *a, const struct pw_huge *huge)
{
  unsigned pool = huge->order == PW_GIGANTIC_ORDER;
  uint32_t number = pw_pte_frame(huge->pte);
  a->hugetlb += UINT64_C(1) << huge->order;
  if (number >= a->c->hugetlb.pools[pool].pages) AT_ODDS(a, "an entry maps huge page %u, which is none", number);
  else a->held[pool][number]++;
}

/* What the address space has reserved. */
static void look_at_reserved(struct audit *a, const struct pw_mm *m)
{
  struct pw_range r, area;
  for (uint64_t at = 0; pw_ranges_next(&m->reserved, at, &r); at = r.last + 1) {
    bool known = pw_ranges_at(&m->areas, r.first, &area) && m->vmas[area.value].kind.flags & PW_AREA_RESERVED;
    if (!known) AT_ODDS(a, "page 0x%" PRIx64 " is reserved, and its area reserves none", r.first);
    uint32_t flags = known ? m->vmas[area.value].kind.flags : 0;
    a->reserved[flags & PW_MAP_HUGE_1G ? 1 : 0] += (r.last + 1 - r.first) / pw_hugetlb_span(flags);
  }
}

static void look_at_pools(struct audit *a)
{
  for (unsigned i = 0; i < PW_POOLS; i++) {
    const struct pw_pool *p = &a->c->hugetlb.pools[i];
    uint64_t free = 0;
    for (uint64_t k = 0; k < p->pages && !a->status; k++) {
      claim(a, p->frame[k], pw_hugetlb_span(i ? PW_MAP_HUGE_1G : 0), POOL);
      free += a->held[i][k] == 0;
      if (a->held[i][k] != p->holders[k]) AT_ODDS(a, "%u have huge page %" PRIu64 ", and it counts %u", a->held[i][k], k, p->holders[k]);
    }
    if (free != p->free || a->reserved[i] != p->reserved || p->reserved > p->free)
      AT_ODDS(a, "of %" PRIu64 " huge pages %" PRIu64 " are free and %" PRIu64 " reserved, and %" PRIu64 " and %" PRIu64 " counted", p->pages, free,
              a->reserved[i], p->free, p->reserved);
  }
}

static void look_at_pages(struct audit *a, const struct pw_mm *m)
{
  uint64_t leaf = pw_ptables_leaf(&m->tables);
  struct pw_ptables_at at;
  for (uint64_t page = 0; pw_ptables_next(&m->tables, &page, m->tables.end, &at); page = pw_ptables_behind(&m->tables, page, &at)) {
    for (uint64_t i = 0; at.ptes && i < leaf; i++) take_pte(a, m, (page & ~(leaf - 1)) + i, at.ptes[i]);
    if (!at.huge) continue;
    if (!at.huge->aside) {
      take_pool_page(a, at.huge);
      continue;
    }
    bool zero = pw_pte_state(at.huge->pte) == PW_PTE_ZERO;
    a->zero_maps += zero;
    if (zero) continue;
    a->huge++;
    for (uint32_t i = 0; i < PW_HUGE_PAGES; i++) a->mapped[pw_pte_frame(at.huge->pte) + i]++;
    a->own += PW_HUGE_PAGES;
  }
}

static void look_at_objects(struct audit *a, const struct pw_process *p)
{
  const struct pw_mm *m = &p->mm;
  struct pw_range area = {0};
  uint64_t areas = 0;
  static const unsigned once[] = {PW_SLAB_FILES, PW_SLAB_SIGHAND, PW_SLAB_SIGNAL, PW_SLAB_MM};
  for (size_t i = 0; i < sizeof once / sizeof *once; i++) a->objects[once[i]]++;
  a->objects[PW_SLAB_TASK] += 1 + p->n_threads;
  a->objects[PW_SLAB_PID] += 1 + p->n_threads;
  a->objects[PW_SLAB_MAPLE] += m->n_maples;
  for (uint64_t at = 0; pw_ranges_next(&m->areas, at, &area); at = area.last + 1) {
    bool anon = m->vmas[area.value].has_anon;
    areas++;
    a->objects[PW_SLAB_VMA]++;
    a->objects[PW_SLAB_ANON_VMA] += anon;
    a->objects[PW_SLAB_ANON_CHAIN] += anon;
  }
  if (areas != m->n_vmas - m->n_spare) AT_ODDS(a, "%" PRIu64 " areas are mapped, and %zu are kept", areas, m->n_vmas - m->n_spare);
  if (a->c->options.told) return;
  for (int k = 0; k < 4; k++) claim(a, p->first.stack[k], 1, STACK);
  for (size_t i = 0; i < p->n_threads; i++)
    for (int k = 0; k < 4; k++) claim(a, p->threads[i].stack[k], 1, STACK);
}

static void look_at_process(struct audit *a, const struct pw_process *p)
{
  const struct pw_mm *m = &p->mm;
  uint64_t own = a->own, cached = a->cached, huge = a->huge, swapped = a->swapped, hugetlb = a->hugetlb, before[PW_MAX_LEVELS];
  for (unsigned level = 0; level < PW_MAX_LEVELS; level++) before[level] = a->tables[level];
  look_at_objects(a, p);
  pw_ptables_each(&m->tables, take_table, a);
  look_at_pages(a, m);
  look_at_reserved(a, m);
  if (a->own - own != m->counts.own || a->cached - cached != m->counts.cached || a->huge - huge != m->counts.huge)
    AT_ODDS(a, "%" PRIu64 " own pages, %" PRIu64 " of files and %" PRIu64 " of 2 MiB are mapped, and %" PRIu64 ", %" PRIu64 " and %" PRIu64
            " counted", a->own - own, a->cached - cached, a->huge - huge, m->counts.own, m->counts.cached, m->counts.huge);
  if (a->hugetlb - hugetlb != m->counts.hugetlb)
    AT_ODDS(a, "%" PRIu64 " pages set aside are mapped, and %" PRIu64 " counted", a->hugetlb - hugetlb, m->counts.hugetlb);
  if (a->swapped - swapped != m->counts.swapped)
    AT_ODDS(a, "%" PRIu64 " pages are in swap, and %" PRIu64 " counted", a->swapped - swapped, m->counts.swapped);
  for (unsigned level = 0; level < m->tables.levels; level++) {
    if (a->tables[level] - before[level] != m->tables.n[level])
      AT_ODDS(a, "%" PRIu64 " tables of level %u are there, and %" PRIu64 " counted", a->tables[level] - before[level], level, m->tables.n[level]);
    a->table_bytes += m->tables.n[level] * a->c->table_bytes[level];
  }
}

/* ---- what is shared ---- */

static void look_at_files(struct audit *a)
{
  const struct pw_computer *c = a->c;
  for (size_t i = 0; c->pages.bits && i >> c->pages.bits == 0; i++)
    if (c->pages.keys[i] != PW_NO_KEY) claim(a, c->pages.values[i], 1, CACHE);
  if (c->pages.n << PW_BASE_SHIFT != c->now.file)
    AT_ODDS(a, "%zu pages of files are cached, and %" PRIu64 " bytes are counted", c->pages.n, c->now.file);
  a->objects[PW_SLAB_RADIX] = c->nodes.n;
  for (size_t i = 1; i <= c->n_files; i++) {
    bool shared = pw_computer_is_shared(c, (uint32_t)i);
    if (shared && !c->files[i].areas) continue; /* it went with its last area */
    for (uint64_t k = 0; k < c->files[i].pool_pages; k++) {
      const uint32_t *number = pw_pagemap_find(&c->hugetlb.shared, pw_file_key((uint32_t)i, k));
      if (number) a->held[c->files[i].pool][*number]++;
      else a->reserved[c->files[i].pool]++;
    }
    a->objects[shared ? PW_SLAB_SHMEM_INODE : PW_SLAB_INODE]++;
    a->objects[PW_SLAB_DENTRY]++;
    a->objects[PW_SLAB_FILP]++;
  }
}

/* Folios: each counts those who map it, and is on a list, or waits to come to one. */
static void look_at_folios(struct audit *a)
{
  const struct pw_reclaim *r = &a->c->reclaim;
  uint64_t private = 0, uncharged = 0, pages[2][PW_LISTS] = {{0}};
  for (size_t i = 0; i < r->folios.n && !a->status; i++) {
    const struct pw_folio *f = &r->folios.list[i];
    uint64_t n = UINT64_C(1) << f->order, mapped = 0;
    if (f->list == PW_NO_LIST) continue;
    if (f->list < PW_LISTS) pages[f->charged][f->list] += n;
    if (f->key == PW_PRIVATE) claim(a, f->frame, n, ANON);
    private += f->key == PW_PRIVATE ? n : 0;
    uncharged += f->key != PW_PRIVATE && !f->charged;
    for (uint64_t k = f->frame; k < f->frame + n && k < a->c->frames.n; k++) mapped += a->mapped[k];
    if (f->holders != mapped) AT_ODDS(a, "%" PRIu64 " entries map frame %u, and it counts %u", mapped, f->frame, f->holders);
    if (pw_computer_folio(a->c, f->frame) != f) AT_ODDS(a, "frame %u is not its folio's", f->frame);
    if (f->pinned) AT_ODDS(a, "frame %u is pinned, and nobody works on it", f->frame);
    bool swapped = f->key == PW_PRIVATE && f->slot != PW_NO_SLOT;
    if (!mapped && f->key == PW_PRIVATE && (!swapped || !r->swap.slots[f->slot].users)) AT_ODDS(a, "nobody maps frame %u", f->frame);
    if (swapped && r->swap.slots[f->slot].folio != i) AT_ODDS(a, "slot %u of frame %u has another page", f->slot, f->frame);
  }
  if (private << PW_BASE_SHIFT != a->c->now.anon)
    AT_ODDS(a, "%" PRIu64 " private frames are in use, and %" PRIu64 " bytes are counted", private, a->c->now.anon);
  if (uncharged != r->uncharged) AT_ODDS(a, "nobody is charged for %" PRIu64 " pages, and %" PRIu64 " are counted", uncharged, r->uncharged);
  for (int v = 0; v < 2; v++)
    for (int list = 0; list < PW_LISTS; list++)
      if (pages[v][list] != r->lru[v].pages[list])
        AT_ODDS(a, "list %d has %" PRIu64 " pages, and counts %" PRIu64, list, pages[v][list], r->lru[v].pages[list]);
}

/* Slots of swap: in use while an entry names them, or a page in memory is like them. */
static void look_at_swap(struct audit *a)
{
  const struct pw_swap *s = &a->c->reclaim.swap;
  uint64_t used = 0;
  for (size_t i = 0; a->c->swapped.bits && i >> a->c->swapped.bits == 0; i++)
    if (a->c->swapped.keys[i] != PW_NO_KEY) a->users[a->c->swapped.values[i]]++;
  for (size_t i = 0; i < s->n_slots && !a->status; i++) {
    if (a->users[i] != s->slots[i].users) AT_ODDS(a, "%u entries name slot %zu, and it counts %u", a->users[i], i, s->slots[i].users);
    used += s->slots[i].users || s->slots[i].folio != PW_NO_FOLIO;
  }
  if (used != s->used || s->n_slots - s->n_spare != used)
    AT_ODDS(a, "%" PRIu64 " slots of swap are in use, %zu are not free, and %" PRIu64 " are counted", used, s->n_slots - s->n_spare, s->used);
}

/* What a kernel's events brought: frames of slabs, and the kernel's blocks, which are counted too. */
static uint64_t look_at_events(struct audit *a, const struct pw_kmem *k, uint64_t *blocks)
{
  uint64_t slabs = 0;
  for (size_t i = 0; i < k->events->n_names; i++)
    if (k->caches[i]) slabs += look_at_slabs(a, &k->caches[i]->cache, SLAB);
  *blocks = k->counts.pages_came - k->counts.pages_went;
  for (size_t i = 0; k->blocks.bits && i >> k->blocks.bits == 0; i++) {
    const struct pw_kmem_thing *t = k->blocks.keys[i] == PW_NO_KEY ? NULL : &k->things[k->blocks.values[i]];
    if (t && t->at != PW_NO_FRAME) claim(a, t->at, UINT64_C(1) << t->order, BLOCK);
  }
  return slabs;
}

static void look_at_all(struct audit *a, struct pw_process *const *processes, size_t n, const struct pw_kmem *k)
{
  const struct pw_computer *c = a->c;
  uint64_t reserved = c->frames.n - c->frames.managed, kernel = reserved, slabs = 0;
  claim(a, 0, reserved, RESERVED);
  look_at_blocks(a);
  look_at_files(a);
  for (size_t i = 0; i < n && !a->status; i++)
    if (processes[i]->lives) look_at_process(a, processes[i]);
  for (unsigned i = 0; i < PW_SLABS; i++) {
    slabs += look_at_slabs(a, &c->slabs[i], SLAB);
    if (!c->options.told && a->objects[i] != c->slabs[i].objects)
      AT_ODDS(a, "%" PRIu64 " objects of %s are in use, and the cache has %" PRIu64, a->objects[i], c->slabs[i].kind->name, c->slabs[i].objects);
  }
  uint64_t blocks = 0;
  if (k && k->events) slabs += look_at_events(a, k, &blocks);
  kernel += slabs + blocks;
  for (unsigned level = 0; level < PW_MAX_LEVELS; level++) {
    if (c->tables[level].kind) kernel += look_at_slabs(a, &c->tables[level], TABLE);
    else kernel += a->tables[level] * (c->table_bytes[level] >> PW_BASE_SHIFT);
  }
  if (c->huge_zero != PW_NO_FRAME) claim(a, c->huge_zero, PW_HUGE_PAGES, HUGE_ZERO);
  if (c->huge_zero != PW_NO_FRAME) kernel += PW_HUGE_PAGES;
  look_at_folios(a);
  look_at_swap(a);
  look_at_pools(a);
  for (uint64_t f = 0, stacks = 0; f < c->frames.n && !a->status; f++) {
    stacks += a->owner[f] == STACK;
    if (f + 1 == c->frames.n) kernel += stacks;
    if (a->owner[f] == NOBODY) AT_ODDS(a, "frame %" PRIu64 " is taken, and belongs to nobody", f);
  }
  if (kernel << PW_BASE_SHIFT != c->now.kernel || slabs << PW_BASE_SHIFT != c->now.slabs || a->table_bytes != c->now.tables ||
      a->zero_maps != c->zero_maps)
    AT_ODDS(a, "the kernel has %" PRIu64 " frames, %" PRIu64 " of slabs, %" PRIu64 " bytes of tables, %" PRIu64
            " times the huge zero page; counted are %" PRIu64 ", %" PRIu64 ", %" PRIu64 ", %" PRIu64, kernel, slabs, a->table_bytes,
            a->zero_maps, c->now.kernel >> PW_BASE_SHIFT, c->now.slabs >> PW_BASE_SHIFT, c->now.tables, c->zero_maps);
}

int pw_audit(const struct pw_computer *c, struct pw_process *const *processes, size_t n, const struct pw_kmem *kmem, struct pw_error *err)
{
  struct audit a = {.c = c, .err = err};
  a.owner = pw_calloc(c->frames.n, sizeof *a.owner);
  a.mapped = pw_calloc(c->frames.n + PW_HUGE_PAGES, sizeof *a.mapped);
  a.users = pw_calloc(c->reclaim.swap.n_slots + 1, sizeof *a.users);
  for (unsigned i = 0; i < PW_POOLS; i++) a.held[i] = pw_calloc(c->hugetlb.pools[i].pages + 1, sizeof *a.held[i]);
  if (a.owner && a.mapped && a.users && a.held[0] && a.held[1]) look_at_all(&a, processes, n, kmem);
  else a.status = pw_error_set(err, PW_ENOMEM, "memory ran out for the audit of the computer");
  pw_free(a.owner);
  pw_free(a.mapped);
  pw_free(a.users);
  for (unsigned i = 0; i < PW_POOLS; i++) pw_free(a.held[i]);
  return a.status;
}
