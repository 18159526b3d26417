/* Who an address or an instruction belongs to. See who.h. */
#include "witness/who.h"

#include <string.h>

#include "base/alloc.h"
#include "base/block.h"
#include "elf/demangle.h"

/* Marks in the key of `known`, where no name of a symbol can be. */
enum { BRACKETS = 1 << 30, CODE = 1 << 29 };

int pw_who_init(struct pw_who *w, enum pw_by by)
{
  memset(w, 0, sizeof *w);
  w->by = by;
  if (pw_spaces_init(&w->spaces, PW_SPACES_SYMBOLS)) return -1;
  return pw_owners_number(&w->owners, PW_TEXT_UNKNOWN, PW_TEXT_UNKNOWN) == 0 ? 0 : -1;
}

void pw_who_clear(struct pw_who *w)
{
  pw_spaces_clear(&w->spaces);
  pw_owners_clear(&w->owners);
  pw_pagemap_clear(&w->known);
}

static uint32_t checked(struct pw_who *w, uint32_t owner)
{
  if (owner != PW_NO_OWNER) return owner;
  w->failed = true;
  return 0;
}

static uint32_t number(struct pw_who *w, uint32_t name, uint32_t object)
{
  return checked(w, name == PW_NO_TEXT ? PW_NO_OWNER : pw_owners_number(&w->owners, name, object));
}

static uint32_t intern(struct pw_who *w, const char *text)
{
  return pw_intern(&w->spaces.texts, text, strlen(text));
}

/* "[libc.so.6]" for what no symbol covers, "[libc.so.6 code]" for its instructions as data. */
static uint32_t name_brackets(struct pw_who *w, uint32_t object, bool code)
{
  char text[4096 + 64];
  snprintf(text, sizeof text, "[%s%s]", pw_short_name(w->spaces.texts.texts[object]), code ? " code" : "");
  return intern(w, text);
}

static uint32_t name_symbol(struct pw_who *w, uint32_t name)
{
  char text[4096];
  return pw_demangle(text, sizeof text, w->spaces.texts.texts[name]) ? intern(w, text) : name;
}

/* The owner of these two texts, where the first stands for what `make` makes of it. */
static uint32_t known(struct pw_who *w, uint32_t name, uint32_t object, uint32_t marks)
{
  uint64_t key = (uint64_t)object << 32 | marks | (marks & BRACKETS ? 0 : name);
  const uint32_t *there = pw_pagemap_find(&w->known, key);
  if (there) return *there;
  uint32_t shown = marks & BRACKETS ? name_brackets(w, object, marks & CODE) : name_symbol(w, name);
  uint32_t owner = number(w, shown, object);
  bool added;
  if (pw_pagemap_reserve(&w->known, 1)) return checked(w, PW_NO_OWNER);
  pw_pagemap_insert(&w->known, key, owner, &added);
  return owner;
}

/* The owner of a page that no symbol tells more of. */
static uint32_t page_owner(struct pw_who *w, uint32_t process, uint64_t page, bool fetched)
{
  struct pw_vma vma;
  if (!pw_spaces_at(&w->spaces, process, page, &vma)) return number(w, PW_TEXT_UNKNOWN, PW_TEXT_UNKNOWN);
  if (w->by == PW_BY_OBJECT) return number(w, intern(w, pw_short_name(w->spaces.texts.texts[vma.object])), vma.object);
  if (w->by == PW_BY_REGION || vma.kind != PW_VMA_FILE) return number(w, pw_vma_region(&w->spaces, &vma), vma.object);
  return known(w, 0, vma.object, BRACKETS | (fetched ? CODE : 0));
}

uint32_t pw_who_page(struct pw_who *w, uint64_t base_key)
{
  return page_owner(w, pw_key_process(base_key), base_key & PW_PAGE_MASK, false);
}

static uint32_t symbol_owner(struct pw_who *w, uint32_t process, uint64_t address, enum pw_symbol_kind kind, bool fetched)
{
  const struct pw_space_symbol *symbol = pw_spaces_symbol(&w->spaces, process, address, kind);
  return symbol ? known(w, symbol->name, symbol->object, 0) : page_owner(w, process, address >> PW_BASE_SHIFT, fetched);
}

uint32_t pw_who_address(struct pw_who *w, uint32_t process, uint64_t address, bool fetched)
{
  if (w->by == PW_BY_SYMBOL) return symbol_owner(w, process, address, PW_SYMBOL_DATA, fetched);
  return page_owner(w, process, address >> PW_BASE_SHIFT, false);
}

uint32_t pw_who_function(struct pw_who *w, uint32_t process, uint64_t pc)
{
  return symbol_owner(w, process, pc, PW_SYMBOL_FUNCTION, false);
}

uint32_t pw_who_kernel(struct pw_who *w)
{
  return number(w, PW_TEXT_KERNEL, PW_TEXT_KERNEL);
}

uint32_t pw_who_root(struct pw_who *w)
{
  return number(w, PW_TEXT_ROOT, PW_TEXT_ROOT);
}

uint32_t pw_who_region(struct pw_who *w, uint64_t base_key)
{
  struct pw_vma vma;
  uint32_t text = PW_TEXT_UNKNOWN;
  if (pw_spaces_at(&w->spaces, pw_key_process(base_key), base_key & PW_PAGE_MASK, &vma)) text = pw_vma_region(&w->spaces, &vma);
  w->failed |= text == PW_NO_TEXT;
  return text == PW_NO_TEXT ? PW_TEXT_UNKNOWN : text;
}
