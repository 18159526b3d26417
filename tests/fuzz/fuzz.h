/* What fuzz targets share. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define MUST(what) \
  do { \
    if (!(what)) { \
      dprintf(2, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #what); \
      abort(); \
    } \
  } while (0)

/* Decisions of a target come from the data, so that a finding repeats itself. */
static inline uint32_t fuzz_seed(const uint8_t *data, size_t n)
{
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < n; i++) hash = (hash ^ data[i]) * 16777619u;
  return hash;
}

#endif
