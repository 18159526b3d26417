/*
 * Inserts random keys into a binary search tree, then looks keys up: pure pointer chasing.
 *
 * Access pattern: nodes come from malloc in the order of insertion, so parent and child are
 * neighbours in the tree but not in memory; the top of the tree stays hot, the leaves do not.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "xorshift.h"

struct node {
    uint64_t key;
    uint64_t payload[9]; /* what the key stands for; never read here */
    struct node *child[2];
};

/* The link that leads to the key, or the empty link where it belongs. */
static struct node **find_link(struct node **root, uint64_t key)
{
    struct node **link = root;
    while (*link != NULL && (*link)->key != key)
        link = &(*link)->child[key > (*link)->key];
    return link;
}

int main(int argc, char **argv)
{
    uint64_t nodes = argc == 3 ? strtoull(argv[1], NULL, 10) : 0;
    uint64_t lookups = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
    if (nodes == 0) {
        fputs("usage: tree NODES LOOKUPS\n", stderr);
        return 2;
    }
    struct node *root = NULL;
    uint64_t state = 5, found = 0;
    for (uint64_t i = 0; i < nodes; i++) {
        uint64_t key = next_random(&state) % (2 * nodes);
        struct node **link = find_link(&root, key);
        if (*link == NULL) {
            *link = calloc(1, sizeof **link);
            if (*link == NULL) {
                fputs("tree: out of memory\n", stderr);
                return 1;
            }
            (*link)->key = key;
        }
    }
    for (uint64_t i = 0; i < lookups; i++)
        found += *find_link(&root, next_random(&state) % (2 * nodes)) != NULL;
    printf("found %" PRIu64 " of %" PRIu64 "\n", found, lookups);
    return 0; /* the tree goes with the process: taking it down would be a second traversal */
}
