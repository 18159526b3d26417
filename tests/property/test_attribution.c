/* Who is charged: random traces with maps, symbols and processes through pw_attribute, against the naive machine
 * run one access at a time, where whatever a count moved by belongs to whoever the access belongs to. */
#include "naive_machine.h"

enum { MAX_SYMBOLS = 2000, MAX_OWNERS = 400, MAX_MAPS = 2000 };

/* ---- who owns what, plainly ---- */

struct place {
  uint32_t process;
  bool gone;
  uint64_t first, last; /* pages; of symbols, addresses */
  char name[64], object[64];
  unsigned rights, kind;
};

struct owner {
  char name[64], object[64];
  uint64_t count[14], returned_bytes;
};

/* In the order of the fields of pw_result. */
enum { FETCHES, LOADS, STORES, ITLB, DTLB, LOOKUPS, STLB, WALKS, REFS, MINOR, MAJOR, SWAPS, TOUCHED, TABLES };

struct naive {
  enum pw_by by;
  struct machine machine;
  size_t n_maps, n_symbols, n_owners;
  struct place maps[MAX_MAPS], symbols[MAX_SYMBOLS];
  struct owner owners[MAX_OWNERS];
  /* by page of the machine: who brought it */
  struct { uint64_t key; size_t owner; } pages[MAX_PAGES];
  size_t n_pages;
  size_t faulted[MAX_TOUCHES]; /* by frame: who brought it into memory last */
  struct { uint64_t key; size_t owner; } tables[MAX_PAGES];
  size_t n_tables;
  bool any_tables;           /* a fork or a move made some, in an order of its own */
};

static size_t owner_of_name(struct naive *n, const char *name, const char *object)
{
  for (size_t i = 0; i < n->n_owners; i++)
    if (strcmp(n->owners[i].name, name) == 0 && strcmp(n->owners[i].object, object) == 0) return i;
  assert_true(n->n_owners < MAX_OWNERS);
  struct owner *o = &n->owners[n->n_owners];
  memset(o, 0, sizeof *o);
  snprintf(o->name, sizeof o->name, "%s", name);
  snprintf(o->object, sizeof o->object, "%s", object);
  return n->n_owners++;
}

static const struct place *map_at(const struct naive *n, uint32_t process, uint64_t page)
{
  for (size_t i = n->n_maps; i-- > 0;) {
    const struct place *m = &n->maps[i];
    if (m->process == process && m->first <= page && page <= m->last) return m->gone ? NULL : m;
  }
  return NULL;
}

static const char *last_part(const char *path)
{
  return path[0] == '/' ? strrchr(path, '/') + 1 : path;
}

static size_t owner_of_page(struct naive *n, uint32_t process, uint64_t page, bool fetched)
{
  char name[80];
  const struct place *m = map_at(n, process, page);
  if (!m) return owner_of_name(n, "[unknown]", "[unknown]");
  if (n->by == PW_BY_OBJECT) return owner_of_name(n, last_part(m->object), m->object);
  if (n->by == PW_BY_REGION || m->object[0] != '/') return owner_of_name(n, m->name, m->object);
  snprintf(name, sizeof name, "[%s%s]", last_part(m->object), n->by == PW_BY_SYMBOL && fetched ? " code" : "");
  return owner_of_name(n, name, m->object);
}

static size_t owner_of_address(struct naive *n, uint32_t process, uint64_t address, unsigned kind, bool fetched)
{
  const struct place *best = NULL;
  for (size_t i = 0; i < n->n_symbols; i++) {
    const struct place *s = &n->symbols[i];
    if (s->gone || s->process != process || s->kind != kind || address < s->first || address > s->last) continue;
    if (!best || s->first > best->first || (s->first == best->first && s->last < best->last)) best = s;
  }
  return best ? owner_of_name(n, best->name, best->object) : owner_of_page(n, process, address >> 12, fetched);
}

/* ---- a trace with names and sides ---- */

struct line {
  struct op op;
  uint16_t offset;
  uint64_t pc;
  char text[64];
};

struct story {
  size_t n;
  struct line list[MAX_OPS];
};

static size_t owner_of_access(struct naive *n, const struct line *l)
{
  bool fetched = l->op.op == PW_FETCH;
  if (n->by == PW_BY_FUNCTION) return owner_of_address(n, l->op.process, l->pc, PW_SYMBOL_FUNCTION, true);
  if (n->by == PW_BY_SYMBOL) return owner_of_address(n, l->op.process, l->op.page << 12 | l->offset, PW_SYMBOL_DATA, fetched);
  return owner_of_page(n, l->op.process, l->op.page, fetched);
}

static void naive_map(struct naive *n, uint32_t process, const struct line *l)
{
  const struct pw_event *e = &l->op.e;
  assert_true(n->n_maps < MAX_MAPS);
  struct place *m = &n->maps[n->n_maps++];
  *m = (struct place){.process = process, .first = e->a >> 12, .last = (e->a + e->b - 1) >> 12, .rights = (unsigned)e->c & 7};
  if (!l->text[0]) {
    snprintf(m->name, sizeof m->name, "[mmap 0x%llx]", (unsigned long long)e->a);
    snprintf(m->object, sizeof m->object, "[mmap]");
  } else {
    snprintf(m->object, sizeof m->object, "%s", l->text);
    if (l->text[0] == '[') snprintf(m->name, sizeof m->name, "%s", l->text);
    else snprintf(m->name, sizeof m->name, "%s %c%c%c", last_part(l->text), e->c & 1 ? 'r' : '-', e->c & 2 ? 'w' : '-', e->c & 4 ? 'x' : '-');
  }
}

static void naive_unmap(struct naive *n, uint32_t process, uint64_t first, uint64_t last, bool all)
{
  assert_true(n->n_maps < MAX_MAPS);
  n->maps[n->n_maps++] = (struct place){.process = process, .gone = true, .first = first >> 12, .last = last >> 12};
  for (size_t i = 0; i < n->n_symbols; i++) {
    struct place *s = &n->symbols[i];
    if (s->process == process && (all || (s->first >= first && s->first <= last))) s->gone = true;
  }
}

static void naive_symbol(struct naive *n, uint32_t process, const struct line *l)
{
  const struct place *m = map_at(n, process, l->op.e.a >> 12);
  assert_true(n->n_symbols < MAX_SYMBOLS);
  struct place *s = &n->symbols[n->n_symbols++];
  *s = (struct place){.process = process, .first = l->op.e.a, .last = l->op.e.a + l->op.e.b - 1, .kind = (unsigned)l->op.e.c};
  snprintf(s->name, sizeof s->name, "%s", l->text);
  snprintf(s->object, sizeof s->object, "%s", m ? m->object : "[unknown]");
}

static void naive_fork(struct naive *n, uint32_t parent, uint32_t child)
{
  for (size_t i = 0, end = n->n_maps; i < end; i++)
    if (n->maps[i].process == parent) {
      assert_true(n->n_maps < MAX_MAPS);
      n->maps[n->n_maps] = n->maps[i];
      n->maps[n->n_maps++].process = child;
    }
  for (size_t i = 0, end = n->n_symbols; i < end; i++)
    if (n->symbols[i].process == parent && !n->symbols[i].gone) {
      assert_true(n->n_symbols < MAX_SYMBOLS);
      n->symbols[n->n_symbols] = n->symbols[i];
      n->symbols[n->n_symbols++].process = child;
    }
}

/* ---- charging ---- */

/* The page's record, a new one if need be. */
static size_t page_record(struct naive *n, uint64_t key)
{
  for (size_t i = 0; i < n->n_pages; i++)
    if (n->pages[i].key == key) return i;
  assert_true(n->n_pages < MAX_PAGES);
  n->pages[n->n_pages].key = key;
  return n->n_pages++;
}

static void share_touched(struct naive *n)
{
  for (size_t i = 0; i < n->n_owners; i++) n->owners[i].count[TOUCHED] = 0;
  for (size_t i = 0; i < n->machine.present.n; i++) {
    size_t k = 0;
    while (n->machine.in[k] != n->machine.in[i]) k++;
    if (k < i) continue; /* a frame counts once */
    n->owners[n->pages[page_record(n, n->machine.present.key[i])].owner].count[TOUCHED] += UINT64_C(4096) << n->machine.shift;
  }
}

static void share_tables(struct naive *n)
{
  for (size_t i = 0; i < n->n_owners; i++) n->owners[i].count[TABLES] = 0;
  for (size_t i = 0; i < n->machine.tables.n; i++)
    for (size_t k = 0; k < n->n_tables; k++)
      if (n->tables[k].key == n->machine.tables.key[i]) n->owners[n->tables[k].owner].count[TABLES] += n->machine.table_bytes;
  n->owners[owner_of_name(n, "[root tables]", "[root tables]")].count[TABLES] += n->machine.roots * n->machine.root_bytes;
}

static void note_tables(struct naive *n, size_t owner)
{
  size_t kept = 0;
  for (size_t k = 0, at; k < n->n_tables; k++)
    if (has(&n->machine.tables, n->tables[k].key, &at)) n->tables[kept++] = n->tables[k];
  n->n_tables = kept;
  for (size_t i = 0; i < n->machine.tables.n; i++) {
    size_t k = 0;
    while (k < n->n_tables && n->tables[k].key != n->machine.tables.key[i]) k++;
    if (k < n->n_tables) continue;
    assert_true(n->n_tables < MAX_PAGES);
    n->tables[n->n_tables].key = n->machine.tables.key[i];
    n->tables[n->n_tables++].owner = owner;
  }
}

/* Whatever the counts moved by is this owner's; the page of this key was touched. */
static void charge_touch(struct naive *n, size_t owner, uint64_t key, const struct set *memory_before, const struct pw_result *before)
{
  const struct machine *m = &n->machine;
  const struct pw_result *r = &m->r;
  struct owner *o = &n->owners[owner];
  size_t page = page_record(n, key), at;
  o->count[ITLB] += r->itlb_misses - before->itlb_misses;
  o->count[DTLB] += r->dtlb_misses - before->dtlb_misses;
  o->count[LOOKUPS] += r->stlb_lookups - before->stlb_lookups;
  o->count[STLB] += r->stlb_misses - before->stlb_misses;
  o->count[WALKS] += r->stlb_misses - before->stlb_misses;
  o->count[MINOR] += r->minor_faults - before->minor_faults;
  o->count[MAJOR] += r->major_faults - before->major_faults;
  for (size_t i = 0; i < memory_before->n; i++)
    if (memory_before->dirty[i] && !has(&m->memory, memory_before->key[i], &at)) n->owners[n->faulted[memory_before->key[i]]].count[SWAPS]++;
  if (r->minor_faults > before->minor_faults) n->pages[page].owner = owner;
  for (size_t i = 0; i < m->memory.n; i++)
    if (!has(memory_before, m->memory.key[i], &at)) n->faulted[m->memory.key[i]] = owner;
  note_tables(n, owner);
  if (r->touched_bytes > before->touched_bytes) share_touched(n);
  if (r->table_bytes > before->table_bytes) share_tables(n);
}

static void charge_access(struct naive *n, const struct line *l, const struct set *memory_before, const struct pw_result *before)
{
  size_t owner = owner_of_access(n, l);
  n->owners[owner].count[l->op.op == PW_FETCH ? FETCHES : l->op.op == PW_LOAD ? LOADS : STORES]++;
  charge_touch(n, owner, (uint64_t)l->op.process << 52 | l->op.page >> n->machine.shift, memory_before, before);
}

/* A visit began with a copy for this store of the story, if any. */
static void charge_copy(struct naive *n, const struct story *s, size_t store, struct set *memory_before, struct pw_result *before)
{
  if (store == SIZE_MAX) return;
  const struct line *l = &s->list[store];
  charge_touch(n, owner_of_access(n, l), (uint64_t)l->op.process << 52 | l->op.page >> n->machine.shift, memory_before, before);
  *memory_before = n->machine.memory;
  *before = n->machine.r;
}

/* The stories' kernel touches one page at a time. */
static void charge_kernel(struct naive *n, const struct pw_event *e, const struct set *memory_before, const struct pw_result *before)
{
  uint32_t process = n->machine.process;
  size_t owner = n->by == PW_BY_FUNCTION ? owner_of_name(n, "[kernel]", "[kernel]")
               : n->by == PW_BY_SYMBOL ? owner_of_address(n, process, e->a, PW_SYMBOL_DATA, false) : owner_of_page(n, process, e->a >> 12, false);
  charge_touch(n, owner, (uint64_t)process << 52 | e->a >> 12 >> n->machine.shift, memory_before, before);
}

/* Pages that go, with their frames: shared_before tells which others went on with. */
static void charge_event(struct naive *n, const struct line *l, const struct set *present_before, const bool *shared_before,
                         const struct pw_result *before)
{
  const struct pw_event *e = &l->op.e;
  bool returns = e->kind == PW_EVENT_UNMAP || e->kind == PW_EVENT_DISCARD;
  size_t at;
  for (size_t i = 0; returns && i < present_before->n; i++)
    if (!shared_before[i] && !has(&n->machine.present, present_before->key[i], &at))
      n->owners[n->pages[page_record(n, present_before->key[i])].owner].returned_bytes += UINT64_C(4096) << n->machine.shift;
  if (e->kind == PW_EVENT_FORK || e->kind == PW_EVENT_MOVE) n->any_tables = true;
  note_tables(n, 0);
  if (n->machine.r.table_bytes > before->table_bytes) share_tables(n);
}

/* A child's pages and moved ones were brought by who brought them. */
static void rename_pages(struct naive *n, uint32_t process, const struct pw_event *e)
{
  uint64_t first = e->a >> 12, last = (e->a + e->b - 1) >> 12, to = e->c >> 12;
  if (e->kind == PW_EVENT_MOVE && !can_move(&n->machine, first, last, to)) return;
  for (size_t i = 0, end = n->n_pages; i < end; i++) {
    uint64_t key = n->pages[i].key, page = key & PW_PAGE_MASK;
    if (key >> 52 != process || (e->kind == PW_EVENT_MOVE && (page < first || page > last))) continue;
    uint64_t new_key = e->kind == PW_EVENT_FORK ? e->b << 52 | page : (uint64_t)process << 52 | (page - first + to);
    size_t at = page_record(n, new_key), there;
    if (e->kind == PW_EVENT_MOVE && !has(&n->machine.present, new_key, &there)) continue;
    n->pages[at].owner = n->pages[i].owner;
  }
}

static void run_naive_story(struct naive *n, const struct story *s)
{
  struct script *script = kit_alloc(1, sizeof *script); /* opt looks ahead in it */
  struct set *before = kit_alloc(1, sizeof *before);
  bool *shared = kit_alloc(MAX_PAGES, sizeof *shared);
  script->n = s->n;
  for (size_t i = 0; i < s->n; i++) script->list[i] = s->list[i].op;
  begin_naive(&n->machine, script);
  share_tables(n);
  for (size_t i = 0; i < s->n; i++) {
    const struct line *l = &s->list[i];
    const struct pw_event *e = &l->op.e;
    struct pw_result r = n->machine.r;
    uint32_t process = n->machine.process;
    n->machine.at = i;
    bool kernel = l->op.event && (e->kind == PW_EVENT_KERNEL_READ || e->kind == PW_EVENT_KERNEL_WRITE);
    *before = l->op.event && !kernel ? n->machine.present : n->machine.memory;
    for (size_t k = 0; l->op.event && !kernel && k < before->n; k++) shared[k] = is_shared(&n->machine, before->key[k]);
    if (!l->op.event) {
      charge_copy(n, s, begin_visit(&n->machine, &l->op), before, &r);
      do_access(&n->machine, &l->op);
      if (l->op.cut) close_visits(&n->machine);
      charge_access(n, l, before, &r);
      continue;
    }
    do_event(&n->machine, e);
    if (kernel) {
      charge_kernel(n, e, before, &r);
      continue;
    }
    if (e->kind == PW_EVENT_FORK || e->kind == PW_EVENT_MOVE) rename_pages(n, process, e);
    charge_event(n, l, before, shared, &r);
    if (e->kind == PW_EVENT_MAP) naive_map(n, process, l);
    if (e->kind == PW_EVENT_UNMAP) naive_unmap(n, process, e->a, e->a + e->b - 1, false);
    if (e->kind == PW_EVENT_EXEC || e->kind == PW_EVENT_EXIT) naive_unmap(n, process, 0, UINT64_MAX, true);
    if (e->kind == PW_EVENT_SYMBOL) naive_symbol(n, process, l);
    if (e->kind == PW_EVENT_FORK) naive_fork(n, process, (uint32_t)e->b);
  }
  free(script);
  free(before);
  free(shared);
}

/* ---- writing stories ---- */

static const uint64_t bases[] = {0x10, 0x200 - 6, 0x40000 - 6, 0x7fff0};

static uint64_t draw_page(uint64_t *r)
{
  return bases[pw_random_below(r, 4)] + pw_random_below(r, 12);
}

static struct line *add_line(struct story *s)
{
  assert_true(s->n < MAX_OPS);
  struct line *l = &s->list[s->n++];
  memset(l, 0, sizeof *l);
  return l;
}

/* An unmap, then a map over some of it. */
static void write_map(struct story *s, uint64_t *r, bool again)
{
  static const char *const files[] = {"/lib/a.so", "/opt/x/a.so", "/bin/prog", "[heap]", ""};
  uint64_t first = draw_page(r), n = 1 + pw_random_below(r, 16);
  struct line *l = add_line(s);
  l->op = (struct op){.event = true, .e = {.kind = PW_EVENT_UNMAP, .a = first << 12, .b = n << 12}};
  if (!again) return;
  l = add_line(s);
  l->op = (struct op){.event = true, .e = {.kind = PW_EVENT_MAP, .a = first << 12, .b = n << 12}};
  snprintf(l->text, sizeof l->text, "%s", files[pw_random_below(r, 5)]);
  l->op.e.c = pw_random_below(r, 2) ? 5 : 1; /* no zeroes of a file's data here */
}

static void write_symbol(struct story *s, uint64_t *r)
{
  struct line *l = add_line(s);
  uint64_t address = draw_page(r) << 12 | pw_random_below(r, 2) << 11; /* often the same */
  l->op = (struct op){.event = true, .e = {.kind = PW_EVENT_SYMBOL, .a = address, .b = (1 + pw_random_below(r, 3)) << 11, .c = 1 + pw_random_below(r, 2)}};
  snprintf(l->text, sizeof l->text, "s%u", pw_random_below(r, 40));
}

static void write_accesses(struct story *s, uint64_t *r, uint32_t process)
{
  uint64_t data = draw_page(r), code = draw_page(r);
  for (uint32_t n = 1 + pw_random_below(r, 30); n > 0; n--) {
    struct line *l = add_line(s);
    uint32_t op = pw_random_below(r, 3);
    uint64_t *page = op == PW_FETCH ? &code : &data;
    if (pw_random_below(r, 3) == 0) *page = draw_page(r);
    l->op = (struct op){.op = op, .process = process, .page = *page};
    l->offset = (uint16_t)pw_random_below(r, 4096);
    l->pc = op == PW_FETCH ? *page << 12 | l->offset : code << 12 | pw_random_below(r, 4096);
  }
}

static void write_event(struct story *s, struct pw_event e)
{
  struct line *l = add_line(s);
  l->op = (struct op){.event = true, .e = e};
}

static void write_call(struct story *s, uint64_t *r)
{
  static const uint32_t kinds[] = {PW_EVENT_KERNEL_READ, PW_EVENT_KERNEL_WRITE, PW_EVENT_DISCARD, PW_EVENT_MOVE};
  uint32_t kind = kinds[pw_random_below(r, 4)];
  uint64_t page = draw_page(r), at = pw_random_below(r, 4000), n = 1 + pw_random_below(r, 6);
  if (kind == PW_EVENT_DISCARD) write_event(s, (struct pw_event){.kind = kind, .a = page << 12, .b = n << 12});
  else if (kind == PW_EVENT_MOVE) write_event(s, (struct pw_event){.kind = kind, .a = page << 12, .b = n << 12, .c = draw_page(r) << 12});
  else write_event(s, (struct pw_event){.kind = kind, .a = page << 12 | at, .b = 1 + pw_random_below(r, (uint32_t)(4096 - at))});
}

/* A copy of a shared page is made by a store, which by symbol and function the opener answers for: no forks then. */
static void write_story(struct story *s, uint64_t seed, bool forks)
{
  uint64_t r = pw_random_seed(seed, 41);
  uint32_t process = 0, n_processes = 1, rounds = 10 + pw_random_below(&r, 40);
  s->n = 0;
  for (uint32_t i = 0; i < rounds; i++) {
    for (uint32_t k = pw_random_below(&r, 3); k > 0; k--) write_map(s, &r, pw_random_below(&r, 4) != 0);
    for (uint32_t k = pw_random_below(&r, 7); k > 0; k--) write_symbol(s, &r);
    write_accesses(s, &r, process);
    for (uint32_t k = pw_random_below(&r, 3); k > 0; k--) write_call(s, &r);
    if (forks && pw_random_below(&r, 6) == 0 && n_processes < 4) {
      write_event(s, (struct pw_event){.kind = PW_EVENT_FORK, .a = 100 + n_processes, .b = n_processes});
      n_processes++;
      write_accesses(s, &r, process);
    }
    if (pw_random_below(&r, 12) == 0) write_event(s, (struct pw_event){.kind = PW_EVENT_EXEC});
    if (pw_random_below(&r, 6) == 0 && n_processes < 3) {
      process = n_processes++;
      write_event(s, (struct pw_event){.kind = PW_EVENT_PROCESS, .a = 100 + process, .b = process});
    } else if (pw_random_below(&r, 6) == 0) {
      process = pw_random_below(&r, n_processes);
      write_event(s, (struct pw_event){.kind = PW_EVENT_PROCESS, .a = 100 + process, .b = process});
    }
  }
}

static void add_block(struct kit_file *file, struct kit_builder *b)
{
  kit_finish(b);
  b->block.offset = b->offset;
  b->block.pc = b->pc;
  if (b->n_visits + b->n_events) kit_file_add(file, &b->block);
  kit_start(b);
}

static struct kit_file write_file(struct story *s, uint64_t seed)
{
  struct kit_builder *b = kit_alloc(1, sizeof *b);
  struct kit_file file;
  uint64_t r = pw_random_seed(seed, 42);
  kit_file_open(&file, NULL);
  kit_start(b);
  for (size_t i = 0; i < s->n; i++) {
    const struct line *l = &s->list[i];
    if (l->op.event) {
      struct pw_event e = l->op.e;
      e.text = l->text;
      e.text_bytes = (uint32_t)strlen(l->text);
      kit_event(b, e);
    } else {
      kit_access(b, l->op.process, l->op.page, l->op.op);
      if (b->counts[0] + b->counts[1] + b->counts[2] == 1) { /* it opened the visit */
        b->offset[b->n_visits] = l->offset;
        b->pc[b->n_visits] = l->pc;
      }
    }
    s->list[i].op.cut = pw_random_below(&r, 300) == 0;
    if (s->list[i].op.cut) add_block(&file, b);
  }
  add_block(&file, b);
  kit_file_finish(&file);
  free(b);
  return file;
}

/* ---- the property ---- */

static void draw_machine(struct machine *m, struct pw_config *c, uint64_t *r, enum pw_by by)
{
  static const uint32_t tlbs[][2] = {{4, 4}, {8, 2}, {4, 1}, {6, 2}, {16, 16}};
  static const uint64_t frames[] = {0, 2, 3, 5, 9, 20};
  static const int policies[] = {0, 1, 2, 4};
  struct tlb *levels[3] = {&m->itlb, &m->dtlb, &m->stlb};
  struct pw_tlb_config *configs[3] = {&c->itlb, &c->dtlb, &c->stlb};
  memset(m, 0, sizeof *m);
  pw_config_default(c);
  m->asid = pw_random_below(r, 2);
  m->n_spans = 3;
  m->span[0] = 39, m->span[1] = 30, m->span[2] = 21;
  m->root_bytes = m->table_bytes = 4096;
  for (int i = 0; i < 3; i++) {
    const uint32_t *t = tlbs[pw_random_below(r, 5)];
    levels[i]->entries = t[0];
    levels[i]->ways = t[1];
    *configs[i] = (struct pw_tlb_config){t[0], t[1], 0};
  }
  /* a fault on a later touch of a visit is its page's last opener's, which the naive machine does not know */
  m->frames = by == PW_BY_SYMBOL || by == PW_BY_FUNCTION ? 0 : frames[pw_random_below(r, 6)];
  m->policy = policies[pw_random_below(r, 4)];
  c->memory_bytes = m->frames ? m->frames << 12 : PW_UNLIMITED;
  c->memory_policy = m->policy;
}

static uint64_t got_count(const struct pw_owner *o, size_t which)
{
  const struct pw_result *r = &o->counts;
  const uint64_t counts[] = {r->counted.fetches, r->counted.loads, r->counted.stores, r->itlb_misses, r->dtlb_misses, r->stlb_lookups,
                             r->stlb_misses, r->walks, r->walk_refs, r->minor_faults, r->major_faults, r->swap_outs, r->touched_bytes,
                             r->table_bytes};
  return counts[which];
}

static int compare(struct naive *n, const struct pw_attribution *a, uint64_t seed)
{
  int wrong = 0;
  bool accesses = n->by == PW_BY_REGION || n->by == PW_BY_OBJECT;
  for (size_t i = 0; i < a->n_owners; i++) owner_of_name(n, a->owners[i].name, a->owners[i].object);
  for (size_t i = 0; i < n->n_owners; i++) {
    const struct owner *o = &n->owners[i];
    static const struct pw_owner nobody;
    const struct pw_owner *got = &nobody;
    for (size_t k = 0; k < a->n_owners; k++)
      if (strcmp(a->owners[k].name, o->name) == 0 && strcmp(a->owners[k].object, o->object) == 0) got = &a->owners[k];
    for (size_t w = accesses ? FETCHES : ITLB; w <= TABLES; w++) {
      uint64_t want = w == REFS ? 4 * o->count[WALKS] : o->count[w];
      if (got_count(got, w) == want || (w == TABLES && n->any_tables)) continue;
      wrong++;
      print_error("seed %llu by %s: %s (%s) count %zu is %llu, naive %llu\n", (unsigned long long)seed, pw_by_name(n->by), o->name,
                  o->object, w, (unsigned long long)got_count(got, w), (unsigned long long)want);
    }
    if (got->returned_bytes != o->returned_bytes) {
      wrong++;
      print_error("seed %llu by %s: %s returned %llu bytes, naive %llu\n", (unsigned long long)seed, pw_by_name(n->by), o->name,
                  (unsigned long long)got->returned_bytes, (unsigned long long)o->returned_bytes);
    }
  }
  return wrong;
}

static uint64_t sum_of_cells(const struct pw_attribution *a)
{
  uint64_t sum = 0;
  for (size_t i = 0; i < a->n_cells; i++) sum += a->cells[i].misses;
  return sum;
}

static void run_trial(uint64_t seed, enum pw_by by)
{
  struct story *s = kit_alloc(1, sizeof *s);
  struct naive *n = kit_alloc(1, sizeof *n);
  uint64_t r = pw_random_seed(seed, 43);
  struct pw_config config;
  struct pw_error err = {0};
  write_story(s, seed, by == PW_BY_REGION || by == PW_BY_OBJECT);
  n->by = by;
  draw_machine(&n->machine, &config, &r, by);
  struct kit_file file = write_file(s, seed);
  struct pw_trace_options reading = {.sides = true};
  struct pw_run_options options = {.no_asid = !n->machine.asid};
  struct pw_trace *trace;
  struct pw_attribution a;
  enum pw_heat_of heat = (enum pw_heat_of)pw_random_below(&r, 4);
  KIT_OK(pw_trace_open_memory(&trace, "T", file.bytes, file.n, &reading, &err), err);
  KIT_OK(pw_attribute(trace, &config, by, heat, &options, &a, &err), err);
  const struct pw_result *t = &a.total.counts;
  const uint64_t of_heat[] = {0, t->walks, t->dtlb_misses, t->minor_faults + t->major_faults};
  assert_int_equal(sum_of_cells(&a), of_heat[heat]);
  run_naive_story(n, s);
  assert_int_equal(compare(n, &a, seed), 0);
  pw_attribution_clear(&a);
  pw_trace_close(trace);
  kit_file_free(&file);
  free(n);
  free(s);
}

static void test_random(void **state)
{
  (void)state;
  const char *one = getenv("PW_SEED");
  for (uint64_t seed = one ? strtoull(one, NULL, 10) : 1; seed <= 150; seed++) {
    for (int by = PW_BY_REGION; by <= PW_BY_FUNCTION; by++) run_trial(seed, (enum pw_by)by);
    if (one) break;
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_random)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
