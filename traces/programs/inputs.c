/*
 * Writes the inputs of the recorded programs to stdout, the same bytes every time.
 *
 *     inputs text BYTES        lines of words, a few of them far more frequent than the rest
 *     inputs noise BYTES       bytes that do not compress
 *     inputs graph VERTICES    a small-world graph as graph.h lays it out
 *
 * It runs outside the recording: what it costs is in no trace.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph.h"
#include "xorshift.h"

enum {
    vocabulary = 4096,
    words_per_line = 9,
    edges_per_vertex = 16,
    near_edges = 14, /* of these, so many lead to the vertices just around */
};

/* Word number N is spelled by its digits in base 20, a syllable each; returns the letters written. */
static uint64_t put_word(uint64_t number)
{
    static const char syllable[20][3] = {"ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu",
                                         "na", "pe", "ri", "so", "tu", "va", "we", "xi", "yo", "zu"};
    uint64_t letters = 0;
    do {
        fputs(syllable[number % 20], stdout);
        number /= 20;
        letters += 2;
    } while (number != 0);
    return letters;
}

/* The product of two uniform draws: small word numbers come up most. */
static uint64_t next_word(uint64_t *state)
{
    uint64_t a = next_random(state) % vocabulary;
    uint64_t b = next_random(state) % vocabulary;
    return a * b / vocabulary;
}

static void write_text(uint64_t bytes)
{
    uint64_t state = 1;
    for (uint64_t written = 0; written < bytes;) {
        for (int i = 0; i < words_per_line; i++) {
            written += put_word(next_word(&state)) + 1;
            putchar(i + 1 < words_per_line ? ' ' : '\n');
        }
    }
}

static void write_noise(uint64_t bytes)
{
    uint64_t state = 2;
    for (uint64_t i = 0; i < bytes; i++)
        putchar((int)(next_random(&state) >> 56));
}

/* A ring in which each vertex knows its nearest neighbours, and a few vertices anywhere. */
static void write_graph(uint64_t vertices)
{
    struct graph_header header = {vertices, vertices * edges_per_vertex};
    fwrite(&header, sizeof header, 1, stdout);
    for (uint64_t v = 0; v <= vertices; v++) {
        uint64_t offset = v * edges_per_vertex;
        fwrite(&offset, sizeof offset, 1, stdout);
    }
    uint64_t state = 3;
    for (uint64_t v = 0; v < vertices; v++) {
        for (uint64_t e = 0; e < edges_per_vertex; e++) {
            uint64_t near = v + vertices - near_edges / 2 + e + (e >= near_edges / 2);
            uint64_t to = e < near_edges ? near : next_random(&state);
            uint32_t target = (uint32_t)(to % vertices);
            fwrite(&target, sizeof target, 1, stdout);
        }
    }
}

int main(int argc, char **argv)
{
    uint64_t amount = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
    if (amount == 0) {
        fputs("usage: inputs text|noise BYTES, or inputs graph VERTICES\n", stderr);
        return 2;
    }
    if (strcmp(argv[1], "text") == 0) {
        write_text(amount);
    } else if (strcmp(argv[1], "noise") == 0) {
        write_noise(amount);
    } else if (strcmp(argv[1], "graph") == 0 && amount <= UINT32_MAX) {
        write_graph(amount);
    } else {
        fprintf(stderr, "inputs: no input '%s' of size %" PRIu64 "\n", argv[1], amount);
        return 2;
    }
    if (fclose(stdout) != 0) {
        perror("inputs: writing failed");
        return 1;
    }
    return 0;
}
