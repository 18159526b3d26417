/* A small seeded generator (splitmix64; Steele, Lea and Flood, OOPSLA 2014), so
 * that random policies give the same numbers on every machine. */
#ifndef PW_RANDOM_H
#define PW_RANDOM_H

#include <stdint.h>

static inline uint64_t pw_random_next(uint64_t *state)
{
  uint64_t z = *state += 0x9E3779B97F4A7C15u;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

/* A start state for the stream number `salt` of a seed. */
static inline uint64_t pw_random_seed(uint64_t seed, uint64_t salt)
{
  uint64_t state = seed ^ salt * 0xD1342543DE82EF95u;
  return pw_random_next(&state);
}

/* Uniform in 0 … n-1 (bias under 2^-32 for n up to 2^32). */
static inline uint32_t pw_random_below(uint64_t *state, uint32_t n)
{
  return (uint32_t)((pw_random_next(state) >> 32) * n >> 32);
}

#endif
