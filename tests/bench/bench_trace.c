/* Prints a made-up trace for the benchmark: the same bytes for the same arguments on every machine.
 *
 *     bench_trace KIND FORMAT ACCESSES [FOOTPRINT_BYTES]
 *
 * KIND is how data is used; the footprint is rounded down to a power of two of at least 64 KiB:
 *   local   15 of 16 data accesses on the stack, the rest on popular pages (4 MiB)
 *   mixed   half of them on the stack, a quarter in a long stream, a quarter on popular pages (256 MiB)
 *   random  every one anywhere, all pages alike (4 GiB)
 * FORMAT is lackey (text) or champsim (records of 64 bytes).
 *
 * It models a processor that fetches one instruction after the other and jumps now and then;
 * each has at most one load or store. It is no model of any program: the three kinds are
 * an easy, a middling and the hardest case for TLBs and for stack algorithms. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CODE UINT64_C(0x400000)
#define DATA UINT64_C(0x10000000000)
#define STACK UINT64_C(0x7ff000000000)
#define PAGE UINT64_C(4096)

struct instruction {
  uint64_t pc;
  uint64_t data; /* 0 = none */
  int store;
};

static const struct kind {
  const char *name;
  unsigned fetches_per_data;
  unsigned stack, stream; /* of 16 data accesses; the others are on any page of the footprint */
  unsigned log2_code_pages;
  uint64_t code_pages, footprint_bytes;
} kinds[] = {
  { "local", 3, 15, 0, 6, 64, UINT64_C(4) << 20 },
  { "mixed", 2, 8, 4, 8, 256, UINT64_C(256) << 20 },
  { "random", 1, 0, 0, 0, 1, UINT64_C(4) << 30 },
};

static uint64_t state = 20;

static uint64_t draw(void)
{
  uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

/* Some page below n, a power of two: page 0 most often, each doubling as likely as the one before
 * it; then spread over the footprint, so that popular pages are no neighbours. */
static uint64_t popular_page(uint64_t n, unsigned log2_n)
{
  uint64_t page = draw() & ((n - 1) >> draw() % (log2_n + 1));
  return page * UINT64_C(0x2545f4914f6cdd1d) & (n - 1);
}

/* Mostly within the page, sometimes to a popular one. */
static uint64_t jump(uint64_t pc, const struct kind *kind)
{
  uint64_t r = draw();
  uint64_t page = r & 3 ? (pc - CODE) / PAGE : popular_page(kind->code_pages, kind->log2_code_pages);
  return CODE + page * PAGE + (r >> 8 & 1023) * 4;
}

static struct instruction next_instruction(const struct kind *kind, uint64_t n_pages, unsigned log2_pages)
{
  static uint64_t pc = CODE, stream, step;
  uint64_t r = draw();
  pc = (r & 31) == 0 || (pc + 4) % PAGE == 0 ? jump(pc, kind) : pc + 4;
  struct instruction in = {.pc = pc, .store = (r >> 5) % 10 < 3};
  if (++step % kind->fetches_per_data) return in;
  unsigned where = r >> 40 & 15;
  uint64_t offset = (r >> 44 & 511) * 8;
  if (where < kind->stack)
    in.data = STACK + offset;
  else if (where < kind->stack + kind->stream)
    in.data = DATA + (stream += 8) % (n_pages * PAGE);
  else
    in.data = DATA + (kind->stack ? popular_page(n_pages, log2_pages) : draw() & (n_pages - 1)) * PAGE + offset;
  return in;
}

/* One line of Lackey text, such as " L 7ff000000,8". */
static void print_line(const char *op, uint64_t address, char size)
{
  char line[32] = "   ", *p = line + 3;
  memcpy(line, op, 3);
  int shift = 60;
  while (shift > 28 && address >> shift == 0) shift -= 4; /* at least eight digits */
  for (; shift >= 0; shift -= 4) *p++ = "0123456789abcdef"[address >> shift & 15];
  *p++ = ',';
  *p++ = size;
  *p++ = '\n';
  fwrite_unlocked(line, 1, (size_t)(p - line), stdout);
}

static void print_instruction(const struct instruction *in)
{
  print_line("I  ", in->pc, '4');
  if (in->data) print_line(in->store ? " S " : " L ", in->data, '8');
}

static void put_u64(unsigned char *at, uint64_t value)
{
  for (int i = 0; i < 8; i++) at[i] = (unsigned char)(value >> 8 * i);
}

/* One record: address, branch flags, registers, two stores, four loads. */
static void print_record(const struct instruction *in)
{
  unsigned char record[64] = {0};
  put_u64(record, in->pc);
  put_u64(record + (in->store ? 16 : 32), in->data);
  fwrite_unlocked(record, 1, sizeof record, stdout);
}

int main(int argc, char **argv)
{
  size_t kind = 0, n_kinds = sizeof kinds / sizeof *kinds;
  while (argc > 2 && kind < n_kinds && strcmp(argv[1], kinds[kind].name)) kind++;
  if (argc < 4 || argc > 5 || kind == n_kinds || (strcmp(argv[2], "lackey") && strcmp(argv[2], "champsim"))) {
    fputs("usage: bench_trace local|mixed|random lackey|champsim ACCESSES [FOOTPRINT_BYTES]\n", stderr);
    return 2;
  }
  int text = strcmp(argv[2], "lackey") == 0;
  uint64_t accesses = strtoull(argv[3], NULL, 10);
  uint64_t footprint = argc == 5 ? strtoull(argv[4], NULL, 10) : kinds[kind].footprint_bytes;
  uint64_t n_pages = 16;
  unsigned log2_pages = 4;
  for (; n_pages * 2 <= footprint / PAGE; n_pages *= 2) log2_pages++;

  static char buffer[1 << 20];
  setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
  for (uint64_t done = 0; done < accesses; done++) {
    struct instruction in = next_instruction(kinds + kind, n_pages, log2_pages);
    if (text) print_instruction(&in);
    else print_record(&in);
    if (in.data) done++;
  }
  return fflush(stdout) != 0 || ferror(stdout);
}
