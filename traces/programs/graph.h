/*
 * The graph file that inputs.c writes and bfs.c maps: a header, then the two arrays of a CSR graph.
 *
 * Invariant: the edges of vertex v are targets[offsets[v]] up to, without, targets[offsets[v + 1]].
 * Numbers are in the machine's byte order; the file lives no longer than one recording.
 */
#ifndef GRAPH_H
#define GRAPH_H

#include <stdint.h>

struct graph_header {
    uint64_t vertices;
    uint64_t edges;
    /* then uint64_t offsets[vertices + 1], then uint32_t targets[edges] */
};

#endif
