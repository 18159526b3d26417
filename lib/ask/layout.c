/* The layout that a trace's map events tell: spaces in which nothing is unmapped, and who in them is the program
 * and which area the stack. */
#include <string.h>

#include "base/alloc.h"
#include "base/block.h"
#include "space/spaces.h"

/* What the first mappings of a process tell. */
struct origin {
  uint32_t program;      /* text of the file that was mapped first; PW_TEXT_UNKNOWN: none yet */
  bool stack;            /* an area is the stack by itself */
  struct pw_range guess; /* else it is this one; first > last: none */
};

struct pw_layout {
  struct pw_spaces spaces;
  struct origin *origins; /* by process index */
  size_t n, room;
  bool early;             /* before the first access: the kernel's work, not the program's */
};

static int out_of_memory(struct pw_error *err)
{
  return pw_error_set(err, PW_ENOMEM, "memory ran out for the layout of the address space");
}

int pw_layout_create(struct pw_layout **layout, struct pw_error *err)
{
  struct pw_layout *l = *layout = pw_calloc(1, sizeof *l);
  if (l) l->early = true;
  if (l && !pw_spaces_init(&l->spaces, PW_SPACES_KEEP)) return 0;
  pw_layout_destroy(l);
  *layout = NULL;
  return out_of_memory(err);
}

void pw_layout_destroy(struct pw_layout *l)
{
  if (!l) return;
  pw_spaces_clear(&l->spaces);
  pw_free(l->origins);
  pw_free(l);
}

static const struct origin unknown = {.guess = {1, 0, 0}};

static bool has_no_name(const struct pw_vma *vma)
{
  return vma->object == PW_TEXT_MMAP;
}

/* A trace need not name the stack: the kernel puts it above all else that a program starts with. */
static void guess_stack(struct origin *o, const struct pw_vma *vma)
{
  bool fits = has_no_name(vma) && (~vma->rights & (PW_MAP_READ | PW_MAP_WRITE)) == 0;
  if (fits && vma->last >> (PW_PAGE_BITS - 1) == 0 && (o->guess.first > o->guess.last || vma->first > o->guess.first))
    o->guess = (struct pw_range){vma->first, vma->last, vma->number};
}

static int take_change(void *context, const struct pw_space_change *c, struct pw_error *err)
{
  struct pw_layout *l = context;
  size_t n = (size_t)c->process + 1;
  if (pw_grow((void **)&l->origins, &l->room, n, sizeof *l->origins)) return out_of_memory(err);
  while (l->n < n) l->origins[l->n++] = unknown;
  struct origin *o = &l->origins[c->process];
  if (c->kind == PW_SPACE_EMPTIED) *o = unknown;
  if (c->kind != PW_SPACE_MAPPED) return 0;
  if (c->vma.kind == PW_VMA_FILE && o->program == PW_TEXT_UNKNOWN) o->program = c->vma.object;
  o->stack |= c->vma.kind == PW_VMA_STACK && !has_no_name(&c->vma);
  if (l->early) guess_stack(o, &c->vma);
  return 0;
}

int pw_layout_take(struct pw_layout *l, const struct pw_block *b, struct pw_error *err)
{
  int status = 0;
  for (uint32_t i = 0; !status && i < b->n_events; i++) {
    l->early = l->early && b->events[i].at == 0;
    status = pw_spaces_event(&l->spaces, &b->events[i], take_change, l, err);
  }
  l->early = l->early && b->n_visits == 0;
  return status;
}

/* A file that is executable, or called so, is a library. */
static bool is_library(const struct pw_vma *vma, const char *name)
{
  const char *so = strstr(name, ".so");
  return vma->rights & PW_MAP_EXECUTE || (so && (so[3] == '\0' || (so[3] == '.' && so[4] >= '0' && so[4] <= '9')));
}

static enum pw_layout_kind kind_of(const struct origin *o, const struct pw_vma *vma, const char *name)
{
  bool guessed = !o->stack && o->guess.first <= o->guess.last && vma->number == o->guess.value;
  if (has_no_name(vma)) return guessed ? PW_LAYOUT_STACK : PW_LAYOUT_MMAP;
  switch (vma->kind) {
    case PW_VMA_HEAP: return PW_LAYOUT_HEAP;
    case PW_VMA_SPECIAL: return PW_LAYOUT_SPECIAL;
    case PW_VMA_STACK: return PW_LAYOUT_STACK;
    default: break;
  }
  if (vma->object == o->program) return PW_LAYOUT_PROGRAM;
  return is_library(vma, name) ? PW_LAYOUT_LIBRARY : PW_LAYOUT_FILE;
}

bool pw_layout_next(const struct pw_layout *l, uint32_t process, uint64_t page, struct pw_layout_area *area)
{
  struct pw_vma vma;
  if (!pw_spaces_next(&l->spaces, process, page, &vma)) return false;
  const char *name = has_no_name(&vma) ? "" : l->spaces.texts.texts[vma.object];
  *area = (struct pw_layout_area){vma.first, vma.last, kind_of(&l->origins[process], &vma, name),
                                  vma.rights & ~(unsigned)PW_MAP_SHARED, name};
  return true;
}
