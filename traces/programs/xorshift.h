/*
 * The one random source of the sample programs, so that every run makes the same accesses.
 *
 * Marsaglia's 64-bit xorshift (Xorshift RNGs, 2003); a state is any number but 0.
 */
#ifndef XORSHIFT_H
#define XORSHIFT_H

#include <stdint.h>

static inline uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

#endif
