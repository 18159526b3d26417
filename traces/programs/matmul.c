/*
 * Multiplies two square matrices of doubles, plainly or in blocks.
 *
 * Access pattern: rows lie one page apart, as in a window of a wider matrix, so that a walk down a
 * column of B takes a new page at each step. The plain i-j-k loop makes that walk for every
 * element of C; the blocked loop stays within three small squares.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { row_stride = 4096 / sizeof(double), block = 16 };

typedef double row[row_stride];

static row *new_matrix(int size)
{
    row *matrix = aligned_alloc(sizeof(row), (size_t)size * sizeof(row));
    if (matrix == NULL) {
        fputs("matmul: out of memory\n", stderr);
        exit(1);
    }
    return matrix;
}

static void multiply_plain(row *c, row *a, row *b, int size)
{
    for (int i = 0; i < size; i++) {
        for (int j = 0; j < size; j++) {
            double sum = 0;
            for (int k = 0; k < size; k++)
                sum += a[i][k] * b[k][j];
            c[i][j] = sum;
        }
    }
}

static void add_block(row *c, row *a, row *b, int i0, int j0, int k0)
{
    for (int i = i0; i < i0 + block; i++) {
        for (int j = j0; j < j0 + block; j++) {
            double sum = c[i][j];
            for (int k = k0; k < k0 + block; k++)
                sum += a[i][k] * b[k][j];
            c[i][j] = sum;
        }
    }
}

static void multiply_blocked(row *c, row *a, row *b, int size)
{
    for (int i = 0; i < size; i += block)
        for (int j = 0; j < size; j += block)
            for (int k = 0; k < size; k += block)
                add_block(c, a, b, i, j, k);
}

int main(int argc, char **argv)
{
    int size = argc == 3 ? atoi(argv[2]) : 0;
    if (size <= 0 || size > (int)row_stride || size % block != 0) {
        fputs("usage: matmul plain|blocked SIZE (a multiple of 16, at most 512)\n", stderr);
        return 2;
    }
    row *a = new_matrix(size), *b = new_matrix(size), *c = new_matrix(size);
    for (int i = 0; i < size; i++) {
        for (int j = 0; j < size; j++) {
            a[i][j] = i + j;
            b[i][j] = i - 2 * j;
            c[i][j] = 0;
        }
    }
    if (strcmp(argv[1], "blocked") == 0)
        multiply_blocked(c, a, b, size);
    else
        multiply_plain(c, a, b, size);

    double trace = 0;
    for (int i = 0; i < size; i++)
        trace += c[i][i];
    printf("trace %.0f\n", trace);
    free(a);
    free(b);
    free(c);
    return 0;
}
