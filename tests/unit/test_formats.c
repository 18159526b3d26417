/* Foreign formats: what each takes, what each refuses and how it says so, who bids
 * for which bytes, and that the cutting into windows changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../feed.h"

/* Accesses as short text: "I400:3 L1000:8 …", with "@pid.tid" when not 0. */
static void describe(const struct fed *fed, char *text, size_t room)
{
  size_t n = 0;
  text[0] = '\0';
  for (size_t i = 0; i < fed->n && n < room; i++) {
    const struct pw_access *a = &fed->accesses[i];
    n += (size_t)snprintf(text + n, room - n, "%s%c%llx:%u", i ? " " : "", "ILSM"[a->op],
                          (unsigned long long)a->address, a->size_bytes);
    if (a->pid || a->tid) n += (size_t)snprintf(text + n, room - n, "@%u.%u", a->pid, a->tid);
  }
}

static struct fed whole(const char *format, bool skip_bad, const void *bytes, size_t n)
{
  struct feed feed = {.format = pw_format_find(format), .skip_bad = skip_bad, .chunk_bytes = n + 1, .room = PW_BATCH_ROOM};
  assert_non_null(feed.format);
  return feed_bytes(feed, bytes, n);
}

static const struct {
  const char *format, *text, *expect;
} good[] = {
    {"lackey", "I  04001000,3\n L 1ffeffe7e,8\n S 1ffeffe7e,8\n M 0421c7cc,4\n",
     "I4001000:3 L1ffeffe7e:8 S1ffeffe7e:8 M421c7cc:4"},
    {"lackey", "==12== Lackey, an example tool\n\n--12-- note\nSB 04001000\nI  4,1\n==12== \n", "I4:1"},
    {"lackey", "I  04001000,3\r\n L ff,16\r\n\r\n", "I4001000:3 Lff:16"},
    {"lackey", " L ffffffffffffffff,1", "Lffffffffffffffff:1"},
    {"lackey", " L 00000000ffffffffffffffff,1\n", "Lffffffffffffffff:1"},
    {"lackey", " L ABCDEFabcdef,1048576\n", "Labcdefabcdef:1048576"},
    {"lackey", "I  12345678,1\n L 123456789,23\n S 1,4\n S 123456789abcdef,0\n L 1234567,5\n I 20,2\nL 30,1  \n",
     "I12345678:1 L123456789:23 S1:4 S123456789abcdef:0 L1234567:5 I20:2 L30:1"},
    {"din", "2 0 This is a fetch\n0 1000\n1 70f60888 beef\r\n\n", "I0:0 L1000:0 S70f60888:0"},
    {"din", "r 1000 4\nw 0x2000 10 comment\ni 0XfF 2", "L1000:4 S2000:16 Iff:2"},
    {"hexrw", "0041f7a0 R\n0x41F7A4 W\n\n  ff w \r\n1 r", "L41f7a0:0 S41f7a4:0 Sff:0 L1:0"},
    {"csv", "addr,op,size,tid,pid\n0x1000,R,8,1,2\n4096,store,4,,\n", "L1000:8@2.1 S1000:4"},
    {"csv", "\xef\xbb\xbf" "note,\"Op\",ADDRESS\r\n\"a, \"\"b\"\"\nc\",Fetch,0xff\r\n\n x , modify , 16 \r\n", "Iff:0 M10:0"},
    {"csv", "addr\n1\n2", "L1:0 L2:0"},
    {"csv", "op,addr\nI,1\nl,2\ns,3\nw,4\nREAD,5\nLoad,6\nWrite,7\nm,8\n", "I1:0 L2:0 S3:0 S4:0 L5:0 L6:0 S7:0 M8:0"},
    {"pinatrace", "#\n# Memory Access Trace\n#\n0x7f1: R 0x7ffe10\n0x7f4: W     0x7ffe18\n#eof\n\n", "L7ffe10:0 S7ffe18:0"},
    {"pinatrace", "0x7f1: R 0x10  8 0xdead\n0x7f1: W 0x20 16\n#eof", "L10:8 S20:16"},
};

static void test_good_text(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    struct fed fed = whole(good[i].format, false, good[i].text, strlen(good[i].text));
    char text[1024];
    describe(&fed, text, sizeof text);
    if (fed.status != 0) print_error("%s: %s\n", good[i].text, fed.err.text);
    assert_int_equal(fed.status, 0);
    assert_string_equal(text, good[i].expect);
    free(fed.accesses);
  }
}

/* Each text is wrong in line 2; the sentence must hold `expect`. */
static const struct {
  const char *format, *text, *expect;
} bad[] = {
    {"lackey", "I  4,1\nhello world\nI  8,1\n", "T: line 2 is no Lackey access: it begins with none of I, L, S and M, in \"hello world\""},
    {"lackey", "I  4,1\n L 10000000000000000,1\nI  8,1\n", "more than 64 bits"},
    {"lackey", "I  4,1\n L 1000;1\nI  8,1\n", "no comma"},
    {"lackey", "I  4,1\n L 1000,\nI  8,1\n", "decimal number is missing"},
    {"lackey", "I  4,1\n L ,8\nI  8,1\n", "hexadecimal number is missing"},
    {"lackey", "I  4,1\n L 1000,1048577\nI  8,1\n", "not believable"},
    {"lackey", "I  4,1\n L 1000,8x\nI  8,1\n", "something follows the size"},
    {"lackey", "I  4,1\n L 1000,99999999999999999999\nI  8,1\n", "more than 64 bits"},
    {"lackey", "I  4,1\n== L 1000,8\nI  8,1\n", "none of I, L, S and M"},
    {"lackey", "I  4,1\n==12= L 1000,8\nI  8,1\n", "none of I, L, S and M"},
    {"lackey", "I  4,1\nSB hello\nI  8,1\n", "none of I, L, S and M"},
    {"lackey", "I  4,1\n\001\002\xff\nI  8,1\n", "in \"???\""},
    {"lackey", "I  4,1\n L 1000,:\nI  8,1\n", "decimal number is missing"},
    {"lackey", "I  4,1\n L 1000,8:\nI  8,1\n", "something follows the size"},
    {"lackey", "I  4,1\n L 10g0,8\nI  8,1\n", "no comma"},
    {"lackey", "I  4,1\n L 12345678g,8\nI  8,1\n", "no comma"},
    {"lackey", "I  4,1\n X 1000,8\nI  8,1\n", "none of I, L, S and M"},
    {"lackey", "I  4,1\nL\nI  8,1\n", "none of I, L, S and M"},
    {"din", "0 4\n3 1000\n0 8\n", "neither read, write nor fetch"},
    {"din", "0 4\n4 0\n0 8\n", "neither read, write nor fetch"},
    {"din", "0 4\n7 0\n0 8\n", "none of the labels"},
    {"din", "0 4\n0 xyz\n0 8\n", "hexadecimal number is missing"},
    {"din", "0 4\n0 12g4\n0 8\n", "not hexadecimal"},
    {"din", "0 4\n01000\n0 8\n", "no blank"},
    {"din", "0 4\nr 1000\n0 8\n", "hexadecimal number is missing"},
    {"din", "0 4\n0 11112222333344445\n0 8\n", "more than 64 bits"},
    {"hexrw", "4 R\n8 X\nc W\n", "neither R nor W"},
    {"hexrw", "4 R\n8\nc W\n", "neither R nor W"},
    {"hexrw", "4 R\n8R\nc W\n", "neither R nor W"},
    {"hexrw", "4 R\n8 R 4\nc W\n", "something follows"},
    {"hexrw", "4 R\n0x R\nc W\n", "hexadecimal number is missing"},
    {"csv", "addr,op\nab,R\n1,R\n", "decimal number is missing"},
    {"csv", "addr,op\n12ab,R\n1,R\n", "hexadecimal with 0x"},
    {"csv", "addr,op\n0x12xy,R\n1,R\n", "holds something else"},
    {"csv", "addr,op\n1,fly\n1,R\n", "op is none of"},
    {"csv", "addr,op\n1\n1,R\n", "not as many fields"},
    {"csv", "addr,op\n1,R,3\n1,R\n", "not as many fields"},
    {"csv", "addr,op\n,R\n1,R\n", "decimal number is missing"},
    {"csv", "addr,tid\n1,4294967296\n1,0\n", "more than 32 bits"},
    {"csv", "addr,size\n1,1048577\n1,0\n", "not believable"},
    {"csv", "addr,op\n\"1\"x,R\n1,R\n", "follows a closing quote"},
    {"pinatrace", "0x1: R 0x2\n0x1 R 0x2\n0x1: R 0x2\n#eof\n", "no colon"},
    {"pinatrace", "0x1: R 0x2\n0x1: X 0x2\n0x1: R 0x2\n#eof\n", "neither R nor W"},
    {"pinatrace", "0x1: R 0x2\n0x1: R 0x2 0xff\n0x1: R 0x2\n#eof\n", "not a decimal size"},
    {"pinatrace", "0x1: R 0x2\n0x1: R 0x2z\n0x1: R 0x2\n#eof\n", "not a decimal size"},
};

static void test_bad_text(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct fed fed = whole(bad[i].format, false, bad[i].text, strlen(bad[i].text));
    assert_int_equal(fed.status, PW_EFORMAT);
    if (!strstr(fed.err.text, bad[i].expect)) print_error("%s: %s\n", bad[i].text, fed.err.text);
    assert_non_null(strstr(fed.err.text, bad[i].expect));
    assert_non_null(strstr(fed.err.text, "T: line 2 "));
    assert_non_null(strstr(fed.err.text, "--skip-bad"));
    assert_int_equal(fed.n, bad[i].format[0] == 'c' ? 0 : 1);
    free(fed.accesses);
    fed = whole(bad[i].format, true, bad[i].text, strlen(bad[i].text));
    assert_int_equal(fed.status, 0);
    assert_int_equal(fed.bad_lines, 1);
    assert_int_equal(fed.n, bad[i].format[0] == 'c' ? 1 : 2);
    free(fed.accesses);
  }
}

/* The same lines far from the window's end, where Lackey's fast loop looks first. */
static void test_bad_text_inside(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    if (strcmp(bad[i].format, "lackey") != 0) continue;
    char text[400];
    snprintf(text, sizeof text, "%s%s", bad[i].text, "I  10,1\nI  10,1\nI  10,1\nI  10,1\nI  10,1\nI  10,1\nI  10,1\n");
    struct fed fed = whole("lackey", false, text, strlen(text));
    assert_int_equal(fed.status, PW_EFORMAT);
    assert_non_null(strstr(fed.err.text, bad[i].expect));
    assert_non_null(strstr(fed.err.text, "T: line 2 "));
    free(fed.accesses);
    fed = whole("lackey", true, text, strlen(text));
    assert_int_equal(fed.n, 9);
    free(fed.accesses);
  }
}

static void test_line_behind_quoted_breaks(void **state)
{
  (void)state;
  const char *text = "addr,op,note\n1,R,\"a\nb\nc\"\nx,R,y\n";
  struct fed fed = whole("csv", false, text, strlen(text));
  assert_int_equal(fed.status, PW_EFORMAT);
  assert_non_null(strstr(fed.err.text, "T: line 5 is no CSV access"));
  free(fed.accesses);
}

/* These fail whether bad lines are skipped or not. */
static void test_fatal_text(void **state)
{
  (void)state;
  static char long_line[70000], two[70010];
  memset(long_line, 'x', sizeof long_line);
  memcpy(two, long_line, sizeof long_line);
  memcpy(two + sizeof long_line, "\nI  4,1\n", 8);
  const struct {
    const char *format, *text;
    size_t n;
    const char *expect;
  } cases[] = {
      {"pinatrace", "0x1: R 0x2\n", 11, "truncated: it ends at line 2 without the mark #eof"},
      {"pinatrace", "0x1: R 0x2", 10, "without the mark #eof"},
      {"pinatrace", "", 0, "without the mark #eof"},
      {"csv", "address,rw\n1,W\n", 14, "none named op"},
      {"csv", "op,size\nR,4\n", 12, "line 1 is no CSV header: no column is named addr"},
      {"csv", "addr,address\n1,2\n", 17, "names a column twice"},
      {"csv", "addr,\"op\n1,2\n", 13, "closing quote is missing"},
      {"lackey", long_line, sizeof long_line, "longer than 65536 bytes"},
      {"lackey", two, sizeof long_line + 8, "longer than 65536 bytes"},
      {"csv", long_line, sizeof long_line, "longer than 65536 bytes"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int skip = 0; skip < 2; skip++) {
      struct fed fed = whole(cases[i].format, skip, cases[i].text, cases[i].n);
      assert_int_equal(fed.status, PW_EFORMAT);
      if (!strstr(fed.err.text, cases[i].expect)) print_error("%s\n", fed.err.text);
      assert_non_null(strstr(fed.err.text, cases[i].expect));
      free(fed.accesses);
    }
}

static void test_after_end_mark(void **state)
{
  (void)state;
  const char *text = "0x1: R 0x2\n#eof\n0x1: R 0x2\n";
  struct fed fed = whole("pinatrace", false, text, strlen(text));
  assert_int_equal(fed.status, PW_EFORMAT);
  assert_non_null(strstr(fed.err.text, "line 3 "));
  assert_non_null(strstr(fed.err.text, "follows the end mark"));
  free(fed.accesses);
}

/* ---- binary records ---- */

static void put(unsigned char *at, uint64_t value)
{
  for (int i = 0; i < 8; i++) at[i] = (unsigned char)(value >> 8 * i);
}

static void test_champsim(void **state)
{
  (void)state;
  unsigned char bytes[128] = {0};
  put(bytes, 0x401000);
  put(bytes + 16, 0x7000), put(bytes + 24, 0x7008);
  put(bytes + 32, 0x8000), put(bytes + 48, 0x8010);
  put(bytes + 64, 0xffffffff81000000);
  bytes[64 + 8] = bytes[64 + 9] = 1;
  struct fed fed = whole("champsim", false, bytes, 128);
  char text[256];
  describe(&fed, text, sizeof text);
  assert_string_equal(text, "I401000:0 L8000:0 L8010:0 S7000:0 S7008:0 Iffffffff81000000:0");
  free(fed.accesses);
  for (size_t n = 65; n < 128; n++) {
    fed = whole("champsim", true, bytes, n);
    assert_int_equal(fed.status, PW_EFORMAT);
    assert_non_null(strstr(fed.err.text, "truncated"));
    free(fed.accesses);
  }
  bytes[64 + 8] = 2;
  fed = whole("champsim", true, bytes, 128);
  assert_int_equal(fed.status, PW_EFORMAT);
  assert_non_null(strstr(fed.err.text, "record 1 at byte 64"));
  free(fed.accesses);
}

static void test_cloudsuite(void **state)
{
  (void)state;
  unsigned char bytes[96] = {0};
  put(bytes, 0x401000);
  for (int i = 0; i < 10; i++) bytes[8 + i] = (unsigned char)(i > 1 ? 77 : 1);
  for (unsigned i = 0; i < 4; i++) put(bytes + 24 + 8 * i, 0x7000 + i), put(bytes + 56 + 8 * i, 0x8000 + i);
  bytes[88] = 5, bytes[89] = 6;
  struct fed fed = whole("cloudsuite", false, bytes, 96);
  char text[512];
  describe(&fed, text, sizeof text);
  assert_string_equal(text, "I401000:0@5.0 L8000:0@5.0 L8001:0@5.0 L8002:0@5.0 L8003:0@5.0 "
                            "S7000:0@5.0 S7001:0@5.0 S7002:0@5.0 S7003:0@5.0");
  free(fed.accesses);
}

/* ---- windows ---- */

static void compare_cuts(const char *format, bool skip_bad, const void *bytes, size_t n)
{
  static const size_t chunks[] = {1, 2, 3, 7, 63, 64, 65, 4096};
  struct fed expect = whole(format, skip_bad, bytes, n);
  for (size_t i = 0; i < 2 * sizeof chunks / sizeof *chunks + 40; i++) {
    struct feed feed = {.format = pw_format_find(format), .skip_bad = skip_bad, .late_last = i & 1,
                        .room = PW_BATCH_ROOM + i % 3, .seed = (uint32_t)i};
    if (i < 2 * sizeof chunks / sizeof *chunks) feed.chunk_bytes = chunks[i / 2];
    struct fed fed = feed_bytes(feed, bytes, n);
    assert_true(fed_equal(&expect, &fed));
    free(fed.accesses);
  }
  free(expect.accesses);
}

static void test_windows_small(void **state)
{
  (void)state;
  for (int skip = 0; skip < 2; skip++) {
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
      compare_cuts(good[i].format, skip, good[i].text, strlen(good[i].text));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
      compare_cuts(bad[i].format, skip, bad[i].text, strlen(bad[i].text));
  }
}

static uint64_t next_random(uint64_t *seed)
{
  *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return *seed >> 20;
}

/* One random record of a format; now and then a bad line. */
static size_t random_record(const char *format, uint64_t *seed, char *to, size_t room)
{
  unsigned long long a = next_random(seed) >> next_random(seed) % 44, b = next_random(seed);
  unsigned size = (unsigned)(next_random(seed) % 130);
  if (next_random(seed) % 50 == 0) return (size_t)snprintf(to, room, "rubbish %llx\n", a);
  const char *eol = next_random(seed) % 20 == 0 ? "\r\n" : "\n";
  if (format[0] == 'l') return (size_t)snprintf(to, room, "%.3s%08llx,%u%s", &"I   L  S  M "[b % 4 * 3], a, size, eol);
  if (format[0] == 'd') return (size_t)snprintf(to, room, "%llu %llx x%s", b % 3, a, eol);
  if (format[0] == 'h') return (size_t)snprintf(to, room, "%llx %c%s", a, "RWrw"[b % 4], eol);
  if (format[0] == 'p') return (size_t)snprintf(to, room, "0x%llx: %c 0x%llx %u%s", b, "RW"[b & 1], a, size, eol);
  return (size_t)snprintf(to, room, "%llu,\"%.*s\",%c%s", a, (int)(b % 5), "a,\n,b", "RWIM"[b % 4], eol);
}

static void test_windows_long(void **state)
{
  (void)state;
  static const char *const formats[] = {"lackey", "din", "hexrw", "csv", "pinatrace"};
  enum { BYTES = 120000 };
  char *text = malloc(BYTES + 200);
  assert_non_null(text);
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
    uint64_t seed = i + 1;
    size_t n = formats[i][0] == 'c' ? (size_t)snprintf(text, 100, "addr,note,op\n") : 0;
    while (n < BYTES) n += random_record(formats[i], &seed, text + n, 150);
    n += formats[i][0] == 'p' ? (size_t)snprintf(text + n, 50, "#eof\n") : 0;
    struct fed fed = whole(formats[i], true, text, n);
    assert_int_equal(fed.status, 0);
    assert_true(fed.n > PW_BATCH_ROOM && fed.bad_lines > 10);
    struct feed feed = {.format = pw_format_find(formats[i]), .skip_bad = true, .room = PW_BATCH_ROOM};
    for (unsigned k = 0; k < 12; k++) {
      feed.seed = k, feed.late_last = k & 1, feed.chunk_bytes = k < 2 ? k + 1 : 0;
      struct fed cut = feed_bytes(feed, text, n);
      assert_true(fed_equal(&fed, &cut));
      free(cut.accesses);
    }
    free(fed.accesses);
  }
  free(text);
}

static void test_windows_binary(void **state)
{
  (void)state;
  enum { RECORDS = 3000 };
  unsigned char *bytes = calloc(RECORDS, 192);
  assert_non_null(bytes);
  uint64_t seed = 3;
  for (size_t size = 64; size <= 96; size += 32) {
    for (size_t i = 0; i < RECORDS; i++) {
      unsigned char *record = bytes + size * i;
      memset(record, 0, size);
      put(record, 1 + (next_random(&seed) & 0xffffff));
      for (size_t at = 24; at < 88 && at < size; at += 8)
        if (next_random(&seed) % 3 == 0) put(record + at, next_random(&seed));
    }
    compare_cuts(size == 64 ? "champsim" : "cloudsuite", false, bytes, 20 * size + 7);
    compare_cuts(size == 64 ? "champsim" : "cloudsuite", false, bytes, RECORDS * size / 10);
  }
  free(bytes);
}

/* ---- bids ---- */

static void expect_bid(const void *bytes, size_t n, bool all, const char *name)
{
  struct pw_error err = {0};
  const struct pw_format *format = pw_format_bid(bytes, n, all, "T", &err);
  assert_non_null(format);
  assert_string_equal(format->name, name);
}

static void expect_none(const void *bytes, size_t n, int status, const char *sentence)
{
  struct pw_error err = {0};
  assert_null(pw_format_bid(bytes, n, true, "T", &err));
  assert_int_equal(err.status, status);
  if (!strstr(err.text, sentence)) print_error("%s\n", err.text);
  assert_non_null(strstr(err.text, sentence));
}

static void test_bids(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    expect_bid(good[i].text, strlen(good[i].text), true, good[i].format);
  const char *talk = "==1== Lackey\n==1== Command: ls\nhello\nI  4,1\n L 8,1\n S 8,1\nI  8,2\n";
  expect_bid(talk, strlen(talk), false, "lackey");
  expect_bid("I  4,1\nhello\n", 13, true, "lackey"); /* for the sake of the line number */
  expect_bid("==1== Lackey\n==1== more\n==1==", 29, false, "lackey");
  unsigned char records[640] = {0};
  for (size_t i = 0; i < 10; i++) put(records + 64 * i, 0x401000 + i), put(records + 64 * i + 32, 0x7ffe00001000 + i);
  expect_bid(records, 640, true, "champsim");
  expect_bid(records, 64, true, "champsim");
  expect_bid(records, 639, true, "champsim");
  expect_bid(records, 639, false, "champsim");
  expect_none(records, 100, PW_EFORMAT, "--format");
  records[64 + 9] = 2;
  expect_none(records, 640, PW_EFORMAT, "--format");
  memset(records, 0, sizeof records);
  expect_none(records, 640, PW_EFORMAT, "lackey, din, hexrw, csv, champsim, cloudsuite, pinatrace");
  expect_none("Dear reader,\nthis is a letter.\n", 31, PW_EFORMAT, "T is in no format that is known");
  expect_none("I  4,1", 0, PW_EFORMAT, "no format");
}

static void test_strangers(void **state)
{
  (void)state;
  unsigned char bytes[512] = {0};
  expect_none("PERFILE2\x68\0\0\0\0\0\0\0", 16, PW_EUNSUPPORTED, "perf.data");
  expect_none("\x7f" "ELF\x02\x01\x01\0\0\0\0\0\0\0\0\0", 16, PW_EUNSUPPORTED, "pagewalk record");
  expect_none("gem5\x12\x0a\x07", 7, PW_EUNSUPPORTED, "gem5");
  expect_none("%PDF-1.4\n", 9, PW_EUNSUPPORTED, "PDF");
  expect_none("\x1f\x8b\x08\0\0\0\0\0", 8, PW_EUNSUPPORTED, "twice");
  memcpy(bytes + 257, "ustar", 5);
  expect_none(bytes, sizeof bytes, PW_EUNSUPPORTED, "tar archive");
  memset(bytes, 0, sizeof bytes);
  bytes[0] = 0x40, bytes[6] = 7, bytes[7] = 0xc4;
  expect_none(bytes, sizeof bytes, PW_EUNSUPPORTED, "raw2trace");
  memset(bytes, 0, sizeof bytes);
  bytes[0] = 25, bytes[4] = 1, bytes[12] = 28;
  expect_none(bytes, sizeof bytes, PW_EUNSUPPORTED, "view tool");
}

static void test_table(void **state)
{
  (void)state;
  assert_null(pw_format_find("nonsense"));
  for (size_t i = 0; pw_formats[i]; i++) {
    assert_ptr_equal(pw_format_find(pw_formats[i]->name), pw_formats[i]);
    assert_true(strlen(pw_formats[i]->summary) > 10);
    for (int all = 0; all < 2; all++) assert_int_equal(pw_formats[i]->bid((const unsigned char *)"", 0, all), 0);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_good_text),      cmocka_unit_test(test_bad_text),
      cmocka_unit_test(test_bad_text_inside), cmocka_unit_test(test_line_behind_quoted_breaks),
      cmocka_unit_test(test_fatal_text),     cmocka_unit_test(test_after_end_mark),
      cmocka_unit_test(test_champsim),       cmocka_unit_test(test_cloudsuite),
      cmocka_unit_test(test_windows_small),  cmocka_unit_test(test_windows_long),
      cmocka_unit_test(test_windows_binary), cmocka_unit_test(test_bids),
      cmocka_unit_test(test_strangers),      cmocka_unit_test(test_table),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
