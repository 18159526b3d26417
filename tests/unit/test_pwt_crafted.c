/* Lies under right checksums: a .pwt is taken apart, changed, and sealed again, so that only the checks of
 * what the columns, the index and the end say stand between it and the models. Each rule of
 * docs/trace-format.md is broken by name, then bytes are changed at random: whatever is accepted must be a
 * block that the models can eat. */
#include "pwtkit.h"

#include <xxhash.h>
#include <zstd.h>

enum { MAX_BLOCKS = 4, ROOM = 1 << 16 };

struct part {
  size_t n;
  unsigned char bytes[ROOM];
};

struct craft {
  struct part header; /* payload of the file header */
  size_t n_blocks;
  struct {
    unsigned char payload[112];
    struct part core, counts, sides;
    bool keep_plain_bytes, no_counts;
  } block[MAX_BLOCKS];
  unsigned char end[80];
  size_t n_index;              /* bytes of the index payload */
  unsigned char index[8 + 24 * MAX_BLOCKS];
  /* lies about index and end, applied after they were made right */
  size_t index_lie, end_lie;   /* offset in the payload, 0 = none */
  struct part file;
};

static uint32_t get32(const unsigned char *p)
{
  uint32_t v;
  memcpy(&v, p, 4);
  return v;
}

static void put(unsigned char *p, uint64_t v, size_t n)
{
  for (size_t i = 0; i < n; i++) p[i] = (unsigned char)(v >> 8 * i);
}

static uint64_t get(const unsigned char *p, size_t n)
{
  uint64_t v = 0;
  for (size_t i = n; i-- > 0;) v = v << 8 | p[i];
  return v;
}

static size_t unpack(struct part *part, const unsigned char *stored, size_t n)
{
  part->n = ZSTD_decompress(part->bytes, ROOM, stored, n);
  assert_false(ZSTD_isError(part->n));
  return n;
}

static void take_apart(struct craft *c, const struct kit_file *file)
{
  const unsigned char *p = (const unsigned char *)file->bytes;
  memset(c, 0, sizeof *c);
  c->header.n = get32(p + 4) - 8;
  memcpy(c->header.bytes, p + 8, c->header.n);
  p += 16 + c->header.n;
  while (get32(p + 8) == 0x424B4C42) {
    assert_true(c->n_blocks < MAX_BLOCKS);
    size_t i = c->n_blocks++;
    memcpy(c->block[i].payload, p + 8, 112);
    p += 128;
    p += unpack(&c->block[i].core, p, get32(c->block[i].payload + 64));
    p += unpack(&c->block[i].counts, p, get32(c->block[i].payload + 80));
    if (get32(c->block[i].payload + 96)) p += unpack(&c->block[i].sides, p, get32(c->block[i].payload + 96));
  }
  c->n_index = get32(p + 4) - 8;
  memcpy(c->index, p + 8, c->n_index);
  p += 16 + c->n_index;
  memcpy(c->end, p + 8, 80);
  assert_ptr_equal(p + 96, (const unsigned char *)file->bytes + file->n);
}

static void put_bytes(struct craft *c, const void *bytes, size_t n)
{
  assert_true(c->file.n + n <= ROOM);
  memcpy(c->file.bytes + c->file.n, bytes, n);
  c->file.n += n;
}

static uint64_t put_skippable(struct craft *c, const unsigned char *payload, size_t n)
{
  unsigned char number[8];
  size_t start = c->file.n;
  put(number, 0x184D2A5E, 4);
  put(number + 4, n + 8, 4);
  put_bytes(c, number, 8);
  put_bytes(c, payload, n);
  uint64_t sum = XXH64(c->file.bytes + start, n + 8, 0);
  put(number, sum, 8);
  put_bytes(c, number, 8);
  return sum;
}

static void compress_part(struct craft *c, size_t block, size_t group, const struct part *part, unsigned char *stored, size_t *n)
{
  unsigned char *header = c->block[block].payload + 64 + 16 * group;
  if ((group == 1 && c->block[block].no_counts) || (group == 2 && part->n == 0)) {
    memset(header, 0, 16);
    *n = 0;
    return;
  }
  *n = ZSTD_compress(stored, ROOM, part->bytes, part->n, 1);
  assert_false(ZSTD_isError(*n));
  put(header, *n, 4);
  if (!c->block[block].keep_plain_bytes) put(header + 4, part->n, 4);
  put(header + 8, XXH64(stored, *n, 0), 8);
}

/* Puts the file together with every checksum, size and offset right. */
static void seal(struct craft *c)
{
  static unsigned char stored[3][ROOM];
  size_t n[3];
  unsigned char sums[8 * MAX_BLOCKS];
  c->file.n = 0;
  put_skippable(c, c->header.bytes, c->header.n);
  for (size_t i = 0; i < c->n_blocks; i++) {
    if (8 + 24 * i + 8 <= c->n_index) put(c->index + 8 + 24 * i, c->file.n, 8);
    compress_part(c, i, 0, &c->block[i].core, stored[0], &n[0]);
    compress_part(c, i, 1, &c->block[i].counts, stored[1], &n[1]);
    compress_part(c, i, 2, &c->block[i].sides, stored[2], &n[2]);
    put(sums + 8 * i, put_skippable(c, c->block[i].payload, 112), 8);
    put_bytes(c, stored[0], n[0]);
    put_bytes(c, stored[1], n[1]);
    put_bytes(c, stored[2], n[2]);
  }
  put(c->end + 56, c->file.n, 8);
  put(c->end + 64, XXH64(sums, 8 * c->n_blocks, 0), 8);
  if (c->index_lie) c->index[c->index_lie] ^= 1;
  put_skippable(c, c->index, c->n_index);
  if (c->end_lie) c->end[c->end_lie] ^= 1;
  put_skippable(c, c->end, 80);
}

static unsigned number(const unsigned char **p)
{
  unsigned v = *(*p)++;
  return v < 128 ? v : (v & 127) | (unsigned)*(*p)++ << 7;
}

/* The block as files without kinds have it: flags and counts in columns. */
static void put_in_columns(struct craft *c, size_t block)
{
  static struct part table;
  struct part *core = &c->block[block].core, *counts = &c->block[block].counts;
  unsigned kinds[256][5], n_visits = get32(c->block[block].payload + 4);
  table = *counts;
  const unsigned char *p = table.bytes;
  unsigned n = number(&p);
  assert_true(n <= 256);
  for (unsigned i = 0; i < n; i++)
    for (int k = 0; k < 5; k++) kinds[i][k] = k ? number(&p) : *p++;
  assert_ptr_equal(p, table.bytes + table.n);
  counts->n = 4 * n_visits;
  for (unsigned i = 0; i < n_visits; i++) {
    const unsigned *kind = kinds[core->bytes[i]];
    core->bytes[i] = (unsigned char)kind[0];
    for (unsigned k = 0; k < 4; k++) {
      assert_true(kind[k + 1] < 255);
      counts->bytes[k * n_visits + i] = (unsigned char)kind[k + 1];
    }
  }
}

/* Two blocks of a few visits on pages of two processes, with events. */
static void make(struct craft *c, bool kinds)
{
  struct kit_builder *b = kit_alloc(1, sizeof *b);
  struct kit_file file;
  b->sides = true;
  kit_file_open(&file, NULL);
  for (uint32_t i = 0; i < 2; i++) {
    kit_start(b);
    if (i) kit_event(b, (struct pw_event){.kind = PW_EVENT_PROCESS, .a = 50, .b = 1});
    for (uint32_t k = 0; k < 300; k++) kit_access(b, i, 100 + k, PW_LOAD);
    kit_access(b, i, 7, PW_FETCH);
    for (uint32_t k = 0; k < 5; k++) kit_access(b, i, k % 2 ? 7 : 399, k % 2 ? PW_FETCH : PW_STORE);
    kit_event(b, (struct pw_event){.kind = PW_EVENT_MAP, .a = 0x1000, .b = 0x2000, .c = 3, .text = "file", .text_bytes = 4});
    kit_access(b, i, 1, PW_STORE);
    kit_file_add(&file, kit_finish(b));
  }
  kit_file_finish(&file);
  take_apart(c, &file);
  assert_int_equal(c->header.bytes[16], 1);
  if (!kinds) {
    c->header.bytes[16] = 0;
    for (size_t i = 0; i < c->n_blocks; i++) put_in_columns(c, i);
  }
  kit_file_free(&file);
  free(b);
}

static int drain(const struct craft *c, bool counts, struct pw_error *err)
{
  size_t blocks;
  unsigned char *copy = malloc(c->file.n); /* exactly so long, for the sanitizer */
  assert_non_null(copy);
  memcpy(copy, c->file.bytes, c->file.n);
  int status = pwt_drain(copy, c->file.n, &(struct pw_trace_options){.counts = counts, .sides = counts}, &blocks, err);
  free(copy);
  return status;
}

static void sealed_again_it_reads(void **state)
{
  struct craft *c = *state;
  struct pw_error err;
  for (int kinds = 0; kinds < 2; kinds++) {
    make(c, kinds);
    seal(c);
    KIT_OK(drain(c, true, &err), err);
    assert_int_equal(c->n_blocks, 2);
  }
}

/* ---- one lie each; offsets into the second block: 302 visits, 302 pages, two events ---- */

enum { N = 302 };

static void set_header(struct craft *c, size_t at, uint64_t v, size_t n) { put(c->block[1].payload + at, v, n); }
static void add_header(struct craft *c, size_t at, uint64_t v, size_t n)
{
  put(c->block[1].payload + at, get(c->block[1].payload + at, n) + v, n);
}
static void more_visits(struct craft *c) { add_header(c, 4, 1, 4); }
static void too_many_visits(struct craft *c) { set_header(c, 4, 65537, 4); }
static void more_pages(struct craft *c) { add_header(c, 8, 1, 4); }
static void fewer_pages(struct craft *c) { add_header(c, 8, UINT64_MAX, 4); }
static void no_pages(struct craft *c) { set_header(c, 8, 0, 4); }
static void more_events(struct craft *c) { add_header(c, 12, 1, 4); }
static void fewer_events(struct craft *c) { add_header(c, 12, UINT64_MAX, 4); }
static void other_thread(struct craft *c) { set_header(c, 16, 9, 8); }
static void other_process(struct craft *c) { set_header(c, 24, 1, 4); }
static void fetches_less(struct craft *c) { add_header(c, 32, 1, 8); put(c->end + 8, get(c->end + 8, 8) + 1, 8); }
static void stores_for_loads(struct craft *c)
{
  add_header(c, 40, UINT64_MAX, 8);
  add_header(c, 48, 1, 8);
  put(c->end + 16, get(c->end + 16, 8) - 1, 8);
  put(c->end + 24, get(c->end + 24, 8) + 1, 8);
}
/* Whoever skips the counts must not be told more than visits can hold: the totals are wrong, the end agrees with them. */
static void add_total(struct craft *c, int which, uint64_t v)
{
  add_header(c, 32 + 8 * (size_t)which, v, 8);
  put(c->end + 8 + 8 * which, get(c->end + 8 + 8 * which, 8) + v, 8);
}
static void totals_lie(struct craft *c) { add_total(c, 1, UINT64_C(1000000000000)); }
static void totals_wrap(struct craft *c)
{
  add_total(c, 0, UINT64_C(1) << 63);
  add_total(c, 1, UINT64_C(1) << 63);
}
static void totals_below_visits(struct craft *c) { add_total(c, 1, UINT64_MAX - 299); } /* 300 loads fewer, of over 600 touches */
static void totals_beyond_bytes(struct craft *c) { add_total(c, 0, 254 * N); }          /* no count is escaped */
static void totals_of_no_kind(struct craft *c) { add_total(c, 2, 3 * N); }              /* no kind stores twice */
static void counts_missing(struct craft *c) { c->block[1].no_counts = true; }
static void first_access_off(struct craft *c) { add_header(c, 56, 1, 8); }
static void side_offset_outside(struct craft *c) { c->block[1].sides.bytes[N + 5] = 16; }
static void side_longer(struct craft *c) { c->block[1].sides.bytes[c->block[1].sides.n++] = 0; }
static void side_shorter(struct craft *c) { c->block[1].sides.n--; }
static void side_of_offsets_only(struct craft *c) { c->block[1].sides.n = 2 * N; }
static void core_longer(struct craft *c) { c->block[1].core.bytes[c->block[1].core.n++] = 0; }
static void core_shorter(struct craft *c) { c->block[1].core.n--; }
static void counts_longer(struct craft *c) { c->block[1].counts.bytes[c->block[1].counts.n++] = 0; }
static void counts_escape_missing(struct craft *c) { c->block[1].counts.bytes[3] = 255; }
static void plain_bytes_lie(struct craft *c)
{
  c->block[1].keep_plain_bytes = true;
  add_header(c, 68, 1, 4);
}
static void plain_bytes_huge(struct craft *c)
{
  c->block[1].keep_plain_bytes = true;
  set_header(c, 68, UINT32_MAX, 4);
}
static void kind_outside(struct craft *c) { c->block[1].core.bytes[7] = c->block[1].counts.bytes[0]; }
static void no_kinds(struct craft *c) { c->block[1].counts.bytes[0] = 0; c->block[1].counts.n = 1; }
static void kinds_fewer(struct craft *c) { c->block[1].counts.bytes[0]--; }
static void kinds_more(struct craft *c) { c->block[1].counts.bytes[0]++; }
static void more_kinds_than_visits(struct craft *c)
{
  struct part *table = &c->block[1].counts;
  unsigned n = 303, had = table->bytes[0];
  assert_true(had < 128);
  memmove(table->bytes + 2, table->bytes + 1, table->n - 1);
  table->bytes[0] = (unsigned char)(n | 128);
  table->bytes[1] = (unsigned char)(n >> 7);
  table->n++;
  for (; had < n; had++) {
    memcpy(table->bytes + table->n, "\x00\x00\x01\x00\x00", 5);
    table->n += 5;
  }
  memset(table->bytes + table->n, 0, N); /* high bytes */
  table->n += N;
}
static void kind_flag_6(struct craft *c) { c->block[1].counts.bytes[1] |= 64; }
static void kind_flag_7(struct craft *c) { c->block[1].counts.bytes[1] |= 128; }
static void kind_without_accesses(struct craft *c) { c->block[1].counts.bytes[3] = 0; } /* the first: one load */
static void kind_folds_too_short_a_pattern(struct craft *c)
{
  c->block[1].counts.bytes[3] = 9;
  c->block[1].counts.bytes[5] = 1;
}
static void kind_touches_unopened(struct craft *c) { c->block[1].counts.bytes[1] |= 4; c->block[1].counts.bytes[3] = 2; }
static void kind_of_more_loads(struct craft *c) { c->block[1].counts.bytes[3]++; }
static void kind_number_too_large(struct craft *c)
{
  struct part *table = &c->block[1].counts;
  memmove(table->bytes + 5, table->bytes + 3, table->n - 3);
  memcpy(table->bytes + 3, "\x81\x80\x04", 3); /* 65537 loads */
  table->n += 2;
}
static void kinds_cut(struct craft *c) { c->block[1].counts.n--; }
static void unknown_flag_6(struct craft *c) { c->block[1].core.bytes[0] |= 64; }
static void unknown_flag_7(struct craft *c) { c->block[1].core.bytes[5] |= 128; }
static void touches_unopened(struct craft *c) { c->block[1].core.bytes[3] |= 4; } /* no code page yet */
static void index_outside(struct craft *c) { c->block[1].core.bytes[2 * N + 10] = 0x40; }
static void page_unused(struct craft *c)
{
  c->block[1].core.bytes[N + 5] = 0;     /* stays where it was, so that page is not used ... */
  c->block[1].core.bytes[N + 6] = 4;     /* ... and the next step is two */
}
static void keys_wrap(struct craft *c)
{
  unsigned char *gap = c->block[1].core.bytes + 3 * N; /* first key: process 1, page 1: eight bytes */
  while (*gap & 0x80) gap++;
  memmove(gap + 11, gap + 2, (size_t)(c->block[1].core.bytes + c->block[1].core.n - gap - 2));
  memset(gap + 1, 0xff, 9);
  gap[10] = 1;
  c->block[1].core.n += 9;
}
static void unknown_process(struct craft *c)
{
  unsigned char *key = c->block[1].core.bytes + 3 * N + 7; /* bits 49 and up of the first key */
  assert_int_equal(key[0], 0x08);
  key[0] = 0x10; /* process 2 */
}
static unsigned char *event(struct craft *c, int number)
{
  unsigned char *p = c->block[1].core.bytes + c->block[1].core.n;
  /* last event: at (2 bytes), kind, a (2), b (2), c, length, "file"; first: at, kind, a, b, c, length */
  return number ? p - 13 : p - 19;
}
static void event_unknown(struct craft *c) { event(c, 1)[2] = PW_EVENT_KINDS; }
static void event_zero(struct craft *c) { event(c, 1)[2] = 0; }
static void event_too_late(struct craft *c) { event(c, 1)[1] = 3; } /* 303 > 302 */
static void event_text_long(struct craft *c) { event(c, 1)[8] = 5; }
static void event_text_short(struct craft *c) { event(c, 1)[8] = 3; }
static void first_text_long(struct craft *c) { event(c, 0)[5] = 100; } /* where more events follow */
static void number_too_large(struct craft *c)
{
  unsigned char *a = event(c, 1) + 3; /* 0x1000 in two bytes becomes 0x1000 + 2^64 in ten */
  memmove(a + 10, a + 2, 8);
  memcpy(a, "\x80\xa0\x80\x80\x80\x80\x80\x80\x80\x02", 10);
  c->block[1].core.n += 8;
}
static void child_too_far(struct craft *c)
{
  unsigned char *e = event(c, 1); /* the mapping becomes a fork of process 3, and there are 2 */
  e[2] = PW_EVENT_FORK;
  e[5] = 0x83;
  e[6] = 0;
}
static void last_page_missing(struct craft *c)
{
  unsigned char *last = event(c, 0) - 1; /* its gap: one byte */
  memmove(last, last + 1, 19);
  c->block[1].core.n--;
  add_header(c, 8, UINT64_MAX, 4);
}
static void process_too_far(struct craft *c) { event(c, 0)[3] = 2; }
static void index_offset(struct craft *c) { c->index_lie = 8 + 24; }
static void index_first_access(struct craft *c) { c->index_lie = 8 + 24 + 8; }
static void index_first_visit(struct craft *c) { c->index_lie = 8 + 24 + 16; }
static void index_count(struct craft *c) { c->index_lie = 4; }
static void index_short(struct craft *c) { c->n_index -= 24; put(c->index + 4, 1, 4); }
static void end_processes(struct craft *c) { c->end_lie = 4; }
static void end_fetches(struct craft *c) { c->end_lie = 8; }
static void end_loads(struct craft *c) { c->end_lie = 16; }
static void end_stores(struct craft *c) { c->end_lie = 24; }
static void end_visits(struct craft *c) { c->end_lie = 32; }
static void end_events(struct craft *c) { c->end_lie = 40; }
static void end_blocks(struct craft *c) { c->end_lie = 48; }
static void end_index_offset(struct craft *c) { c->end_lie = 56; }
static void end_chain(struct craft *c) { c->end_lie = 64; }
static void header_longer(struct craft *c) { c->header.bytes[c->header.n++] = 0; }

static const struct {
  const char *name;
  void (*lie)(struct craft *c);
  bool in_counts; /* seen only by whoever reads counts and sides */
  int form;       /* 0 with and without kinds, 1 without, 2 with */
} lies[] = {
#define LIE(f) {#f, f, false, 0}
#define LIE_IN_COLUMNS(f) {#f, f, false, 1}
#define LIE_IN_KINDS(f) {#f, f, false, 2}
    LIE(more_visits), LIE(too_many_visits), LIE(more_pages), LIE(fewer_pages), LIE(no_pages), LIE(more_events),
    LIE(fewer_events), LIE(other_thread), LIE(other_process), LIE(first_access_off), LIE(core_longer),
    LIE(core_shorter), LIE(plain_bytes_lie), LIE(plain_bytes_huge), LIE_IN_COLUMNS(unknown_flag_6),
    LIE_IN_COLUMNS(unknown_flag_7), LIE_IN_COLUMNS(touches_unopened), LIE_IN_KINDS(kind_outside), LIE_IN_KINDS(no_kinds),
    LIE_IN_KINDS(kinds_fewer), LIE_IN_KINDS(kinds_more), LIE_IN_KINDS(more_kinds_than_visits), LIE_IN_KINDS(kind_flag_6),
    LIE_IN_KINDS(kind_flag_7), LIE_IN_KINDS(kind_without_accesses), LIE_IN_KINDS(kind_folds_too_short_a_pattern),
    LIE_IN_KINDS(kind_touches_unopened), LIE_IN_KINDS(kind_number_too_large), LIE_IN_KINDS(kinds_cut), LIE(index_outside), LIE(page_unused), LIE(keys_wrap), LIE(unknown_process), LIE(event_unknown),
    LIE(event_zero), LIE(event_too_late), LIE(event_text_long), LIE(event_text_short), LIE(process_too_far),
    LIE(first_text_long), LIE(number_too_large), LIE(child_too_far), LIE(last_page_missing),
    LIE(index_offset), LIE(index_first_access), LIE(index_first_visit), LIE(index_count), LIE(index_short),
    LIE(end_processes), LIE(end_fetches), LIE(end_loads), LIE(end_stores), LIE(end_visits), LIE(end_events),
    LIE(end_blocks), LIE(end_index_offset), LIE(end_chain), LIE(header_longer),
    LIE(totals_lie), LIE(totals_wrap), LIE(totals_below_visits), LIE_IN_COLUMNS(totals_beyond_bytes), LIE_IN_KINDS(totals_of_no_kind),
    LIE(counts_missing),
    {"fetches_less", fetches_less, true, 0}, {"stores_for_loads", stores_for_loads, true, 0},
    {"side_offset_outside", side_offset_outside, true, 0}, {"side_longer", side_longer, true, 0},
    {"side_shorter", side_shorter, true, 0}, {"side_of_offsets_only", side_of_offsets_only, true, 0},
    {"counts_longer", counts_longer, true, 0}, {"counts_escape_missing", counts_escape_missing, true, 1},
    {"kind_of_more_loads", kind_of_more_loads, true, 2},
};

static void every_lie_is_noticed(void **state)
{
  struct craft *c = *state;
  size_t believed = 0;
  for (size_t i = 0; i < sizeof lies / sizeof *lies; i++)
    for (int way = 0; way < 4; way++) {
      bool counts = way % 2, kinds = way / 2;
      struct pw_error err;
      if (counts < lies[i].in_counts || lies[i].form == 2 - kinds) continue;
      make(c, kinds);
      lies[i].lie(c);
      seal(c);
      int status = drain(c, counts, &err);
      if (status == PW_EFORMAT) continue;
      print_error("%s (counts %d, kinds %d): status %d %s\n", lies[i].name, counts, kinds, status, err.text);
      believed++;
    }
  assert_int_equal(believed, 0);
}

/* A block of events alone may come without its counts columns: the page of the format says so. */
static void events_only_block_without_counts_frame(void **state)
{
  struct craft *c = *state;
  struct kit_builder *b = kit_alloc(1, sizeof *b);
  for (int way = 0; way < 8; way++) {
    struct pw_error err;
    struct kit_file file;
    kit_file_open(&file, NULL);
    kit_start(b);
    kit_access(b, 0, 1, PW_LOAD);
    kit_file_add(&file, kit_finish(b));
    kit_start(b);
    kit_event(b, (struct pw_event){.kind = PW_EVENT_UNMAP, .a = 0x1000, .b = 0x1000});
    kit_file_add(&file, kit_finish(b));
    kit_file_finish(&file);
    take_apart(c, &file);
    kit_file_free(&file);
    c->block[1].no_counts = way & 1;
    if (way & 2) {
      c->header.bytes[16] = 0;
      put_in_columns(c, 0);
      put_in_columns(c, 1);
    }
    seal(c);
    KIT_OK(drain(c, way & 4, &err), err);
    add_total(c, 1, 1); /* an access without a visit */
    seal(c);
    assert_int_equal(drain(c, way & 4, &err), PW_EFORMAT);
  }
  free(b);
}

/* Whatever is believed must keep the rules (pwt_drain looks) and must run. */
static void random_changes_are_refused_or_harmless(void **state)
{
  struct craft *c = *state;
  struct pw_geometry geometry;
  struct pw_error err;
  struct pw_result result;
  struct pw_config config = {.page_shift = 12, .geometry = &geometry, .dtlb = {4, 4, 0}, .memory_bytes = 5 * 4096};
  size_t believed = 0;
  KIT_OK(pw_geometry_parse(&geometry, "x86-64", &err), err);
  for (uint64_t seed = 1; seed <= 3000; seed++) {
    uint64_t r = pw_random_seed(seed, 9);
    make(c, seed / 2 % 2);
    for (uint32_t k = 1 + pw_random_below(&r, 3); k > 0; k--) {
      size_t block = pw_random_below(&r, 2);
      struct part *part = pw_random_below(&r, 4) ? &c->block[block].core : &c->block[block].counts;
      unsigned char *bytes = part->bytes;
      size_t n = part->n;
      if (pw_random_below(&r, 8) == 0) bytes = c->block[block].payload, n = 64;
      size_t at = pw_random_below(&r, 2) ? pw_random_below(&r, (uint32_t)n) : n - 1 - pw_random_below(&r, (uint32_t)(n < 30 ? n : 30));
      uint64_t flip = 1u << pw_random_below(&r, 8), any = pw_random_next(&r);
      bytes[at] = (unsigned char)((pw_random_below(&r, 2) ? bytes[at] ^ flip : any) & 0xff);
    }
    seal(c);
    int status = drain(c, seed % 2, &err);
    if (status) continue;
    believed++;
    struct pw_trace *t;
    KIT_OK(pw_trace_open_memory(&t, "T", c->file.bytes, c->file.n, NULL, &err), err);
    assert_true(pw_run(t, &config, 1, NULL, &result, &err) >= 0);
    pw_trace_close(t);
  }
  assert_true(believed > 100); /* else this test says little */
}

static int set_up(void **state)
{
  *state = calloc(1, sizeof(struct craft));
  return *state ? 0 : -1;
}

static int tear_down(void **state)
{
  free(*state);
  return 0;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sealed_again_it_reads),
      cmocka_unit_test(every_lie_is_noticed),
      cmocka_unit_test(events_only_block_without_counts_frame),
      cmocka_unit_test(random_changes_are_refused_or_harmless),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
