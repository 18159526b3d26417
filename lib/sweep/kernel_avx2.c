/* The hot loops with AVX2: this file alone is compiled for it. See kernel.h. */
#ifdef __AVX2__
#include "sweep/kernel_body.h"

const struct pw_kernel pw_kernel_avx2 = {"avx2", chain, chain_by, stack, memory, visits};
#else
#include "sweep/kernel.h"

const struct pw_kernel pw_kernel_avx2 = {0}; /* never chosen */
#endif
