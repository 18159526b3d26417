/* The hot loops with AVX2: this file alone is compiled for it. See loops.h. */
#ifdef __AVX2__
#include "sweep/loops_body.h"

const struct pw_loops pw_loops_avx2 = {"avx2", chain, chain_by, stack, memory, visits};
#else
#include "sweep/loops.h"

const struct pw_loops pw_loops_avx2 = {0}; /* never chosen */
#endif
