/* A trace's blocks with the addresses that the kernel would have given (places.h): a reader between a trace and who runs it.
 *
 * A block is cut where an event gives something another place: what it lends up to there has the places before. Each visit's page
 * is looked up once between two cuts. Pages of a lent block that none of its visits touches are of no meaning.
 *
 * Events of a range that has several places become as many; of memory that no map told of, those of the kernel's accesses alone
 * stay. Symbols are dropped. */
#ifndef PW_RELAYOUT_H
#define PW_RELAYOUT_H

#include "base/blocks.h"

struct pw_relayout;

/* Over the blocks of a trace, which is borrowed. `parent` (or NULL): the one whose process was forked into the first of this trace,
 * where its event named this trace `name`. NULL when memory runs out. */
struct pw_relayout *pw_relayout_new(struct pw_blocks blocks, struct pw_relayout *parent, const char *name);
void pw_relayout_free(struct pw_relayout *relayout);
/* They cannot be rewound. */
struct pw_blocks pw_relayout_blocks(struct pw_relayout *relayout);

#endif
