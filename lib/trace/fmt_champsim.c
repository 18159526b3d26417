/* ChampSim instruction records: 64 bytes, and 96 bytes for CloudSuite traces.
 *
 *     bytes            champsim      cloudsuite
 *     instruction      0  u64        0  u64
 *     is a branch      8  u8         8  u8
 *     branch taken     9  u8         9  u8
 *     registers        10 … 15       10 … 17, then 6 bytes of padding
 *     written memory   16 2 × u64    24 4 × u64
 *     read memory      32 4 × u64    56 4 × u64
 *     address space    -             88 2 × u8, then 6 bytes of padding
 *
 * All numbers are little-endian, 0 is an unused memory slot, sizes are unknown. A
 * record is one fetch, then its loads, then its stores, each in slot order. A
 * CloudSuite record belongs to the process of its first address-space byte (that
 * of the instruction). Records carry no checksum: a branch byte above 1 or an
 * instruction at address 0 is what shows damage, and is refused.
 * CloudSuite records look like anything, so they are read by --format only. */
#include <string.h>

#include "trace/format.h"

struct champsim_layout {
  const char *name;
  size_t record_bytes;
  size_t writes_at, n_writes;
  size_t reads_at, n_reads;
  size_t space_at; /* 0 = none */
};

static const struct champsim_layout champsim = {"champsim", 64, 16, 2, 32, 4, 0};
static const struct champsim_layout cloudsuite = {"cloudsuite", 96, 24, 4, 56, 4, 88};

static inline uint64_t load_u64(const unsigned char *at)
{
  uint64_t value;
  memcpy(&value, at, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  value = __builtin_bswap64(value);
#endif
  return value;
}

static inline bool record_is_sound(const unsigned char *at)
{
  return (at[8] | at[9]) <= 1 && load_u64(at) != 0;
}

static int record_error(const struct pw_parser *parser, const struct champsim_layout *layout, size_t at, struct pw_error *err)
{
  uint64_t offset = parser->offset_bytes + at;
  return pw_error_set(err, PW_EFORMAT,
                      "%s: record %llu at byte %llu is no %s record of %zu bytes: it has no instruction address or "
                      "an impossible branch flag; get the file again, or name its format with --format",
                      parser->path, (unsigned long long)(offset / layout->record_bytes), (unsigned long long)offset,
                      layout->name, layout->record_bytes);
}

static inline __attribute__((always_inline)) int64_t parse_records(struct pw_parser *parser,
    const unsigned char *bytes, size_t n, bool last, struct pw_batch *batch, struct pw_error *err,
    const struct champsim_layout *layout)
{
  size_t at = 0;
  for (; n - at >= layout->record_bytes && batch->room - batch->n >= PW_RECORD_ACCESSES; at += layout->record_bytes) {
    const unsigned char *record = bytes + at;
    if (!record_is_sound(record)) return record_error(parser, layout, at, err);
    struct pw_access *out = batch->accesses + batch->n;
    uint32_t pid = layout->space_at ? record[layout->space_at] : 0;
    *out++ = (struct pw_access){.address = load_u64(record), .op = PW_FETCH, .pid = pid};
    for (size_t i = 0; i < layout->n_reads; i++) {
      uint64_t address = load_u64(record + layout->reads_at + 8 * i);
      *out = (struct pw_access){.address = address, .op = PW_LOAD, .pid = pid};
      out += address != 0;
    }
    for (size_t i = 0; i < layout->n_writes; i++) {
      uint64_t address = load_u64(record + layout->writes_at + 8 * i);
      *out = (struct pw_access){.address = address, .op = PW_STORE, .pid = pid};
      out += address != 0;
    }
    batch->n = (size_t)(out - batch->accesses);
  }
  if (last && at < n && n - at < layout->record_bytes)
    return pw_error_set(err, PW_EFORMAT, "%s: the trace is truncated: it ends at byte %llu, %zu bytes into a %s "
                        "record of %zu; get the file again", parser->path,
                        (unsigned long long)(parser->offset_bytes + n), n - at, layout->name, layout->record_bytes);
  return (int64_t)at;
}

static int64_t champsim_parse(struct pw_parser *parser, const unsigned char *bytes, size_t n, bool last,
                              struct pw_batch *batch, struct pw_error *err)
{
  return parse_records(parser, bytes, n, last, batch, err, &champsim);
}

static int64_t cloudsuite_parse(struct pw_parser *parser, const unsigned char *bytes, size_t n, bool last,
                                struct pw_batch *batch, struct pw_error *err)
{
  return parse_records(parser, bytes, n, last, batch, err, &cloudsuite);
}

/* A user or kernel address as a 64-bit processor with up to 57 bits has them. */
static bool is_canonical(uint64_t address)
{
  uint64_t top = address >> 56;
  return top == 0 || top == 0xff;
}

/* No text passes: it has no bytes 0 and 1. A file cut inside its last record
 * still bids, for the sake of the clearer error. */
static int champsim_bid(const unsigned char *bytes, size_t n, bool whole)
{
  size_t records = n / 64 < 64 ? n / 64 : 64;
  for (size_t i = 0; i < records; i++) {
    const unsigned char *record = bytes + 64 * i;
    if (!record_is_sound(record) || !is_canonical(load_u64(record))) return 0;
    for (size_t at = 16; at < 64; at += 8)
      if (!is_canonical(load_u64(record + at))) return 0;
  }
  if (records == 0) return 0;
  return whole && n % 64 != 0 && records < 4 ? 0 : records < 4 ? 30 : 50;
}

static int cloudsuite_bid(const unsigned char *bytes, size_t n, bool whole)
{
  (void)bytes, (void)n, (void)whole;
  return 0;
}

const struct pw_format pw_format_champsim = {
    .name = "champsim",
    .summary = "ChampSim instruction records of 64 bytes",
    .bid = champsim_bid,
    .parse = champsim_parse,
};

const struct pw_format pw_format_cloudsuite = {
    .name = "cloudsuite",
    .summary = "ChampSim records of 96 bytes for CloudSuite (only by --format)",
    .bid = cloudsuite_bid,
    .parse = cloudsuite_parse,
};
