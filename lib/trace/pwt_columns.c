/* Decodes the columns of a .pwt block, each with the checks of docs/trace-format.md.
 *
 * Nothing is written outside the arrays that are handed in, whatever the bytes say. */
#include "trace/pwt_columns.h"

#include <string.h>

#include "base/block.h"

/* Page indices from their planes; false when an index is outside the dictionary, a
 * dictionary entry is unused, or a visit touches an O that no visit opened. */
bool pwt_decode_pages(const struct pwt_block_header *h, const unsigned char *flags, const unsigned char *low, uint16_t *page,
                      unsigned char *used)
{
  uint32_t n = h->n_visits;
  const unsigned char *high = low + n;
  uint16_t last[2] = {0, 0};
  uint32_t opened = 0, bad = 0, most = 0;
  memset(used, 0, PW_BLOCK_VISITS);
  for (uint32_t i = 0; i < n; i++) {
    uint32_t flag = flags[i], stream = flag & PW_VISIT_CODE;
    uint32_t zigzag = low[i] | (uint32_t)high[i] << 8;
    uint16_t index = (uint16_t)(last[stream] + (zigzag >> 1 ^ (0u - (zigzag & 1))));
    last[stream] = index;
    page[i] = index;
    used[index] = 1;
    most = index > most ? index : most;
    opened |= 1u << stream;
    bad |= flag >> 6;
    bad |= (flag & PW_VISIT_TOUCHES ? 1u : 0u) & ~(opened >> (1 - stream)) & 1u;
  }
  uint32_t distinct = 0;
  for (uint32_t i = 0; i < h->n_pages; i++) distinct += used[i];
  return (n == 0 || most < h->n_pages) && distinct == h->n_pages && bad == 0;
}

bool pwt_decode_dictionary(const struct pwt_block_header *h, struct pwt_cursor *c, uint64_t *pages)
{
  uint64_t key = 0;
  for (uint32_t i = 0; i < h->n_pages; i++) {
    uint64_t gap = pwt_get_leb(c);
    uint64_t next = i ? key + gap + 1 : gap;
    if (i && next <= key) return false;
    pages[i] = key = next;
  }
  return c->ok;
}

/* Longer alternations fold only into the patterns COC and COCO, and every touch has an access. */
static bool counts_fit(const struct pwt_block_header *h, const unsigned char *flags, const uint16_t *c)
{
  uint32_t bad = 0;
  for (uint32_t i = 0; i < h->n_visits; i++) {
    uint32_t accesses = (uint32_t)c[i] + c[PW_BLOCK_VISITS + i] + c[2 * (size_t)PW_BLOCK_VISITS + i];
    uint32_t touches = c[3 * (size_t)PW_BLOCK_VISITS + i], pattern = pw_visit_touches(flags[i]);
    bad |= touches > accesses;
    bad |= touches > pattern && pattern < 3;
  }
  return bad == 0;
}

bool pwt_decode_counts(const struct pwt_block_header *h, const unsigned char *plain, const unsigned char *flags, uint16_t *counts)
{
  const unsigned char *p = plain, *end = p + h->group[PWT_COUNTS].plain_bytes;
  const unsigned char *escape = p + (size_t)h->n_visits * 4;
  uint64_t sum[4] = {0};
  for (int c = 0; c < 4; c++) {
    uint16_t *column = counts + (size_t)c * PW_BLOCK_VISITS;
    for (uint32_t i = 0; i < h->n_visits; i++) {
      uint32_t value = *p++;
      if (value == 255) {
        if (end - escape < 2) return false;
        value = pwt_get16(escape);
        escape += 2;
      }
      if (c == 3) value = pw_visit_touches(flags[i]) + 2 * value;
      if (value > UINT16_MAX) return false;
      column[i] = (uint16_t)value;
      sum[c] += value;
    }
  }
  return escape == end && sum[0] == h->totals.fetches && sum[1] == h->totals.loads && sum[2] == h->totals.stores &&
         counts_fit(h, flags, counts);
}

/* Checked like counts in columns. */
static bool decode_kind(struct pwt_cursor *c, uint8_t *flags, uint16_t counts[4])
{
  *flags = c->p < c->end ? *c->p++ : UINT8_MAX;
  uint64_t value[4], pattern = pw_visit_touches(*flags);
  for (int i = 0; i < 4; i++) value[i] = pwt_get_leb(c);
  if (!c->ok || value[3] > UINT16_MAX) return false;
  value[3] = pattern + 2 * value[3];
  for (int i = 0; i < 4; i++) {
    if (value[i] > UINT16_MAX) return false;
    counts[i] = (uint16_t)value[i];
  }
  return *flags < 64 && value[3] <= value[0] + value[1] + value[2] && (value[3] == pattern || pattern >= 3);
}

static bool between(uint64_t total, uint64_t least, uint64_t most, uint64_t n)
{
  return total >= least * n && total <= most * n;
}

bool pwt_totals_fit_columns(const struct pwt_block_header *h)
{
  const struct pw_totals *t = &h->totals;
  uint64_t escapes = (h->group[PWT_COUNTS].plain_bytes - 4 * h->n_visits) / 2, n = h->n_visits;
  uint64_t most = 254 * n + (UINT16_MAX - 254) * (escapes < n ? escapes : n);
  return t->fetches <= most && t->loads <= most && t->stores <= most && pw_totals_sum(t) >= n;
}

bool pwt_totals_fit_kinds(const struct pwt_block_header *h, const struct pwt_kind_table *table)
{
  uint32_t least[4] = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX}, most[4] = {0};
  for (uint32_t i = 0; i < table->n; i++) {
    const uint16_t *counts = table->counts[i];
    const uint32_t value[4] = {counts[0], counts[1], counts[2], (uint32_t)counts[0] + counts[1] + counts[2]};
    for (int k = 0; k < 4; k++) {
      if (value[k] < least[k]) least[k] = value[k];
      if (value[k] > most[k]) most[k] = value[k];
    }
  }
  const uint64_t total[4] = {h->totals.fetches, h->totals.loads, h->totals.stores, pw_totals_sum(&h->totals)};
  bool fit = true;
  for (int k = 0; k < 4; k++) fit &= between(total[k], least[k], most[k], h->n_visits);
  return fit;
}

bool pwt_decode_kinds(const struct pwt_block_header *h, const unsigned char *low, const unsigned char *plain,
                      struct pwt_kind_table *table, uint8_t *flags)
{
  struct pwt_cursor c = {plain, plain + h->group[PWT_COUNTS].plain_bytes, true};
  uint64_t n = pwt_get_leb(&c);
  if (!c.ok || n > h->n_visits) return false;
  for (uint64_t i = 0; i < n; i++)
    if (!decode_kind(&c, &table->flags[i], table->counts[i])) return false;
  table->n = (uint32_t)n;
  const unsigned char *high = n > 256 ? c.p : NULL;
  if ((size_t)(c.end - c.p) != (high ? h->n_visits : 0)) return false;
  uint32_t most = 0;
  for (uint32_t i = 0; i < h->n_visits; i++) {
    uint32_t number = low[i] | (high ? (uint32_t)high[i] << 8 : 0);
    most = number > most ? number : most;
    table->number[i] = (uint16_t)number;
  }
  if (h->n_visits ? most >= n : n != 0) return false;
  for (uint32_t i = 0; i < h->n_visits; i++) flags[i] = table->flags[table->number[i]];
  return true;
}

bool pwt_spread_counts(const struct pwt_block_header *h, const struct pwt_kind_table *table, uint16_t *counts)
{
  uint64_t sum[4] = {0};
  for (int k = 0; k < 4; k++) {
    uint16_t *column = counts + (size_t)k * PW_BLOCK_VISITS;
    for (uint32_t i = 0; i < h->n_visits; i++) {
      column[i] = table->counts[table->number[i]][k];
      sum[k] += column[i];
    }
  }
  return sum[0] == h->totals.fetches && sum[1] == h->totals.loads && sum[2] == h->totals.stores;
}

bool pwt_decode_sides(const struct pwt_block_header *h, const unsigned char *plain, const struct pw_block *block,
                      uint16_t *offset,
                      uint64_t *pc)
{
  const unsigned char *low = plain, *high = low + h->n_visits;
  struct pwt_cursor c = {high + h->n_visits, plain + h->group[PWT_SIDE].plain_bytes, true};
  uint64_t last = 0;
  uint32_t bad = 0;
  for (uint32_t i = 0; i < h->n_visits; i++) {
    offset[i] = (uint16_t)(low[i] | high[i] << 8);
    bad |= offset[i] >> PW_BASE_SHIFT;
    if (block->flags[i] & PW_VISIT_CODE) {
      last = (block->pages[block->page[i]] & PW_PAGE_MASK) << PW_BASE_SHIFT | offset[i];
    } else {
      uint64_t zigzag = pwt_get_leb(&c);
      last += zigzag >> 1 ^ (0 - (zigzag & 1));
    }
    pc[i] = last;
  }
  return bad == 0 && c.ok && c.p == c.end;
}
