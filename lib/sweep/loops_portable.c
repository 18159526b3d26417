/* The hot loops in plain C, for every processor. See loops.h. */
#include "sweep/loops_body.h"

const struct pw_loops pw_loops_portable = {"portable", chain, chain_by, stack, memory, visits};
