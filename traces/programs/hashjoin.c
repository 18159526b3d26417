/*
 * An in-memory hash join: builds a table on the customers, scans the orders and probes for those
 * that pass a filter, as in
 *
 *     SELECT SUM(amount * rate) FROM orders JOIN customers USING (customer) WHERE day < 92
 *
 * Access pattern: both relations are written and read in order; the table (128 MiB, a cache line a
 * bucket) is hit at random, though some customers order far more often than others.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "xorshift.h"

enum { slots_per_bucket = 4, bucket_bits = 21, days = 365, last_day = 92 };

struct customer {
    uint64_t key;
    uint64_t rate;
};

struct order {
    uint64_t customer;
    uint32_t day;
    uint32_t amount;
};

/* One cache line; key 0 marks a free slot, and a full bucket flows over into the next. */
struct bucket {
    struct customer slots[slots_per_bucket];
};

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL) {
        fputs("hashjoin: out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

/* Multiplicative hashing: the high bits of key times 2^64 / golden ratio. */
static uint64_t first_bucket(uint64_t key)
{
    return (key * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - bucket_bits);
}

/* The slot that holds the key, or the free slot where it belongs. */
static struct customer *find_slot(struct bucket *table, uint64_t key)
{
    for (uint64_t b = first_bucket(key);; b = (b + 1) % (UINT64_C(1) << bucket_bits)) {
        for (int i = 0; i < slots_per_bucket; i++) {
            struct customer *slot = &table[b].slots[i];
            if (slot->key == key || slot->key == 0)
                return slot;
        }
    }
}

/* Customer keys are 1 to count; the product of two draws makes the small ones order most. */
static void fill_orders(struct order *orders, uint64_t count, uint64_t customers)
{
    uint64_t state = 4;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t draw = next_random(&state);
        uint64_t a = (uint32_t)draw, b = draw >> 32;
        orders[i].customer = 1 + (((a * b) >> 32) * customers >> 32);
        orders[i].day = (uint32_t)(a % days);
        orders[i].amount = (uint32_t)(b % 1000);
    }
}

int main(int argc, char **argv)
{
    uint64_t customer_count = argc == 3 ? strtoull(argv[1], NULL, 10) : 0;
    uint64_t order_count = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
    if (customer_count == 0 || order_count == 0 || customer_count > UINT32_MAX ||
        customer_count > (uint64_t)slots_per_bucket << (bucket_bits - 1)) {
        fputs("usage: hashjoin CUSTOMERS ORDERS (at most 4194304 customers)\n", stderr);
        return 2;
    }
    struct order *orders = allocate(order_count, sizeof *orders);
    fill_orders(orders, order_count, customer_count);

    struct bucket *table = allocate((size_t)1 << bucket_bits, sizeof *table);
    for (uint64_t key = 1; key <= customer_count; key++)
        *find_slot(table, key) = (struct customer){key, key % 7};

    uint64_t sum = 0, matches = 0;
    for (uint64_t i = 0; i < order_count; i++) {
        if (orders[i].day >= last_day)
            continue;
        const struct customer *customer = find_slot(table, orders[i].customer);
        if (customer->key != 0) {
            sum += orders[i].amount * customer->rate;
            matches++;
        }
    }
    printf("%" PRIu64 " matches, sum %" PRIu64 "\n", matches, sum);
    free(orders);
    free(table);
    return 0;
}
