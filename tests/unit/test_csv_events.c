/* Events in CSV traces: each kind, what is wrong with a row, and a .pwt that keeps them. */
#include "tracekit.h"

/* The trace's events as text, "kind a b c text@visit process|…"; NULL when it cannot be read (then *err tells). */
static char *events_of(const void *bytes, size_t n, const struct pw_trace_options *options, struct pw_error *err)
{
  struct pw_trace *trace;
  const struct pw_block *b;
  char *text = NULL;
  size_t room;
  uint64_t visits = 0;
  int got;
  if (pw_trace_open_memory(&trace, "T", bytes, n, options, err)) return NULL;
  FILE *out = open_memstream(&text, &room);
  while ((got = pw_trace_next(trace, &b, err)) > 0) {
    for (uint32_t i = 0; i < b->n_events; i++) {
      const struct pw_event *e = &b->events[i];
      fprintf(out, "%u %llx %llx %llx %.*s@%llu|", e->kind, (unsigned long long)e->a, (unsigned long long)e->b,
              e->kind == PW_EVENT_BACKING ? 0 : (unsigned long long)e->c, (int)e->text_bytes, e->text ? e->text : "",
              (unsigned long long)(visits + e->at));
    }
    visits += b->n_visits;
  }
  fclose(out);
  pw_trace_close(trace);
  if (got == 0) return text;
  free(text);
  return NULL;
}

static void assert_events(const char *csv, const struct pw_trace_options *options, const char *want)
{
  struct pw_error err = {0};
  char *got = events_of(csv, strlen(csv), options, &err);
  if (!got) fail_msg("%s", err.text);
  assert_string_equal(got, want);
  free(got);
}

#define HEAD "op,addr,size,pid,tid,arg,name,offset\n"

static void each_kind(void **state)
{
  static const struct { const char *row, *want; } rows[] = {
      {"map,0x1000,8192,0,0,,,", "3 1000 2000 3 @0|"},
      {"map,0x1000,1,0,0,r-xp,,", "3 1000 1 5 @0|"},
      {"MAP,0x1000,1,0,0,rwxs,,", "3 1000 1 f @0|"},
      {"map,0x1000,4096,0,0,rw-ph,[heap],", "3 1000 1000 43 [heap]@0|"},
      {"map,0x1000,4096,0,0,---p,,", "3 1000 1000 0 @0|"},
      {"unmap,4096,10,0,0,,,", "4 1000 a 0 @0|"},
      {"protect,4096,10,0,0,r--p,,", "9 1000 a 1 @0|"},
      {"discard,4096,10,0,0,,,", "10 1000 a 0 @0|"},
      {"move,4096,4096,0,0,0x8000,,", "11 1000 1000 8000 @0|"},
      {"fork,,,0,0,7,,", "5 7 1 0 @0|"},
      {"exec,,,0,0,,/bin/a,", "6 0 0 0 /bin/a@0|"},
      {"exit,,,0,0,,,", "7 0 0 0 @0|"},
      {"exit,,,0,0,3,,", "7 3 0 0 @0|"},
      {"advise,0x1000,4096,0,0,hugepage,,", "18 1000 1000 e @0|"},
      {"advise,0x1000,4096,0,0,nohugepage,,", "18 1000 1000 f @0|"},
      {"advise,,,0,0,thp-off,,", "18 0 0 100 @0|"},
      {"advise,,,0,0,thp-on,,", "18 0 0 101 @0|"},
      {"kernel-read,0x1fff,2,0,0,,,", "12 1fff 2 0 @0|"},
      {"kernel-write,0x1fff,1048576,0,0,,,", "13 1fff 100000 0 @0|"},
      {"unmap,4096,10,5,6,,,", "2 5 0 0 @0|1 6 0 0 @0|4 1000 a 0 @0|"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char csv[256];
    const char *who = strstr(rows[i].row, ",5,6,") ? "5,6" : "0,0";
    snprintf(csv, sizeof csv, HEAD "%s\nR,1,1,%s,,,\n", rows[i].row, who);
    assert_events(csv, NULL, rows[i].want);
  }
}

static void files_and_places(void **state)
{
  struct pw_error err = {0};
  static const char csv[] = HEAD "W,1,1,0,0,,,\nmap,0x1000,4096,0,0,r--p,\"/a \"\"b\"\"\",8192\nW,0x1000,1,0,0,,,\nW,0x2000,1,0,0,,,\n"
                                 "map,0x5000,4096,0,0,r--p,/c,\nexit,,,0,0,,,\n";
  (void)state;
  char *got = events_of(csv, strlen(csv), NULL, &err);
  assert_non_null(got);
  assert_non_null(strstr(got, "3 1000 1000 1 /a \"b\"@1|16 2000 ")); /* the offset, and what stands for the inode */
  assert_non_null(strstr(got, "@1|3 5000 1000 1 /c@3|16 0 "));
  assert_non_null(strstr(got, "@3|7 0 0 0 @3|"));
  free(got);
  /* a fork's child has the next number, and so has who appears after it */
  assert_events(HEAD "fork,,,0,0,9,,\nR,1,1,4,0,,,\nR,1,1,9,0,,,\nfork,,,9,0,4,,\n", NULL,
                "5 9 1 0 @0|2 4 2 0 @0|2 9 1 0 @1|5 4 2 0 @2|");
}

static void ignored_and_cut(void **state)
{
  static const char csv[] = HEAD "map,0x1000,4096,0,0,,,\nR,0x1000,1,0,0,,,\nfork,,,0,0,9,,\nkernel-read,0x1000,1,0,0,,,\n"
                                 "R,0x2000,1,0,0,,,\nunmap,0x1000,4096,0,0,,,\nR,0x3000,1,0,0,,,\n";
  (void)state;
  assert_events(csv, &(struct pw_trace_options){.ignore_events = true}, "5 9 1 0 @1|12 1000 1 0 @1|");
  assert_events(csv, &(struct pw_trace_options){.ignore_kernel = true}, "3 1000 1000 3 @0|5 9 1 0 @1|4 1000 1000 0 @2|");
  assert_events(csv, &(struct pw_trace_options){.limit = 2}, "3 1000 1000 3 @0|5 9 1 0 @1|12 1000 1 0 @1|");
  assert_events(csv, &(struct pw_trace_options){.skip = 2}, "3 1000 1000 3 @0|5 9 1 0 @0|4 1000 1000 0 @0|");
}

static void wrong_rows(void **state)
{
  static const struct { const char *row, *why; } rows[] = {
      {"map,,4096,0,0,,,", "needs an address and a size"},
      {"map,4096,,0,0,,,", "needs an address and a size"},
      {"map,4096,0,0,0,,,", "needs an address and a size"},
      {"map,0xffffffffffffffff,2,0,0,,,", "past the end of the address space"},
      {"map,4096,1,0,0,rw,,", "rights such as rw-p"},
      {"map,4096,1,0,0,wr-p,,", "rights such as rw-p"},
      {"map,4096,1,0,0,rw-x,,", "rights such as rw-p"},
      {"map,4096,1,0,0,rw-px,,", "rights such as rw-p"},
      {"map,4096,1,0,0,rw-p,/a,5", "multiple of 4096"},
      {"map,4096,1,0,0,rw-p,[heap],4096", "offset is of a file"},
      {"map,4096,1,0,0,rw-p,,4096", "offset is of a file"},
      {"unmap,4096,1,0,0,7,,", "has an arg"},
      {"move,4096,1,0,0,,,", "not the address that the pages move to"},
      {"move,4096,4096,0,0,0xffffffffffffffff,,", "moves pages past the end"},
      {"fork,,,0,0,,,", "not the pid of the child"},
      {"fork,,,0,0,x,,", "not the pid of the child"},
      {"fork,,,0,0,4294967296,,", "more than 32 bits"},
      {"exit,,,0,0,x,,", "no exit status"},
      {"advise,4096,1,0,0,often,,", "none of hugepage"},
      {"advise,,,0,0,hugepage,,", "needs an address and a size"},
      {"kernel-read,4096,1048577,0,0,,,", "more than 1 MiB"},
      {"unmap,4096,1,4294967296,0,,,", "more than 32 bits"},
      {"remap,4096,1,0,0,,,", "op is none of"},
      {"unmap,zz,1,0,0,,,", "decimal number is missing"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char csv[256];
    struct pw_error err = {0};
    snprintf(csv, sizeof csv, HEAD "R,1,1,0,0,,,\n%s\nR,1,1,0,0,,,\n", rows[i].row);
    char *got = events_of(csv, strlen(csv), NULL, &err);
    if (got || !strstr(err.text, rows[i].why) || !strstr(err.text, "line 3")) fail_msg("%s: %s", rows[i].row, got ? got : err.text);
    got = events_of(csv, strlen(csv), &(struct pw_trace_options){.skip_bad = true}, &err);
    if (!got || *got) fail_msg("%s: %s", rows[i].row, got ? got : err.text);
    free(got);
  }
}

/* A name of 4096 bytes is the longest. */
static void long_names(void **state)
{
  (void)state;
  for (size_t n = 4096; n <= 4097; n++) {
    char *csv = kit_alloc(1, 8192);
    struct pw_error err = {0};
    int at = sprintf(csv, HEAD "map,4096,1,0,0,,");
    memset(csv + at, 'x', n);
    strcpy(csv + at + n, ",\nR,1,1,0,0,,,\n");
    char *got = events_of(csv, strlen(csv), NULL, &err);
    assert_int_equal(got != NULL, n == 4096);
    if (!got) assert_non_null(strstr(err.text, "name has more than 4096 bytes"));
    free(got);
    free(csv);
  }
}

/* More events than a block or a batch holds, and between them every access. */
static void many(void **state)
{
  enum { N = 200000 };
  char *csv = NULL;
  size_t n;
  uint64_t events = 0, visits = 0;
  struct pw_error err = {0};
  struct pw_trace *trace;
  const struct pw_block *b;
  FILE *out = open_memstream(&csv, &n);
  (void)state;
  fputs(HEAD, out);
  for (int i = 0; i < N; i++) fprintf(out, i % 5 ? "unmap,0x%x000,1,0,0,,,\n" : "R,0x%x000,1,0,0,,,\n", i + 1);
  fclose(out);
  KIT_OK(pw_trace_open_memory(&trace, "T", csv, n, NULL, &err), err);
  while (pw_trace_next(trace, &b, &err) > 0) {
    for (uint32_t i = 0; i < b->n_events; i++, events++) { /* page of the k-th event, and visits before it */
      uint64_t row = events / 4 * 5 + events % 4 + 1;
      assert_int_equal(b->events[i].a, (row + 1) << 12);
      assert_int_equal(visits + b->events[i].at, row / 5 + 1);
    }
    visits += b->n_visits;
  }
  assert_int_equal(events, N / 5 * 4);
  assert_int_equal(visits, N / 5);
  pw_trace_close(trace);
  free(csv);
}

/* A .pwt keeps them; only where there is advice, older readers are told to refuse. */
static void written_and_read(void **state)
{
  static const struct { const char *rows; bool newer; } files[] = {
      {"map,0x1000,8192,0,0,,,\nW,0x1000,1,0,0,,,\nexit,,,0,0,,,\n", false},
      {"map,0x1000,8192,0,0,,,\nW,0x1000,1,0,0,,,\nadvise,0x1000,4096,0,0,hugepage,,\n", true},
      {"map,0x1000,8192,0,0,rw-ph,,\nW,0x1000,1,0,0,,,\n", true}};
  (void)state;
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    char csv[512];
    struct pw_error err = {0};
    struct pw_trace *trace;
    const struct pw_block *b;
    struct kit_file pwt;
    int n = snprintf(csv, sizeof csv, HEAD "%s", files[i].rows);
    KIT_OK(pw_trace_open_memory(&trace, "T", csv, (size_t)n, &(struct pw_trace_options){.counts = true}, &err), err);
    kit_file_open(&pwt, NULL);
    while (pw_trace_next(trace, &b, &err) > 0) kit_file_add(&pwt, b);
    kit_file_finish(&pwt);
    pw_trace_close(trace);
    assert_int_equal((unsigned char)pwt.bytes[8 + 16], files[i].newer ? 3 : 1); /* required features */
    char *want = events_of(csv, (size_t)n, NULL, &err), *got = events_of(pwt.bytes, pwt.n, NULL, &err);
    if (!got) fail_msg("%s", err.text);
    assert_string_equal(got, want);
    free(want);
    free(got);
    kit_file_free(&pwt);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_kind),  cmocka_unit_test(files_and_places), cmocka_unit_test(ignored_and_cut), cmocka_unit_test(wrong_rows),
      cmocka_unit_test(long_names), cmocka_unit_test(many),             cmocka_unit_test(written_and_read)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
