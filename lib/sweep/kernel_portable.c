/* The hot loops in plain C, for every processor. See kernel.h. */
#include "sweep/kernel_body.h"

const struct pw_kernel pw_kernel_portable = {"portable", chain, chain_by, stack, memory, visits};
