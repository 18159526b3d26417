/* Loads under masks: the same instructions make 0 to 16 accesses, as many as there are bits in a counter.
 *
 * N rounds of two gathers with 8 loads each, of which those happen that the mask wants. The others are
 * made up for one by one, so that each round has 16 in all. And each round saves the floating-point
 * state 40 times in a straight line, some 60 stores each: more than the plugin keeps of one. */
#include <immintrin.h>
#include <stdlib.h>

static int table[4096];

static __m256i mask(unsigned bits)
{
  return _mm256_sllv_epi32(_mm256_set1_epi32((int)bits), _mm256_set_epi32(24, 25, 26, 27, 28, 29, 30, 31));
}

int main(int argc, char **argv)
{
  int n = argc > 1 ? atoi(argv[1]) : 1, sum = 0;
  __m256i index = _mm256_set_epi32(0, 500, 1000, 1500, 2000, 2500, 3000, 3500), zero = _mm256_setzero_si256();
  static unsigned char state[512] __attribute__((aligned(16)));
  for (int i = 0; i < n; i++) {
    __asm__ volatile(".rept 40\n fxsave %0\n .endr" : "=m"(state));
    unsigned bits = (unsigned)i * 2654435761u >> 16;
    __m256i a = _mm256_mask_i32gather_epi32(zero, table, index, mask(bits & 255), 4);
    __m256i b = _mm256_mask_i32gather_epi32(zero, table + 9, index, mask(bits >> 8), 4);
    sum += _mm256_extract_epi32(_mm256_add_epi32(a, b), 3);
    for (int left = 16 - __builtin_popcount(bits & 65535); left > 0; left--) sum += *(volatile int *)&table[left];
  }
  return sum + 8;
}
