/* Random events through the one reader of them and through a naive one, which keeps a mapping for every page of every
 * process by itself: what each page is, what is told, what is counted, and whose symbol an address is. */
#include "spacekit.h"

#include "base/random.h"

enum { PROCESSES = 4, PAGES = 48, SYMBOLS = 400, RIGHTS = PW_MAP_READ | PW_MAP_WRITE | PW_MAP_EXECUTE | PW_MAP_SHARED };

static const char *const names[] = {"", "/lib/a.so", "/bin/prog", "[heap]", "[stack]", "[vdso]"};
enum { N_NAMES = sizeof names / sizeof *names };

/* One page of one process. */
struct naive_page {
  bool mapped, grows;
  uint32_t map;     /* number of the map event */
  uint64_t start;   /* its first page */
  unsigned rights;
  size_t name;      /* of a .bss that of its file */
  bool bss;
};

struct naive_symbol {
  bool gone;
  uint64_t first, last;
  uint32_t order;
};

struct naive_process {
  bool lives;
  struct naive_page pages[PAGES];
  uint64_t last_first, last_last; /* of the last map; 1, 0: none */
  uint32_t last_map;
  size_t n_symbols;
  struct naive_symbol symbols[SYMBOLS];
};

struct naive {
  uint32_t process, maps;
  struct naive_process p[PROCESSES];
};

static void naive_empty(struct naive_process *p)
{
  bool lives = p->lives;
  memset(p, 0, sizeof *p);
  p->lives = lives;
  p->last_first = 1;
}

/* Pages 0 … 47 only; the rights decide about a .bss as they were mapped. */
static void naive_map(struct naive *n, uint64_t first, uint64_t last, unsigned bits, size_t name)
{
  struct naive_process *p = &n->p[n->process];
  struct naive_page page = {.mapped = true, .grows = (bits & PW_MAP_STACK) || name == 4, .map = ++n->maps, .start = first,
                            .rights = bits & RIGHTS, .name = name};
  if (name == 0 && !(bits & PW_MAP_STACK) && p->last_first <= p->last_last && p->last_last + 1 == first) {
    const struct naive_page *data = &p->pages[p->last_last];
    bool loads = data->mapped && data->map == p->last_map && (data->name == 1 || data->name == 2) && !data->bss;
    if (loads && data->rights & PW_MAP_WRITE && !(data->rights & PW_MAP_SHARED) && data->rights == page.rights) {
      page.name = data->name;
      page.bss = true;
    }
  }
  for (uint64_t i = first; i <= last; i++) p->pages[i] = page;
  p->last_first = first;
  p->last_last = last;
  p->last_map = n->maps;
}

static void naive_unmap(struct naive_process *p, uint64_t a, uint64_t b)
{
  for (uint64_t i = a >> 12; i <= (a + b - 1) >> 12 && i < PAGES; i++) p->pages[i].mapped = false;
  for (size_t i = 0; i < p->n_symbols; i++) p->symbols[i].gone |= p->symbols[i].first >= a && p->symbols[i].first <= a + b - 1;
}

static void naive_region(const struct naive_process *p, uint64_t page, char *text, size_t n_text)
{
  const struct naive_page *at = &p->pages[page];
  while (!at->mapped && page + 1 < PAGES) at = &p->pages[++page];
  const char *short_name = at->name == 1 ? "a.so" : at->name == 2 ? "prog" : names[at->name];
  text[0] = '\0';
  if (!at->mapped) return;
  if (at->name == 0) snprintf(text, n_text, "[mmap 0x%llx]", (unsigned long long)at->start << 12);
  else if (at->bss) snprintf(text, n_text, "%s .bss", short_name);
  else if (at->name > 2) snprintf(text, n_text, "%s", short_name);
  else
    snprintf(text, n_text, "%s %c%c%c", short_name, at->rights & 1 ? 'r' : '-', at->rights & 2 ? 'w' : '-',
             at->rights & 4 ? 'x' : '-');
}

static const struct naive_symbol *naive_at(const struct naive_process *p, uint64_t address)
{
  const struct naive_symbol *best = NULL;
  for (size_t i = 0; i < p->n_symbols; i++) {
    const struct naive_symbol *s = &p->symbols[i];
    if (s->gone || address < s->first || address > s->last) continue;
    if (!best || s->first > best->first || (s->first == best->first && s->last < best->last)) best = s;
  }
  return best;
}

/* ---- events ---- */

static void write_map(struct space_kit *k, struct naive *n, uint64_t *r)
{
  uint64_t first = pw_random_below(r, PAGES - 8), length = 1 + pw_random_below(r, 8);
  const struct naive_process *p = &n->p[n->process];
  unsigned bits = pw_random_below(r, 2) ? 3 : pw_random_below(r, 64);
  if (pw_random_below(r, 2) && p->last_first <= p->last_last && p->last_last < PAGES - 9) first = p->last_last + 1;
  size_t name = pw_random_below(r, N_NAMES);
  naive_map(n, first, first + length - 1, bits, name);
  assert_int_equal(space_map(k, first, length, bits, name ? names[name] : NULL), 1);
  assert_true(k->last.kind == PW_SPACE_MAPPED && k->last.first == first && k->last.last == first + length - 1);
}

static void write_symbol(struct space_kit *k, struct naive *n, uint64_t *r)
{
  struct naive_process *p = &n->p[n->process];
  uint64_t first = pw_random_below(r, PAGES << 4) << 8, bytes = (1 + pw_random_below(r, 1u << pw_random_below(r, 8))) << 8;
  char text[16];
  if (p->n_symbols == SYMBOLS) return;
  p->symbols[p->n_symbols++] = (struct naive_symbol){false, first, first + bytes - 1, (uint32_t)k->events};
  snprintf(text, sizeof text, "s%u", (unsigned)k->events);
  assert_int_equal(space_symbol(k, first, bytes, text), 0);
}

static void write_fork(struct space_kit *k, struct naive *n, uint64_t *r)
{
  uint32_t child = pw_random_below(r, PROCESSES);
  bool lives = n->p[child].lives;
  if (!lives && child != n->process) {
    n->p[child] = n->p[n->process];
    n->p[child].last_first = 1;
    n->p[child].last_last = 0;
  }
  n->p[child].lives = true;
  assert_int_equal(space_fork(k, child), !lives);
  if (!lives) assert_true(k->last.kind == PW_SPACE_FORKED && k->last.process == n->process && k->last.to == child);
}

static void write_event(struct space_kit *k, struct naive *n, uint64_t *r)
{
  struct naive_process *p = &n->p[n->process];
  uint32_t kind = pw_random_below(r, 24);
  uint64_t a = (uint64_t)pw_random_below(r, PAGES << 4) << 8, b = 1 + pw_random_below(r, 6 << 12);
  if (kind < 9) {
    write_map(k, n, r);
  } else if (kind < 13) {
    write_symbol(k, n, r);
  } else if (kind < 18) {
    naive_unmap(p, a, b);
    assert_int_equal(space_event(k, PW_EVENT_UNMAP, a, b, 0, NULL), 1);
    assert_true(k->last.kind == PW_SPACE_UNMAPPED && k->last.first == a >> 12 && k->last.last == (a + b - 1) >> 12);
  } else if (kind < 20) {
    n->process = pw_random_below(r, PROCESSES);
    n->p[n->process].lives = true;
    space_run(k, n->process);
  } else if (kind < 22) {
    write_fork(k, n, r);
  } else if (pw_random_below(r, 3)) {
    static const uint32_t idle[] = {PW_EVENT_PROTECT, PW_EVENT_DISCARD, PW_EVENT_BACKING, PW_EVENT_THREAD};
    space_event(k, idle[pw_random_below(r, 4)], a, b, 1, NULL);
  } else {
    bool exits = kind == 23;
    if (exits) p->lives = false;
    naive_empty(p);
    assert_int_equal(space_event(k, exits ? PW_EVENT_EXIT : PW_EVENT_EXEC, 0, 0, 0, NULL), 1);
    assert_int_equal(k->last.kind, exits ? PW_SPACE_ENDED : PW_SPACE_EMPTIED);
  }
}

/* ---- the property ---- */

static enum pw_vma_kind naive_kind(const struct naive_page *page)
{
  static const enum pw_vma_kind kinds[] = {PW_VMA_MMAP, PW_VMA_FILE, PW_VMA_FILE, PW_VMA_HEAP, PW_VMA_STACK, PW_VMA_SPECIAL};
  if (page->bss) return PW_VMA_BSS;
  return page->name == 0 && page->grows ? PW_VMA_STACK : kinds[page->name];
}

static void compare_pages(struct space_kit *k, const struct naive *n, uint64_t seed)
{
  uint64_t pages[PW_VMA_KINDS] = {0};
  for (uint32_t process = 0; process < PROCESSES; process++)
    for (uint64_t page = 0; page < PAGES; page++) {
      const struct naive_process *p = &n->p[process];
      struct pw_vma vma;
      char want[64];
      const char *got = "";
      naive_region(p, page, want, sizeof want);
      bool mapped = p->pages[page].mapped, found = pw_spaces_at(&k->s, process, page, &vma);
      if (mapped) pages[naive_kind(&p->pages[page])]++;
      if (!mapped && !found) continue;
      uint32_t region = found ? pw_vma_region(&k->s, &vma) : 0; /* may move the texts */
      if (found) got = k->s.texts.texts[region];
      bool right = found && strcmp(got, want) == 0 && (mapped || vma.grows);
      if (!right || mapped != pw_spaces_mapped(&k->s, process, page, page))
        fail_msg("seed %u: process %u page %u is %s, naive %s", (unsigned)seed, process, (unsigned)page, got, want);
    }
  for (int i = 0; i < PW_VMA_KINDS; i++)
    if (pages[i] != k->s.pages[i])
      fail_msg("seed %u: %u pages of kind %d, naive %u", (unsigned)seed, (unsigned)k->s.pages[i], i, (unsigned)pages[i]);
}

static uint64_t compare_symbols(const struct space_kit *k, const struct naive *n, uint64_t seed)
{
  uint64_t met = 0;
  for (uint32_t process = 0; process < PROCESSES; process++)
    for (uint64_t address = 128; address < PAGES << 12; address += 256) {
      const struct pw_space_symbol *got = pw_spaces_symbol(&k->s, process, address, PW_SYMBOL_DATA);
      const struct naive_symbol *want = naive_at(&n->p[process], address);
      unsigned name = got ? (unsigned)strtoul(k->s.texts.texts[got->name] + 1, NULL, 10) : 0;
      met += want != NULL;
      if (name != (want ? want->order : 0))
        fail_msg("seed %u: address %x of process %u is symbol %u, naive %u", (unsigned)seed, (unsigned)address, process, name,
                 want ? want->order : 0);
    }
  return met;
}

/* PW_ITERATIONS=N tries N seeds instead of 1000. */
static void spaces_are_what_a_naive_reader_says(void **state)
{
  const char *text = getenv("PW_ITERATIONS");
  uint64_t met = 0;
  struct naive *n = kit_alloc(1, sizeof *n);
  (void)state;
  for (uint64_t seed = 1; seed <= (text ? strtoull(text, NULL, 10) : 1000); seed++) {
    struct space_kit k;
    uint64_t r = pw_random_seed(seed, 71);
    space_kit_init(&k, PW_SPACES_SYMBOLS | PW_SPACES_COUNT);
    memset(n, 0, sizeof *n);
    for (uint32_t p = 0; p < PROCESSES; p++) naive_empty(&n->p[p]);
    n->p[0].lives = true;
    for (uint32_t i = 1; i <= 200; i++) {
      write_event(&k, n, &r);
      if (i % 20) continue;
      compare_pages(&k, n, seed);
      met += compare_symbols(&k, n, seed);
    }
    pw_spaces_clear(&k.s);
  }
  assert_true(met > 10000);
  free(n);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(spaces_are_what_a_naive_reader_says)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
