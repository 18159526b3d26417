/* A kernel's tracepoints of memory, from text. See kernel_text.h. */
#include "trace/kernel_text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/intern.h"
#include "trace/source.h"

enum { MOST_LINE = 4096, WINDOW = 1 << 16 };
#define MOST_EVENTS (1u << 27) /* 4 GiB of memory */

struct reader {
  struct pw_kernel_events *events;
  struct pw_intern texts;
  const char *path;
  uint64_t line, first_ns, last_ns;
  struct pw_error *err;
};

static const char *const kinds[] = {[PW_KERNEL_KMALLOC] = "kmalloc", [PW_KERNEL_KFREE] = "kfree", [PW_KERNEL_CACHE_ALLOC] = "kmem_cache_alloc",
                                    [PW_KERNEL_CACHE_FREE] = "kmem_cache_free", [PW_KERNEL_PAGE_ALLOC] = "mm_page_alloc",
                                    [PW_KERNEL_PAGE_FREE] = "mm_page_free"};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

static int bad(const struct reader *r, const char *what)
{
  return pw_error_set(r->err, PW_EFORMAT, "%s, line %" PRIu64 ": %s", r->path, r->line, what);
}

static int out_of_memory(const struct reader *r)
{
  return pw_error_set(r->err, PW_ENOMEM, "memory ran out for the kernel's events of %s", r->path);
}

/* ---- a line: … SECONDS.FRACTION: [kmem:]NAME: key=value … ---- */

/* "17970.010238:" as nanoseconds, and what stands behind it; NULL where it is none. */
static const char *time_at(const char *word, uint64_t *ns)
{
  char *end;
  if (!isdigit((unsigned char)*word)) return NULL;
  uint64_t seconds = strtoull(word, &end, 10), scale = 1000000000;
  if (*end != '.' || seconds > UINT64_C(10000000000)) return NULL;
  *ns = seconds * scale;
  for (end++; isdigit((unsigned char)*end); end++) {
    scale /= 10;
    *ns += (uint64_t)(*end - '0') * scale;
  }
  return *end == ':' ? end + 1 : NULL;
}

static int kind_of(const char *name, const char **rest)
{
  if (strncmp(name, "kmem:", 5) == 0) name += 5;
  size_t n = strcspn(name, ": ");
  if (name[n] != ':') return -1;
  *rest = name + n + 1;
  for (int k = 0; k < N_KINDS; k++)
    if (strlen(kinds[k]) == n && memcmp(kinds[k], name, n) == 0) return k;
  return -1;
}

/* What stands behind the first time that a tracepoint of ours follows; what stands before may be a command of any name. -1:
 * there is none. */
static int find_event(const char *line, uint64_t *ns, const char **rest)
{
  for (const char *at = line; (at = strchr(at, ' ')) != NULL;) {
    while (*at == ' ') at++;
    const char *behind = time_at(at, ns);
    int kind = behind && *behind == ' ' ? kind_of(behind + strspn(behind, " "), rest) : -1;
    if (kind >= 0) return kind;
  }
  return -1;
}

/* The value of a key, up to the next blank. */
static const char *value_of(const char *text, const char *key, size_t *n)
{
  size_t length = strlen(key);
  for (const char *at = text; (at = strstr(at, key)) != NULL; at += length)
    if ((at == text || at[-1] == ' ') && at[length] == '=') {
      *n = strcspn(at + length + 1, " ");
      return *n ? at + length + 1 : NULL;
    }
  return NULL;
}

/* A null pointer, as kfree may get one and a request that failed gives. */
static bool is_null(const char *text, const char *key)
{
  size_t n;
  const char *at = value_of(text, key, &n);
  return at && at[0] == '(' && (strncmp(at, "(nil)", n) == 0 || strncmp(at, "(null)", n) == 0);
}

static bool number_of(const char *text, const char *key, int base, uint64_t most, uint64_t *value)
{
  size_t n;
  char *end;
  const char *at = value_of(text, key, &n);
  if (!at || !isxdigit((unsigned char)*at)) return false;
  *value = strtoull(at, &end, base);
  return end == at + n && *value <= most;
}

static uint8_t flags_of(const char *text)
{
  static const struct { const char *name; uint8_t flag; } flags[] = {
      {"__GFP_NOWARN", PW_GFP_NOWARN}, {"__GFP_NORETRY", PW_GFP_NORETRY}, {"__GFP_COMP", PW_GFP_COMP},
      {"__GFP_ZERO", PW_GFP_ZERO}, {"__GFP_ACCOUNT", PW_GFP_ACCOUNT}, {"GFP_KERNEL_ACCOUNT", PW_GFP_ACCOUNT}};
  size_t n;
  uint8_t found = 0;
  const char *at = value_of(text, "gfp_flags", &n), *end = at ? at + n : NULL;
  while (at && at < end) {
    size_t length = strcspn(at, "| ");
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
      if (strlen(flags[i].name) == length && memcmp(at, flags[i].name, length) == 0) found |= flags[i].flag;
    at += length + 1;
  }
  return found;
}

/* ---- events ---- */

static int cache_of(struct reader *r, const char *name, size_t n, uint32_t *cache)
{
  struct pw_kernel_events *e = r->events;
  size_t before = r->texts.n;
  uint32_t text = pw_intern(&r->texts, name, n);
  if (text == PW_NO_TEXT) return out_of_memory(r);
  *cache = text;
  if (r->texts.n == before) return 0;
  if (pw_grow((void **)&e->names, &e->names_room, e->n_names + 1, sizeof *e->names)) return out_of_memory(r);
  e->names[e->n_names] = pw_strdup(r->texts.texts[text]);
  return e->names[e->n_names] && ++e->n_names ? 0 : out_of_memory(r);
}

/* kmalloc-64, or of an account kmalloc-cg-64. */
static int kmalloc_cache(struct reader *r, const char *text, struct pw_kernel_event *e)
{
  char name[48], size[16];
  size_t n;
  const char *accounted = value_of(text, "accounted", &n);
  bool cg = accounted && n == 4;
  if (e->bytes > 8192) return 0; /* whole frames, of which mm_page_alloc tells */
  if (e->bytes >= 1024 && e->bytes % 1024 == 0) snprintf(size, sizeof size, "%" PRIu32 "k", e->bytes / 1024);
  else snprintf(size, sizeof size, "%" PRIu32, e->bytes);
  int length = snprintf(name, sizeof name, "kmalloc-%s%s", cg ? "cg-" : "", size);
  return cache_of(r, name, (size_t)length, &e->cache);
}

static int fill_event(struct reader *r, const char *text, struct pw_kernel_event *e)
{
  uint64_t address = 0, bytes = 0, order = 0, migrate = 0;
  bool pages = e->kind >= PW_KERNEL_PAGE_ALLOC, gives = e->kind == PW_KERNEL_KMALLOC || e->kind == PW_KERNEL_CACHE_ALLOC;
  size_t n;
  if (pages ? !number_of(text, "pfn", 0, UINT64_C(1) << 52, &address) : !number_of(text, "ptr", 16, UINT64_MAX - 1, &address)) /* all ones are no key of a map */
    return bad(r, pages ? "the event has no pfn=" : "the event has no ptr=");
  if (pages && !number_of(text, "order", 10, 10, &order)) return bad(r, "the event has no order= from 0 to 10");
  if (e->kind == PW_KERNEL_PAGE_ALLOC && !number_of(text, "migratetype", 10, 63, &migrate)) return bad(r, "the event has no migratetype=");
  if (gives && (!number_of(text, "bytes_alloc", 10, UINT32_MAX, &bytes) || !bytes)) return bad(r, "the event has no bytes_alloc=");
  e->address = address;
  e->bytes = (uint32_t)bytes;
  e->order = (uint8_t)order;
  e->migrate = (uint8_t)migrate;
  e->gfp = flags_of(text);
  if (e->kind == PW_KERNEL_KMALLOC) return kmalloc_cache(r, text, e);
  if (e->kind != PW_KERNEL_CACHE_ALLOC) return 0;
  const char *name = value_of(text, "name", &n);
  if (!name) return bad(r, "the event has no name= of its cache, which kernels before 5.13 do not tell");
  return cache_of(r, name, n, &e->cache);
}

static int take_line(struct reader *r, const char *line)
{
  struct pw_kernel_events *events = r->events;
  struct pw_kernel_event e = {.cache = PW_NO_CACHE};
  const char *rest;
  int kind = line[0] == '#' ? -1 : find_event(line, &e.at_ns, &rest);
  if (kind < 0) return 0;
  e.kind = (uint8_t)kind;
  if (events->n && e.at_ns < r->last_ns) return bad(r, "the event comes before the one above it; sort the events by their times");
  if (events->n == MOST_EVENTS) return bad(r, "more than 134,217,728 events");
  if (!events->n) r->first_ns = e.at_ns;
  r->last_ns = e.at_ns;
  e.at_ns -= r->first_ns;
  if (is_null(rest, kind >= PW_KERNEL_PAGE_ALLOC ? "page" : "ptr")) return 0; /* nothing came, or went */
  int status = fill_event(r, rest, &e);
  if (status) return status;
  if (pw_grow((void **)&events->list, &events->room, events->n + 1, sizeof *events->list)) return out_of_memory(r);
  events->list[events->n++] = e;
  return 0;
}

static int read_lines(struct reader *r, struct pw_source *source)
{
  const unsigned char *bytes;
  char line[MOST_LINE];
  size_t n;
  bool last = false;
  int status = 0;
  while (!status) {
    status = pw_source_fill(source, WINDOW, &bytes, &n, &last, r->err);
    if (status || !n) return status;
    size_t used = 0;
    for (; used < n && !status;) {
      const unsigned char *end = memchr(bytes + used, '\n', n - used);
      if (!end && !last) break;
      size_t length = end ? (size_t)(end - (bytes + used)) : n - used, kept = length < MOST_LINE ? length : MOST_LINE - 1;
      memcpy(line, bytes + used, kept);
      line[kept] = '\0';
      r->line++;
      if (strlen(line) != kept) return bad(r, "there is a zero in the line: this is no text of tracepoints");
      if (kept != length) return bad(r, "the line is longer than any of a tracepoint");
      status = take_line(r, line);
      used += length + (end != NULL);
    }
    if (!used && !status) return bad(r, "the line is longer than any of a tracepoint");
    pw_source_consume(source, used);
  }
  return status;
}

int pw_kernel_events_from(struct pw_kernel_events *events, struct pw_source *source, const char *name, struct pw_error *err)
{
  struct reader r = {.events = events, .path = name, .err = err};
  *events = (struct pw_kernel_events){0};
  int status = read_lines(&r, source);
  pw_intern_clear(&r.texts);
  if (!status && !events->n)
    status = pw_error_set(err, PW_EFORMAT, "%s has no event of kmalloc, kfree, kmem_cache_alloc, kmem_cache_free, mm_page_alloc or mm_page_free", name);
  return status;
}

int pw_kernel_events_read(struct pw_kernel_events *events, const char *path, struct pw_error *err)
{
  struct pw_source *source;
  *events = (struct pw_kernel_events){0};
  int status = pw_source_open(&source, path, err);
  if (status) return status;
  status = pw_kernel_events_from(events, source, path, err);
  pw_source_close(source);
  return status;
}

void pw_kernel_events_clear(struct pw_kernel_events *e)
{
  for (size_t i = 0; i < e->n_names; i++) pw_free(e->names[i]);
  pw_free(e->names);
  pw_free(e->list);
  *e = (struct pw_kernel_events){0};
}
