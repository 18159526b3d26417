/* A naive simulator of one configuration, access by access, to hold the real engines to.
 *
 * It reads raw accesses as text (header addr,op,size,pid,tid; op I, L, S or M) from standard input
 * and prints the numeric columns of results.csv from accesses to table_overhead. It knows nothing of
 * visits, blocks or stack distances and shares no code with the library; everything is an array and
 * a linear search. It models neither events nor kernel touches, because its input has none.
 *
 * Main invariant: the list of touches holds every access of every base page in trace order, and each
 * touch goes through memory first and through the TLBs second. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BASE_SHIFT = 12, MAX_LEVELS = 8 };
enum policy { LRU, FIFO, PLRU, CLOCK, OPT, RANDOM };

static _Noreturn void die(const char *why, const char *what)
{
  fprintf(stderr, "oracle: %s: %s\n", why, what);
  exit(2);
}

static void *grow(void *old, size_t count, size_t size)
{
  void *fresh = realloc(old, (count ? count : 1) * size);
  if (!fresh)
    die("out of memory", "too many accesses");
  return fresh;
}

static uint64_t next_random(void)
{
  static uint64_t state = 88172645463325252u;
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

/* ---- options ---- */

struct shape { unsigned entries, ways; enum policy policy; };

static struct {
  unsigned page_shift, widths[MAX_LEVELS], levels, offset_bits, entry_bytes;
  bool sign_extended, asid;
  struct shape itlb, dtlb, stlb;
  uint64_t frames; /* 0 = unlimited */
  enum policy memory_policy;
  char only; /* 'f', 'd', or 0 for both */
  uint64_t skip, limit, warmup; /* accesses; limit 0 = all */
} opt = { .page_shift = 12, .widths = { 9, 9, 9, 9 }, .levels = 4, .offset_bits = 12, .entry_bytes = 8,
          .sign_extended = true, .asid = true, .itlb = { 64, 8, LRU }, .dtlb = { 64, 4, LRU },
          .stlb = { 1536, 12, LRU } };

static enum policy parse_policy(const char *name)
{
  static const char *const names[] = { "lru", "fifo", "plru", "clock", "opt", "random" };
  for (int i = 0; i <= RANDOM; i++)
    if (!strcmp(name, names[i]))
      return (enum policy)i;
  die("no such policy", name);
}

/* "64:4:plru" or "none". */
static struct shape parse_shape(const char *text)
{
  struct shape s = { 0, 0, LRU };
  char policy[16];
  if (!strcmp(text, "none"))
    return s;
  if (sscanf(text, "%u:%u:%15s", &s.entries, &s.ways, policy) != 3)
    die("not ENTRIES:WAYS:POLICY", text);
  s.policy = parse_policy(policy);
  if (!s.ways || !s.entries || s.entries % s.ways || (s.policy == PLRU && (s.ways & (s.ways - 1))))
    die("impossible TLB", text);
  return s;
}

/* "9,9,9,9+12:8s": the root first; a trailing s sign-extends, z zero-extends. */
static void parse_table(const char *text)
{
  const char *at = text;
  char *end;
  opt.levels = 0;
  do {
    if (opt.levels == MAX_LEVELS)
      die("too many levels", text);
    opt.widths[opt.levels++] = (unsigned)strtoul(at, &end, 10);
    at = end + 1;
  } while (*end == ',');
  char extension;
  if (*end != '+' || sscanf(at, "%u:%u%c", &opt.offset_bits, &opt.entry_bytes, &extension) != 3)
    die("not WIDTHS+OFFSET:ENTRYs or z", text);
  opt.sign_extended = extension == 's';
}

static void parse_options(int argc, char **argv)
{
  for (int i = 1; i < argc; i += 2) {
    const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
    if (!strcmp(name, "--page-shift")) opt.page_shift = (unsigned)atoi(value);
    else if (!strcmp(name, "--table")) parse_table(value);
    else if (!strcmp(name, "--itlb")) opt.itlb = parse_shape(value);
    else if (!strcmp(name, "--dtlb")) opt.dtlb = parse_shape(value);
    else if (!strcmp(name, "--stlb")) opt.stlb = parse_shape(value);
    else if (!strcmp(name, "--memory")) opt.frames = strtoull(value, NULL, 10); /* "unlimited" is 0 */
    else if (!strcmp(name, "--policy")) opt.memory_policy = parse_policy(value);
    else if (!strcmp(name, "--asid")) opt.asid = !strcmp(value, "on");
    else if (!strcmp(name, "--only")) opt.only = value[0];
    else if (!strcmp(name, "--skip")) opt.skip = strtoull(value, NULL, 10);
    else if (!strcmp(name, "--limit")) opt.limit = strtoull(value, NULL, 10);
    else if (!strcmp(name, "--warmup")) opt.warmup = strtoull(value, NULL, 10);
    else die("no such option", name);
  }
  if (opt.frames == 1)
    die("memory needs two frames", "1");
}

/* ---- the trace: raw accesses, split into touches of base pages ---- */

/* One access of one base page; page is the number at the configured page size. */
struct touch { uint64_t page, process; size_t id; char op; bool ignored; };

static struct touch *touches;
static size_t touch_count, process_count;

static void check_address(uint64_t addr, unsigned va_bits)
{
  uint64_t top = va_bits < 64 ? addr >> va_bits : 0;
  uint64_t ones = va_bits < 64 ? UINT64_MAX >> va_bits : 0;
  bool high = addr >> (va_bits - 1) & 1;
  if (opt.sign_extended ? top != (high ? ones : 0) : top != 0) {
    fprintf(stderr, "oracle: address 0x%" PRIx64 " does not fit %u bits\n", addr, va_bits);
    exit(1);
  }
}

/* Processes are numbered from 0 as they appear. */
static uint64_t process_of(uint64_t pid)
{
  static uint64_t seen[4096];
  size_t i = 0;
  while (i < process_count && seen[i] != pid)
    i++;
  if (i == process_count) {
    if (process_count == sizeof seen / sizeof *seen)
      die("too many processes", "see the trace");
    seen[process_count++] = pid;
  }
  return i;
}

static void add_pages(uint64_t addr, uint64_t size, char op, uint64_t pid)
{
  static uint64_t met; /* accesses so far, also those that --skip and --limit leave out */
  unsigned va_bits = opt.offset_bits;
  for (unsigned i = 0; i < opt.levels; i++)
    va_bits += opt.widths[i];
  uint64_t last = addr + (size ? size : 1) - 1;
  if (last < addr)
    die("an access runs past 2^64", "see the trace");
  for (uint64_t base = addr >> BASE_SHIFT; base <= last >> BASE_SHIFT; base++) {
    if (opt.limit && met == opt.skip + opt.limit)
      return;
    uint64_t process = process_of(pid); /* even where --skip or --only hides all it does: its root exists */
    if (met++ < opt.skip)
      continue;
    if ((touch_count & (touch_count - 1)) == 0)
      touches = grow(touches, touch_count ? touch_count * 2 : 1, sizeof *touches);
    bool ignored = (opt.only == 'f' && op != 'I') || (opt.only == 'd' && op == 'I');
    if (!ignored)
      check_address(base << BASE_SHIFT, va_bits);
    touches[touch_count++] = (struct touch){ base >> (opt.page_shift - BASE_SHIFT), process, 0, op, ignored };
  }
}

static void read_trace(void)
{
  char line[256];
  if (!fgets(line, sizeof line, stdin) || strncmp(line, "addr,op,size,pid,tid", 20) != 0)
    die("the first line must be addr,op,size,pid,tid", "standard input");
  while (fgets(line, sizeof line, stdin)) {
    uint64_t addr, size, pid, tid;
    char op;
    if (sscanf(line, "0x%" SCNx64 ",%c,%" SCNu64 ",%" SCNu64 ",%" SCNu64, &addr, &op, &size, &pid, &tid) != 5 ||
        !strchr("ILSM", op))
      die("not an access", line);
    if (op == 'M')
      add_pages(addr, size, 'L', pid);
    add_pages(addr, size, op == 'M' ? 'S' : op, pid);
  }
}

/* Every (process, page) that the machine sees, sorted and without repetition; a touch's id is its rank. */
struct page { uint64_t process, page; };
static struct page *pages;
static size_t page_count;

static int by_process_and_page(const void *a, const void *b)
{
  const struct page *x = a, *y = b;
  if (x->process != y->process)
    return x->process < y->process ? -1 : 1;
  return (x->page > y->page) - (x->page < y->page);
}

static void number_pages(void)
{
  pages = grow(NULL, touch_count, sizeof *pages);
  size_t n = 0;
  for (size_t i = 0; i < touch_count; i++)
    if (!touches[i].ignored)
      pages[n++] = (struct page){ touches[i].process, touches[i].page };
  qsort(pages, n, sizeof *pages, by_process_and_page);
  for (size_t i = 0; i < n; i++)
    if (page_count == 0 || by_process_and_page(&pages[i], &pages[page_count - 1]) != 0)
      pages[page_count++] = pages[i];
  for (size_t i = 0; i < touch_count; i++) {
    struct page key = { touches[i].process, touches[i].page };
    const struct page *found = bsearch(&key, pages, page_count, sizeof *pages, by_process_and_page);
    touches[i].id = found ? (size_t)(found - pages) : SIZE_MAX;
  }
}

/* ---- counts ---- */

static struct {
  uint64_t accesses, fetches, loads, stores, itlb_misses, dtlb_misses, stlb_lookups, stlb_misses, walks,
      minor_faults, major_faults, swap_outs;
} count;

/* ---- TLBs ---- */

struct entry { bool valid; uint64_t process, page, used, filled; };
struct tlb { struct shape shape; struct entry *entries; unsigned char *bits; };
static struct tlb itlb, dtlb, stlb;
static uint64_t now;

static void tlb_create(struct tlb *t, struct shape shape)
{
  t->shape = shape;
  t->entries = calloc(shape.entries + 1, sizeof *t->entries);
  t->bits = calloc(shape.entries + 1, 1); /* a tree of a set's W ways: nodes 1 .. W-1 of its W bytes */
  if (!t->entries || !t->bits)
    die("out of memory", "TLB");
}

static size_t set_start(const struct tlb *t, uint64_t page)
{
  return (size_t)(page % (t->shape.entries / t->shape.ways)) * t->shape.ways;
}

/* A touch points every bit on the way's path at the other half. */
static void point_away(struct tlb *t, size_t start, unsigned way)
{
  for (unsigned node = way + t->shape.ways; node > 1; node /= 2)
    t->bits[start + node / 2] = node % 2 == 0;
}

static bool tlb_hit(struct tlb *t, const struct touch *x)
{
  size_t start = set_start(t, x->page);
  for (unsigned way = 0; way < t->shape.ways; way++) {
    struct entry *e = &t->entries[start + way];
    if (e->valid && e->page == x->page && e->process == x->process) {
      e->used = now;
      point_away(t, start, way);
      return true;
    }
  }
  return false;
}

static unsigned tlb_victim(const struct tlb *t, size_t start)
{
  const struct entry *set = t->entries + start;
  for (unsigned way = 0; way < t->shape.ways; way++)
    if (!set[way].valid)
      return way;
  if (t->shape.policy == RANDOM)
    return (unsigned)(next_random() % t->shape.ways);
  unsigned best = 0, node = 1;
  if (t->shape.policy == PLRU) {
    while (node < t->shape.ways)
      node = 2 * node + t->bits[start + node];
    return node - t->shape.ways;
  }
  for (unsigned way = 1; way < t->shape.ways; way++)
    if (t->shape.policy == LRU ? set[way].used < set[best].used : set[way].filled < set[best].filled)
      best = way;
  return best;
}

static void tlb_fill(struct tlb *t, const struct touch *x)
{
  if (t->shape.entries == 0)
    return;
  size_t start = set_start(t, x->page);
  unsigned way = tlb_victim(t, start);
  t->entries[start + way] = (struct entry){ true, x->process, x->page, now, now };
  point_away(t, start, way);
}

static void tlb_drop(struct tlb *t, const struct page *gone)
{
  for (unsigned i = 0; i < t->shape.entries; i++)
    if (t->entries[i].page == gone->page && t->entries[i].process == gone->process)
      t->entries[i].valid = false;
}

/* Without ASIDs a process switch empties the TLBs. Tree bits may stay: no victim is asked for until
 * every way has been filled again, and by then every bit has been written. */
static void tlb_empty(struct tlb *t)
{
  for (unsigned i = 0; i < t->shape.entries; i++)
    t->entries[i].valid = false;
}

static void translate(const struct touch *x)
{
  struct tlb *first = x->op == 'I' ? &itlb : &dtlb;
  if (first->shape.entries) {
    if (tlb_hit(first, x))
      return;
    *(x->op == 'I' ? &count.itlb_misses : &count.dtlb_misses) += 1;
  }
  bool walk = true;
  if (stlb.shape.entries) {
    count.stlb_lookups++;
    walk = !tlb_hit(&stlb, x);
    count.stlb_misses += walk;
  }
  if (walk) {
    count.walks++;
    tlb_fill(&stlb, x);
  }
  tlb_fill(first, x);
}

/* ---- memory: state by page id, and the frames in order ---- */

struct state { bool seen, resident, dirty, referenced; uint64_t used, arrived; size_t next_use; };
static struct state *state;
static size_t *frame, frames_used, peak_resident, hand;
static size_t *next_use; /* by touch: the index of the same page's next touch, or SIZE_MAX */

static void memory_create(void)
{
  state = calloc(page_count + 1, sizeof *state);
  frame = calloc(page_count + 1, sizeof *frame);
  next_use = calloc(touch_count + 1, sizeof *next_use);
  if (!state || !frame || !next_use)
    die("out of memory", "pages");
  for (size_t i = 0; i < page_count; i++)
    state[i].next_use = SIZE_MAX;
  for (size_t i = touch_count; i-- > 0;)
    if (!touches[i].ignored) {
      next_use[i] = state[touches[i].id].next_use;
      state[touches[i].id].next_use = i;
    }
}

/* True when page a should go rather than page b. */
static bool goes_first(size_t a, size_t b)
{
  const struct state *x = &state[a], *y = &state[b];
  if (opt.memory_policy == LRU)
    return x->used < y->used;
  if (opt.memory_policy == FIFO)
    return x->arrived < y->arrived;
  if (x->next_use != y->next_use)
    return x->next_use > y->next_use;
  return a < b; /* only pages never used again are level: the first process, there the lowest page */
}

static size_t memory_victim(void)
{
  if (opt.memory_policy == RANDOM)
    return (size_t)(next_random() % frames_used);
  if (opt.memory_policy == CLOCK) {
    while (state[frame[hand]].referenced) {
      state[frame[hand]].referenced = false;
      hand = (hand + 1) % frames_used;
    }
    size_t found = hand;
    hand = (hand + 1) % frames_used;
    return found;
  }
  size_t best = 0;
  for (size_t f = 1; f < frames_used; f++)
    if (goes_first(frame[f], frame[best]))
      best = f;
  return best;
}

static void evict(size_t id)
{
  count.swap_outs += state[id].dirty;
  state[id].resident = false;
  tlb_drop(&itlb, &pages[id]);
  tlb_drop(&dtlb, &pages[id]);
  tlb_drop(&stlb, &pages[id]);
}

static void touch_memory(size_t i)
{
  struct state *s = &state[touches[i].id];
  if (!s->resident) {
    *(s->seen ? &count.major_faults : &count.minor_faults) += 1;
    size_t f;
    if (opt.frames && frames_used == opt.frames) {
      f = memory_victim();
      evict(frame[f]);
    } else {
      f = frames_used++;
    }
    frame[f] = touches[i].id;
    s->seen = s->resident = true;
    s->dirty = false;
    s->arrived = now;
    if (frames_used > peak_resident)
      peak_resident = frames_used;
  }
  s->dirty |= touches[i].op == 'S';
  s->referenced = true;
  s->used = now;
  s->next_use = next_use[i];
}

/* ---- page tables: nothing is ever unmapped, so the peak is the end ---- */

static unsigned walked_levels(void)
{
  unsigned low = opt.offset_bits, levels = opt.levels;
  while (levels > 0 && low + opt.widths[levels - 1] <= opt.page_shift)
    low += opt.widths[--levels];
  if (levels > 0)
    opt.widths[levels - 1] -= opt.page_shift - low;
  return levels;
}

static uint64_t table_bytes(unsigned levels)
{
  uint64_t bytes = process_count * ((uint64_t)opt.entry_bytes << opt.widths[0]);
  unsigned below = 0; /* index bits of this level and the deeper ones */
  for (unsigned level = levels; level-- > 1;) {
    below += opt.widths[level];
    uint64_t tables = 0;
    for (size_t i = 0; i < page_count; i++)
      tables += i == 0 || pages[i].process != pages[i - 1].process || pages[i].page >> below != pages[i - 1].page >> below;
    bytes += tables * ((uint64_t)opt.entry_bytes << opt.widths[level]);
  }
  return bytes;
}

/* ---- the run and its row ---- */

static void run(void)
{
  for (size_t i = 0; i < touch_count; i++) {
    const struct touch *x = &touches[i];
    if (!opt.asid && i > 0 && x->process != touches[i - 1].process) {
      tlb_empty(&itlb);
      tlb_empty(&dtlb);
      tlb_empty(&stlb);
    }
    if (now++ == opt.warmup) /* a place in the trace, whatever --only hides */
      memset(&count, 0, sizeof count);
    if (x->ignored)
      continue;
    count.accesses++;
    *(x->op == 'I' ? &count.fetches : x->op == 'L' ? &count.loads : &count.stores) += 1;
    touch_memory(i);
    translate(x);
  }
  if (now <= opt.warmup)
    memset(&count, 0, sizeof count);
}

static void put_count(bool applies, uint64_t value)
{
  if (applies)
    printf("%" PRIu64, value);
  putchar(',');
}

static void put_rate(bool applies, uint64_t part, uint64_t whole, char after)
{
  if (applies && whole)
    printf("%.9g", (double)part / (double)whole);
  putchar(after);
}

static void print_row(unsigned levels)
{
  bool i = itlb.shape.entries, d = dtlb.shape.entries, s = stlb.shape.entries;
  uint64_t tables = table_bytes(levels);
  puts("accesses,fetches,loads,stores,itlb_misses,dtlb_misses,stlb_lookups,stlb_misses,walks,walk_refs,"
       "itlb_miss_rate,dtlb_miss_rate,stlb_miss_rate,walk_rate,minor_faults,major_faults,fault_rate,"
       "swap_outs,resident_bytes,table_bytes,table_overhead");
  put_count(true, count.accesses);
  put_count(true, count.fetches);
  put_count(true, count.loads);
  put_count(true, count.stores);
  put_count(i, count.itlb_misses);
  put_count(d, count.dtlb_misses);
  put_count(s, count.stlb_lookups);
  put_count(s, count.stlb_misses);
  put_count(true, count.walks);
  put_count(true, count.walks * levels);
  put_rate(i, count.itlb_misses, count.fetches, ',');
  put_rate(d, count.dtlb_misses, count.loads + count.stores, ',');
  put_rate(s, count.stlb_misses, count.stlb_lookups, ',');
  put_rate(true, count.walks, count.accesses, ',');
  put_count(true, count.minor_faults);
  put_count(true, count.major_faults);
  put_rate(true, count.minor_faults + count.major_faults, count.accesses, ',');
  put_count(true, count.swap_outs);
  put_count(true, (uint64_t)peak_resident << opt.page_shift);
  put_count(true, tables);
  put_rate(true, tables, (uint64_t)page_count << opt.page_shift, '\n');
}

int main(int argc, char **argv)
{
  parse_options(argc, argv);
  read_trace();
  number_pages();
  tlb_create(&itlb, opt.itlb);
  tlb_create(&dtlb, opt.dtlb);
  tlb_create(&stlb, opt.stlb);
  memory_create();
  run();
  print_row(walked_levels());
  return fflush(stdout) || ferror(stdout);
}
