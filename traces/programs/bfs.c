/*
 * Breadth-first search from vertex 0 of a graph in a mapped CSR file, up to a number of vertices.
 *
 * Access pattern: the queue is read and written in order; each vertex taken from it touches its
 * offsets, its edges and, for each edge, the depth of a neighbour: near ones share a page, far ones
 * lie anywhere in arrays that together are far larger than any TLB reaches.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "graph.h"

static const struct graph_header *map_graph(const char *path)
{
    struct stat status;
    int file = open(path, O_RDONLY);
    if (file < 0 || fstat(file, &status) != 0) {
        perror(path);
        exit(1);
    }
    void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    if (bytes == MAP_FAILED) {
        perror(path);
        exit(1);
    }
    close(file);
    return bytes;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: bfs GRAPH VERTICES\n", stderr);
        return 2;
    }
    const struct graph_header *graph = map_graph(argv[1]);
    const uint64_t *offsets = (const uint64_t *)(graph + 1);
    const uint32_t *targets = (const uint32_t *)(offsets + graph->vertices + 1);
    uint64_t limit = strtoull(argv[2], NULL, 10);

    uint32_t *queue = calloc(graph->vertices, sizeof *queue);
    uint32_t *depth = calloc(graph->vertices, sizeof *depth); /* 0: not seen; the start has depth 1 */
    if (queue == NULL || depth == NULL) {
        fputs("bfs: out of memory\n", stderr);
        return 1;
    }

    uint64_t head = 0, tail = 0, deepest = 0;
    queue[tail++] = 0;
    depth[0] = 1;
    while (head < tail && head < limit) {
        uint32_t from = queue[head++];
        uint32_t next_depth = depth[from] + 1;
        deepest = depth[from];
        for (uint64_t e = offsets[from]; e < offsets[from + 1]; e++) {
            uint32_t to = targets[e];
            if (depth[to] == 0) {
                depth[to] = next_depth;
                queue[tail++] = to;
            }
        }
    }
    printf("expanded %" PRIu64 " vertices, saw %" PRIu64 ", depth %" PRIu64 "\n", head, tail, deepest);
    free(queue);
    free(depth);
    return 0;
}
