/* Slab caches. See slab.h. */
#include "os/linux/slab.h"

#include <string.h>

#include "base/alloc.h"

#define SLAB(NAME, BYTES, OBJECTS, PAGES, TYPE) \
  {NAME, #BYTES " bytes, " #OBJECTS " objects in a slab of " #PAGES " pages", BYTES, OBJECTS, PAGES, PW_##TYPE, false}
/* [SLAB_ACCOUNT] Files' inodes, dentries and nodes are there before a process, or are charged to who comes first: they are left out. */
#define CHARGED(NAME, BYTES, OBJECTS, PAGES, TYPE) \
  {NAME, #BYTES " bytes, " #OBJECTS " objects in a slab of " #PAGES " pages", BYTES, OBJECTS, PAGES, PW_##TYPE, true}

static const struct pw_slab_kind kinds[PW_SLABS] = {
    [PW_SLAB_TASK] = CHARGED("task_struct", 4288, 7, 8, UNMOVABLE),
    [PW_SLAB_MM] = CHARGED("mm_struct", 1600, 20, 8, UNMOVABLE),
    [PW_SLAB_SIGNAL] = CHARGED("signal_cache", 1152, 14, 4, UNMOVABLE),
    [PW_SLAB_SIGHAND] = CHARGED("sighand_cache", 2112, 15, 8, UNMOVABLE),
    [PW_SLAB_FILES] = CHARGED("files_cache", 704, 23, 4, UNMOVABLE),
    [PW_SLAB_VMA] = CHARGED("vm_area_struct", 192, 21, 1, UNMOVABLE),
    [PW_SLAB_ANON_VMA] = CHARGED("anon_vma", 104, 39, 1, UNMOVABLE),
    [PW_SLAB_ANON_CHAIN] = CHARGED("anon_vma_chain", 64, 64, 1, UNMOVABLE),
    [PW_SLAB_PID] = CHARGED("pid", 192, 21, 1, UNMOVABLE),
    [PW_SLAB_MAPLE] = SLAB("maple_node", 256, 16, 1, UNMOVABLE),
    [PW_SLAB_FILP] = CHARGED("filp", 192, 21, 1, UNMOVABLE),
    [PW_SLAB_DENTRY] = SLAB("dentry", 192, 21, 1, RECLAIMABLE),
    [PW_SLAB_INODE] = SLAB("inode_cache", 624, 13, 2, RECLAIMABLE),
    [PW_SLAB_EXT4_INODE] = SLAB("ext4_inode", 1128, 14, 4, RECLAIMABLE),
    [PW_SLAB_SHMEM_INODE] = CHARGED("shmem_inode", 752, 21, 4, RECLAIMABLE),
    [PW_SLAB_RADIX] = SLAB("radix_tree_node", 584, 14, 2, RECLAIMABLE),
    [PW_SLAB_KMALLOC] = SLAB("kmalloc-8", 8, 512, 1, UNMOVABLE),
    SLAB("kmalloc-16", 16, 256, 1, UNMOVABLE),
    SLAB("kmalloc-32", 32, 128, 1, UNMOVABLE),
    SLAB("kmalloc-64", 64, 64, 1, UNMOVABLE),
    SLAB("kmalloc-96", 96, 42, 1, UNMOVABLE),
    SLAB("kmalloc-128", 128, 32, 1, UNMOVABLE),
    SLAB("kmalloc-192", 192, 21, 1, UNMOVABLE),
    SLAB("kmalloc-256", 256, 16, 1, UNMOVABLE),
    SLAB("kmalloc-512", 512, 16, 2, UNMOVABLE),
    SLAB("kmalloc-1k", 1024, 16, 4, UNMOVABLE),
    SLAB("kmalloc-2k", 2048, 16, 8, UNMOVABLE),
    SLAB("kmalloc-4k", 4096, 8, 8, UNMOVABLE),
    SLAB("kmalloc-8k", 8192, 4, 8, UNMOVABLE),
};

const struct pw_slab_kind *pw_slab_kind(size_t index)
{
  return index < PW_SLABS ? &kinds[index] : NULL;
}

bool pw_slab_entry(size_t index, struct pw_list_entry *entry)
{
  if (index < PW_SLABS) *entry = (struct pw_list_entry){kinds[index].name, kinds[index].summary};
  return index < PW_SLABS;
}

unsigned pw_slab_order(const struct pw_slab_kind *kind)
{
  return (unsigned)__builtin_ctz(kind->pages);
}

void pw_slab_init(struct pw_slab_cache *c, const struct pw_slab_kind *kind)
{
  *c = (struct pw_slab_cache){.kind = kind};
}

void pw_slab_clear(struct pw_slab_cache *c)
{
  pw_free(c->slabs);
  pw_free(c->spare);
  pw_free(c->roomy);
  *c = (struct pw_slab_cache){.kind = c->kind};
}

/* ---- slabs with room, the oldest first ---- */

static void swap(struct pw_slab_age *a, struct pw_slab_age *b)
{
  struct pw_slab_age was = *a;
  *a = *b;
  *b = was;
}

static void wait(struct pw_slab_cache *c, uint32_t slot)
{
  struct pw_slab_age *h = c->roomy;
  size_t i = c->n_roomy++;
  h[i] = (struct pw_slab_age){c->slabs[slot].age, slot};
  for (; i && h[(i - 1) / 2].age > h[i].age; i = (i - 1) / 2) swap(&h[i], &h[(i - 1) / 2]);
  c->slabs[slot].waits = true;
}

static void drop_top(struct pw_slab_cache *c)
{
  struct pw_slab_age *h = c->roomy;
  h[0] = h[--c->n_roomy];
  for (size_t i = 0, least; (least = 2 * i + 1) < c->n_roomy; i = least) {
    if (least + 1 < c->n_roomy && h[least + 1].age < h[least].age) least++;
    if (h[i].age <= h[least].age) break;
    swap(&h[i], &h[least]);
  }
}

/* The oldest slab that has room, or NULL. */
static struct pw_slab *oldest(struct pw_slab_cache *c)
{
  while (c->n_roomy) {
    const struct pw_slab_age *top = &c->roomy[0];
    struct pw_slab *s = &c->slabs[top->slot];
    bool is_it = s->frame != PW_NO_FRAME && s->age == top->age;
    if (is_it && s->used < c->kind->objects) return s;
    if (is_it) s->waits = false;
    drop_top(c);
  }
  return NULL;
}

/* ---- objects ---- */

/* Each slab stands in the heap once; one that went may leave its place there until it comes to the top. */
static int reserve(struct pw_slab_cache *c)
{
  size_t ages = c->n_roomy + 1;
  return pw_grow((void **)&c->slabs, &c->slots_room, c->n_slots + 1, sizeof *c->slabs) ||
                 pw_grow((void **)&c->spare, &c->spare_room, c->n_slots + 1, sizeof *c->spare) ||
                 pw_grow((void **)&c->roomy, &c->roomy_room, ages + c->n_slots + 1, sizeof *c->roomy)
             ? PW_ENOMEM
             : 0;
}

int pw_slab_add(struct pw_slab_cache *c, uint32_t frame)
{
  if (reserve(c)) return PW_ENOMEM;
  uint32_t slot = c->n_spare ? c->spare[--c->n_spare] : (uint32_t)c->n_slots++;
  c->slabs[slot] = (struct pw_slab){.frame = frame, .age = c->made++};
  wait(c, slot);
  if (++c->slabs_now > c->slabs_peak) c->slabs_peak = c->slabs_now;
  return 0;
}

int pw_slab_take(struct pw_slab_cache *c, uint32_t *slot)
{
  struct pw_slab *s = oldest(c);
  if (!s) return 1;
  s->used++;
  *slot = (uint32_t)(s - c->slabs);
  if (++c->objects > c->objects_peak) c->objects_peak = c->objects;
  return 0;
}

void pw_slab_give(struct pw_slab_cache *c, struct pw_buddy *frames, uint32_t slot)
{
  struct pw_slab *s = &c->slabs[slot];
  c->objects--;
  if (--s->used) {
    if (!s->waits) wait(c, slot);
    return;
  }
  pw_buddy_give(frames, s->frame, pw_slab_order(c->kind));
  s->frame = PW_NO_FRAME;
  c->spare[c->n_spare++] = slot;
  c->slabs_now--;
}
