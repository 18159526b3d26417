/* random_traces FOLDER N [SEED] - N small traces of made-up programs with every kind of event, for scripts/compare.
 *
 * FOLDER/plain-NUMBER.pwt keeps what the format asks of a writer (a map says unmap first, a move goes to pages that
 * were never touched); every fourth trace, FOLDER/odd-NUMBER.pwt, is one that a reader must take all the same:
 * ranges that lie anywhere, maps over maps, moves over pages that stay, ends of threads that never began. Half of the
 * traces have side columns. The same N and SEED give the same bytes. */
#include "tracekit.h"

enum { MAX_AREAS = 64, MAX_PROCESSES = 9, N_FILES = 5, PAGE = 4096 };

struct area {
  uint64_t first, n_pages;
  uint32_t rights;
};

struct process {
  bool gone;
  size_t n;
  struct area area[MAX_AREAS];
  uint64_t program, heap, stack, next; /* pages: the next mapping ends below `next` */
};

struct world {
  uint64_t r;
  bool odd, close, kernel_half;
  uint32_t events_percent, n_processes, most_processes, now, thread, n_threads, n_marks, symbols, block_visits;
  struct process process[MAX_PROCESSES];
  struct kit_builder *b;
  struct kit_file file;
};

static uint32_t below(struct world *w, uint32_t n)
{
  return pw_random_below(&w->r, n);
}

static bool one_in(struct world *w, uint32_t n)
{
  return below(w, n) == 0;
}

/* ---- events ---- */

static void end_block(struct world *w)
{
  const struct pw_block *block = kit_finish(w->b);
  w->b->block.offset = w->b->sides ? w->b->offset : NULL;
  w->b->block.pc = w->b->sides ? w->b->pc : NULL;
  if (block->n_visits + block->n_events) kit_file_add(&w->file, block);
  kit_start(w->b);
}

static void event(struct world *w, uint32_t kind, uint64_t a, uint64_t b, uint64_t c, const char *text)
{
  kit_event(w->b, (struct pw_event){.kind = kind, .a = a, .b = b, .c = c, .text = text,
                                    .text_bytes = text ? (uint32_t)strlen(text) : 0});
}

static void range_event(struct world *w, uint32_t kind, uint64_t first, uint64_t n_pages, uint64_t c)
{
  event(w, kind, first * PAGE, n_pages * PAGE, c, NULL);
}

static const char *name_of_file(uint32_t number)
{
  static const char *const names[N_FILES] = {"/usr/bin/prog", "/lib/libc.so.6", "/lib/libm.so.6", "/opt/x/libc.so.6", "/etc/data, \"1\""};
  return names[number % N_FILES];
}

static void write_symbols(struct world *w, uint64_t first, uint64_t n_pages, uint32_t kind)
{
  static const char *const names[] = {"main", "f", "sort", "table", "_ZN3foo3barEv", "_ZNSt6vectorIiE4pushEi", "x", "operator,"};
  for (uint32_t i = below(w, w->symbols + 1); i > 0; i--) {
    uint64_t bytes = 1 + below(w, one_in(w, 3) ? 9000 : 600);
    event(w, PW_EVENT_SYMBOL, first * PAGE + (pw_random_next(&w->r) % (n_pages * PAGE) & ~UINT64_C(15)), bytes, kind, names[below(w, 8)]);
  }
}

/* Says unmap where something may be in the way of a map. */
static void make_room(struct world *w, uint64_t first, uint64_t n_pages)
{
  struct process *p = &w->process[w->now];
  bool taken = false;
  for (size_t i = 0; i < p->n; i++) taken |= p->area[i].first < first + n_pages && first < p->area[i].first + p->area[i].n_pages;
  if (taken && !w->odd) range_event(w, PW_EVENT_UNMAP, first, n_pages, 0);
}

/* A map, which the process remembers so that accesses and events find it; one that it forgets for that goes. */
static void map(struct world *w, uint64_t first, uint64_t n_pages, uint32_t rights, const char *name)
{
  struct process *p = &w->process[w->now];
  uint64_t short_by = one_in(w, 12) ? below(w, PAGE) : 0; /* a length that ends inside a page */
  struct area *a = &p->area[p->n < MAX_AREAS ? p->n++ : below(w, MAX_AREAS)];
  if (p->n == MAX_AREAS && a->n_pages) range_event(w, PW_EVENT_UNMAP, a->first, a->n_pages, 0);
  *a = (struct area){0};
  make_room(w, first, n_pages);
  event(w, PW_EVENT_MAP, first * PAGE, n_pages * PAGE - short_by, rights, name);
  *a = (struct area){first, n_pages, rights};
}

static void map_file(struct world *w, uint64_t first, uint64_t n_pages, uint32_t rights, uint32_t number, uint64_t offset)
{
  static const char *const ids[] = {"00112233445566778899aabbccddeeff00112233", "ffeeddccbbaa99887766554433221100ffeeddcc", "", "ab", ""};
  map(w, first, n_pages, rights, name_of_file(number));
  if (!one_in(w, 5)) event(w, PW_EVENT_BACKING, offset * PAGE, 1000 + number, 0, ids[number]);
}

/* Text, constants, data and .bss of a program or library; the pages behind it. */
static uint64_t load_file(struct world *w, uint64_t at, uint32_t number)
{
  uint64_t start = at, text = 1 + below(w, 8), constants = below(w, 3), data = 1 + below(w, 3), bss = below(w, 4);
  if (number && one_in(w, 2)) { /* as a loader does: all of it, then its parts over that */
    map_file(w, at, text + constants + data + bss, 1, number, 0);
    range_event(w, PW_EVENT_UNMAP, at, text + constants + data + bss, 0);
  }
  map_file(w, at, text, 5, number, 0);
  write_symbols(w, at, text, PW_SYMBOL_FUNCTION);
  at += text;
  if (constants) map_file(w, at, constants, 1, number, text);
  at += constants;
  map_file(w, at, data, 3, number, text + constants);
  if (one_in(w, 2)) write_symbols(w, at, data + bss, PW_SYMBOL_DATA);
  at += data;
  if (bss) map(w, at, bss, 3, NULL);
  if (one_in(w, 3)) range_event(w, PW_EVENT_PROTECT, at - data, 1, 1);
  return at + bss - start;
}

/* Room for a new mapping, below the others; often next to them or at an edge of a large page. */
static uint64_t room_for(struct world *w, uint64_t n_pages)
{
  struct process *p = &w->process[w->now];
  if (one_in(w, 6)) p->next &= ~UINT64_C(511);
  if (one_in(w, 3)) p->next -= below(w, w->close ? 20 : 3000);
  return p->next -= n_pages;
}

static void start_program(struct world *w)
{
  struct process *p = &w->process[w->now];
  uint64_t jitter = UINT64_C(512) * below(w, 4) - below(w, 6);
  memset(p, 0, sizeof *p);
  p->program = w->close ? 0x10000 + jitter : one_in(w, 2) ? 0x400 : 0x555555554 + jitter;
  p->heap = p->program + load_file(w, p->program, 0) + below(w, 3);
  p->stack = (w->close ? 0x10800 : 0x7fffff7de) + jitter;
  p->next = (w->close ? 0x10700 : 0x7ffff7fff) + jitter;
  map(w, p->stack, 4, 3 | PW_MAP_STACK, one_in(w, 4) ? NULL : "[stack]");
  if (one_in(w, 2)) map(w, p->stack + 40, 2, 5, "[vdso]");
  for (uint32_t i = below(w, 3); i > 0; i--) load_file(w, room_for(w, 24), 1 + below(w, N_FILES - 1));
}

static void start_process(struct world *w, uint32_t next)
{
  bool first = next == w->n_processes;
  if (first) w->n_processes++;
  w->now = next;
  event(w, PW_EVENT_PROCESS, 100 + next, next, 0, NULL);
  if (first || w->process[next].gone) {
    w->process[next].gone = false;
    start_program(w);
  }
}

static void switch_process(struct world *w)
{
  uint32_t next = below(w, w->n_processes < w->most_processes ? w->n_processes + 1 : w->n_processes);
  if (next < w->n_processes && w->process[next].gone && !one_in(w, 10)) next = w->now;
  start_process(w, next);
}

static void fork_process(struct world *w)
{
  if (w->n_processes == w->most_processes) return;
  event(w, PW_EVENT_FORK, 100 + w->n_processes, w->n_processes, 0, NULL);
  w->process[w->n_processes] = w->process[w->now];
  if (w->n_processes++ && one_in(w, 2)) start_process(w, w->n_processes - 1);
}

static void exit_process(struct world *w)
{
  bool killed = one_in(w, 4);
  event(w, PW_EVENT_EXIT, killed ? 0 : below(w, 3), killed ? 9 : 0, 0, NULL);
  w->process[w->now].gone = true;
  for (uint32_t i = 0; i < w->n_processes; i++)
    if (!w->process[i].gone) {
      start_process(w, i);
      return;
    }
  start_process(w, w->n_processes < w->most_processes ? w->n_processes : w->now);
}

static struct area *any_area(struct world *w)
{
  struct process *p = &w->process[w->now];
  return &p->area[one_in(w, 2) ? p->n - 1 - below(w, (uint32_t)(p->n < 4 ? p->n : 4)) : below(w, (uint32_t)p->n)];
}

/* Some pages of an area, or all; an odd trace takes what lies around it too, up to all there is. */
static struct area some_pages(struct world *w)
{
  struct area a = *any_area(w);
  uint64_t skipped = one_in(w, 3) ? 0 : below(w, (uint32_t)a.n_pages);
  a.first += skipped;
  a.n_pages -= skipped;
  if (one_in(w, 2)) a.n_pages = 1 + below(w, (uint32_t)a.n_pages);
  if (w->odd && one_in(w, 4) && a.first > 20) {
    a.first -= below(w, 20);
    a.n_pages += below(w, one_in(w, 3) ? 1u << 19 : 600);
  }
  if (w->odd && one_in(w, 30)) a = (struct area){0, (UINT64_C(1) << PW_PAGE_BITS) - 1, 3};
  return a;
}

static void write_map(struct world *w)
{
  struct process *p = &w->process[w->now];
  uint64_t n = 1 + below(w, one_in(w, 4) ? 700 : 12), at;
  uint32_t rights = 1 + below(w, 7);
  if (one_in(w, 3)) { /* the heap grows */
    map(w, p->heap, n, 3, "[heap]");
    p->heap += n;
    return;
  }
  at = w->odd && one_in(w, 3) ? some_pages(w).first : room_for(w, n);
  if (one_in(w, 4)) rights |= PW_MAP_SHARED;
  if (one_in(w, 3)) map_file(w, at, n, rights, below(w, N_FILES), below(w, 30));
  else map(w, at, n, rights | (one_in(w, 5) ? PW_MAP_FIXED : 0), one_in(w, 6) ? "[vvar]" : NULL);
}

/* Unmap, protect or discard; where a file or nothing comes back, the map follows. */
static void change_pages(struct world *w, uint32_t kind)
{
  struct area a = some_pages(w);
  range_event(w, kind, a.first, a.n_pages, kind == PW_EVENT_PROTECT ? below(w, 8) : 0);
  if (kind == PW_EVENT_UNMAP && one_in(w, 3) && a.n_pages < 1000) map(w, a.first, a.n_pages, a.rights, one_in(w, 2) ? NULL : name_of_file(below(w, N_FILES)));
}

static void move_pages(struct world *w)
{
  struct area a = some_pages(w);
  uint64_t to = w->odd && one_in(w, 2) ? some_pages(w).first + below(w, 9) : room_for(w, a.n_pages < 4000 ? a.n_pages : 4000);
  if (!w->odd) range_event(w, PW_EVENT_UNMAP, to, a.n_pages, 0);
  if (!w->odd || one_in(w, 2)) map(w, to, a.n_pages < 4000 ? a.n_pages : 4000, a.rights, NULL);
  if (pw_range_fits(to * PAGE, a.n_pages * PAGE)) range_event(w, PW_EVENT_MOVE, a.first, a.n_pages, to * PAGE);
  if (!w->odd || one_in(w, 2)) range_event(w, PW_EVENT_UNMAP, a.first, a.n_pages, 0);
}

static void kernel_access(struct world *w)
{
  struct area a = *any_area(w);
  uint64_t from = a.first * PAGE + below(w, (uint32_t)a.n_pages * PAGE), most = one_in(w, 8) ? PW_MAX_KERNEL_BYTES : 9000;
  event(w, one_in(w, 2) ? PW_EVENT_KERNEL_READ : PW_EVENT_KERNEL_WRITE, from, below(w, (uint32_t)most + 1), 0, NULL);
}

static void write_thread(struct world *w)
{
  switch (below(w, 4)) {
    case 0: event(w, PW_EVENT_THREAD_START, 200 + ++w->n_threads, 200 + w->thread, 0, NULL); break;
    case 1: event(w, PW_EVENT_THREAD_END, 200 + (w->odd ? below(w, 50) : w->thread), 0, 0, NULL); break;
    default: event(w, PW_EVENT_THREAD, 200 + (w->thread = below(w, w->n_threads + 1)), 0, 0, NULL); break;
  }
}

static void write_event(struct world *w)
{
  uint32_t kind = below(w, 40);
  if (kind < 9) write_map(w);
  else if (kind < 13) change_pages(w, PW_EVENT_UNMAP);
  else if (kind < 16) change_pages(w, PW_EVENT_DISCARD);
  else if (kind < 18) change_pages(w, PW_EVENT_PROTECT);
  else if (kind < 21) move_pages(w);
  else if (kind < 27) kernel_access(w);
  else if (kind < 29) write_thread(w);
  else if (kind < 31) fork_process(w);
  else if (kind < 35) switch_process(w);
  else if (kind == 35) exit_process(w);
  else if (kind == 36) {
    if (!one_in(w, 3)) return;
    event(w, PW_EVENT_EXEC, 0, 0, 0, one_in(w, 2) ? "/usr/bin/other" : "sh");
    start_program(w);
  } else if (kind == 37 && w->n_marks < (w->odd ? 2 : 1) && one_in(w, 4)) {
    event(w, PW_EVENT_MARK, 1, 0, 0, NULL);
    w->n_marks++;
  } else {
    struct area a = *any_area(w);
    write_symbols(w, a.first, a.n_pages, one_in(w, 2) ? PW_SYMBOL_FUNCTION : PW_SYMBOL_DATA);
  }
}

/* ---- accesses ---- */

static void access_at(struct world *w, uint64_t address, uint64_t pc, uint32_t op)
{
  struct kit_builder *b = w->b;
  kit_access(b, w->now, address / PAGE & PW_PAGE_MASK, op);
  if (b->counts[0] + b->counts[1] + b->counts[2] > 1) return;
  b->offset[b->n_visits] = (uint16_t)(address % PAGE); /* it opened the visit */
  b->pc[b->n_visits] = pc;
}

/* Code of one area works on data of another; now and then on the stack, which grows, or on nothing that is mapped. */
static void write_accesses(struct world *w, uint32_t n)
{
  struct process *p = &w->process[w->now];
  const struct area *code = any_area(w), *data = any_area(w);
  for (size_t i = 0; i < 8 && !(code->rights & 4); i++) code = any_area(w);
  uint64_t pc = code->first * PAGE + below(w, (uint32_t)code->n_pages * PAGE), at = data->first * PAGE;
  uint32_t far = 1 + below(w, 100), stores = below(w, 100);
  for (; n > 0; n--) {
    if (one_in(w, 12)) pc = code->first * PAGE + below(w, (uint32_t)code->n_pages * PAGE);
    access_at(w, pc, pc, PW_FETCH);
    if (below(w, 100) < far) at = data->first * PAGE + below(w, (uint32_t)(data->n_pages + one_in(w, 30)) * PAGE);
    if (one_in(w, 9)) at = (p->stack + 4) * PAGE - 1 - below(w, one_in(w, 9) ? 40 * PAGE : 3 * PAGE);
    if (one_in(w, 150)) at = w->kernel_half ? ~at : at + 100 * PAGE;
    if (!one_in(w, 3)) access_at(w, at, pc, below(w, 100) < stores ? PW_STORE : PW_LOAD);
    pc += 4;
  }
}

static void write_trace(struct world *w, uint64_t seed, bool odd)
{
  struct kit_builder *b = w->b;
  static const uint32_t events[] = {3, 10, 30, 60}, symbols[] = {0, 2, 6, 25}, blocks[] = {40, 400, 3000, 30000};
  memset(w, 0, sizeof *w);
  *w = (struct world){.r = pw_random_seed(seed, 71), .odd = odd, .b = b, .n_processes = 1};
  w->close = one_in(w, 2);
  w->kernel_half = one_in(w, 6);
  w->events_percent = events[below(w, 4)];
  w->symbols = symbols[below(w, 4)];
  w->block_visits = blocks[below(w, 4)];
  w->most_processes = one_in(w, 2) ? 1 : 2 + below(w, MAX_PROCESSES - 1);
  b->sides = one_in(w, 2);
  kit_file_open(&w->file, &(struct pw_writer_options){.level = 1});
  kit_start(b);
  if (one_in(w, 2)) start_process(w, 0);
  start_program(w);
  for (uint32_t rounds = 10 + below(w, one_in(w, 4) ? 300 : 80); rounds > 0; rounds--) {
    write_accesses(w, 1 + below(w, 40));
    while (below(w, 100) < w->events_percent) write_event(w);
    if (b->n_visits > w->block_visits || b->n_events > PW_BLOCK_VISITS / 2) end_block(w);
  }
  if (one_in(w, 2)) exit_process(w);
  end_block(w);
  kit_file_finish(&w->file);
}

int main(int argc, char **argv)
{
  if (argc < 3 || argc > 4) return 2;
  unsigned long n = strtoul(argv[2], NULL, 10), seed = argc > 3 ? strtoul(argv[3], NULL, 10) : 1;
  struct world *w = kit_alloc(1, sizeof *w);
  w->b = kit_alloc(1, sizeof *w->b);
  for (unsigned long i = 0; i < n; i++) {
    char path[4096];
    bool odd = i % 4 == 3;
    write_trace(w, seed << 32 | i, odd);
    snprintf(path, sizeof path, "%s/%s-%05lu.pwt", argv[1], odd ? "odd" : "plain", i);
    FILE *out = fopen(path, "wb");
    if (!out || fwrite(w->file.bytes, 1, w->file.n, out) != w->file.n || fclose(out)) {
      fprintf(stderr, "random_traces: %s cannot be written\n", path);
      return 1;
    }
    kit_file_free(&w->file);
  }
  free(w->b);
  free(w);
  return 0;
}
