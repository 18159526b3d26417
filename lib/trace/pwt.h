/* The .pwt container: what writer and reader share. docs/trace-format.md specifies it.
 *
 * A file is a sequence of zstd frames. Skippable frames (magic PWT_MAGIC) hold the
 * file header, a header for each block, the index and the end; ordinary frames hold
 * the compressed columns. Every skippable frame ends with the XXH64 of all its bytes
 * before that, and a block header carries the XXH64 of the stored bytes of its
 * columns, so that every byte of the file is under a checksum. */
#ifndef PW_PWT_H
#define PW_PWT_H

#include <endian.h>
#include <string.h>

#include "pagewalk.h"

#define PWT_MAGIC 0x184D2A5Eu
#define PWT_FRAME_BYTES 8u /* magic and size of a skippable frame */
#define PWT_SUM_BYTES 8u
#define PWT_SIGNATURE "pagewalk"
#define PWT_VERSION 1u

/* Feature flags that a reader must know to read the file right. */
#define PWT_KINDS UINT64_C(1) /* visits name their kind: flags and counts are told once a block */
#define PWT_ADVICE UINT64_C(2) /* events from PW_EVENT_ADVISE on; only in files that have one */
#define PWT_FAMILY UINT64_C(4) /* PW_EVENT_CHILD; only in files that have one */
#define PWT_REQUIRED_KNOWN (PWT_KINDS | PWT_ADVICE | PWT_FAMILY)

enum { PWT_TYPE_BLOCK = 0x424b4c42, PWT_TYPE_INDEX = 0x58444e49, PWT_TYPE_END = 0x21444e45 };

/* Payload sizes without the checksum. */
#define PWT_HEADER_FIXED 32u
#define PWT_BLOCK_PAYLOAD 112u
#define PWT_INDEX_FIXED 8u
#define PWT_INDEX_ENTRY 24u
#define PWT_END_PAYLOAD 80u

#define PWT_MAX_HEADER (1u << 20)
#define PWT_MAX_PLAIN (24u << 20)   /* of one column group, before compression */
#define PWT_MAX_EVENTS 65536u
#define PWT_MAX_EVENT_TEXT 4096u
#define PWT_MOST_TEXT_BYTES (UINT64_C(256) << 20) /* of all events of a trace */
#define PWT_MAX_BLOCKS (1u << 27)
#define PWT_MOST_KIND_BYTES 13u     /* flags, four LEB128 numbers of 16 bits */

enum { PWT_CORE, PWT_COUNTS, PWT_SIDE, PWT_GROUPS };

struct pwt_block_header {
  uint32_t n_visits, n_pages, n_events;
  uint32_t process;      /* index of the process that runs at the start */
  uint64_t thread;       /* its thread */
  struct pw_totals totals;
  uint64_t first_access; /* accesses before this block */
  struct {
    uint32_t stored_bytes, plain_bytes;
    uint64_t sum;
  } group[PWT_GROUPS];
};

static inline uint16_t pwt_get16(const unsigned char *p)
{
  uint16_t v;
  memcpy(&v, p, sizeof v);
  return le16toh(v);
}

static inline uint32_t pwt_get32(const unsigned char *p)
{
  uint32_t v;
  memcpy(&v, p, sizeof v);
  return le32toh(v);
}

static inline uint64_t pwt_get64(const unsigned char *p)
{
  uint64_t v;
  memcpy(&v, p, sizeof v);
  return le64toh(v);
}

static inline unsigned char *pwt_put16(unsigned char *p, uint16_t v)
{
  v = htole16(v);
  memcpy(p, &v, sizeof v);
  return p + sizeof v;
}

static inline unsigned char *pwt_put32(unsigned char *p, uint32_t v)
{
  v = htole32(v);
  memcpy(p, &v, sizeof v);
  return p + sizeof v;
}

static inline unsigned char *pwt_put64(unsigned char *p, uint64_t v)
{
  v = htole64(v);
  memcpy(p, &v, sizeof v);
  return p + sizeof v;
}

/* Unsigned LEB128: seven bits a byte, low first, the top bit says that more follow. */
static inline unsigned char *pwt_put_leb(unsigned char *p, uint64_t v)
{
  for (; v >= 0x80; v >>= 7) *p++ = (unsigned char)(v | 0x80);
  *p++ = (unsigned char)v;
  return p;
}

/* A reader that is sticky on failure: `ok` false once anything ran over the end. */
struct pwt_cursor {
  const unsigned char *p, *end;
  bool ok;
};

static inline uint64_t pwt_get_leb(struct pwt_cursor *c)
{
  uint64_t v = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (c->p == c->end) break;
    unsigned char byte = *c->p++;
    if (shift == 63 && byte > 1) break;
    v |= (uint64_t)(byte & 0x7f) << shift;
    if (byte < 0x80) return v;
  }
  c->ok = false;
  return 0;
}

#endif
