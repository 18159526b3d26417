/* A program without libc that does the same thing wherever it runs: for comparing recorders.
 *
 * It does what is easy to count wrong: modifies, accesses that straddle pages, strings moved by
 * rep, atomics, vectors, and a mapping that comes and goes. Give it no
 * argument and it ends with 7, "loop" and it never ends, "crash" and it stores to address 0. */
static long call(long number, long a, long b, long c, long d, long e, long f)
{
  long result;
  register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

static unsigned char area[1 << 16] __attribute__((aligned(4096)));

static void touch(volatile unsigned char *memory, unsigned long bytes)
{
  for (unsigned long i = 0; i < bytes; i += 64) memory[i]++;
  for (unsigned long i = 4092; i + 8 < bytes; i += 4096) *(volatile unsigned long *)(memory + i) += i; /* straddle */
  __atomic_fetch_add((unsigned *)memory, 5, __ATOMIC_SEQ_CST);
}

static void move(void *to, const void *from, unsigned long n)
{
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

void start(long *stack);
void start(long *stack)
{
  /* at a fixed place: where else a mapping lands is the recorder's affair */
  enum { PLACE = 0x20000000, READ_WRITE = 3, PRIVATE_ANONYMOUS_FIXED = 0x32, N = 1 << 18 };
  const char *what = stack[0] > 1 ? (const char *)stack[2] : "";
  touch(area, sizeof area);
  move(area + 100, area + 5000, 9000);
  for (int i = 0; i < 40; i++) {
    long fresh = call(9, PLACE, N, READ_WRITE, PRIVATE_ANONYMOUS_FIXED, -1, 0);
    touch((unsigned char *)fresh, N);
    move((void *)fresh, area, 300);
    call(11, fresh, N, 0, 0, 0, 0);
  }
  while (*what == 'l') touch(area, sizeof area);
  if (*what == 'c') *(volatile int *)0 = 1;
  call(231, 7, 0, 0, 0, 0, 0);
}

__asm__(".globl _start\n_start:\n mov %rsp, %rdi\n and $-16, %rsp\n call start\n");
