/* Rows of a CSV trace that are events. See fmt_csv.h. */
#include "trace/fmt_csv.h"

#include <xxhash.h>

#include "base/block.h"
#include "trace/pwt.h"

enum argument { NONE, RIGHTS, NUMBER, STATUS, ADVICE };

struct pw_csv_event {
  const char *op;
  uint32_t kind;
  bool range;
  enum argument arg;
};

static const struct pw_csv_event kinds[] = {
    {"map", PW_EVENT_MAP, true, RIGHTS},      {"unmap", PW_EVENT_UNMAP, true, NONE},
    {"protect", PW_EVENT_PROTECT, true, RIGHTS}, {"discard", PW_EVENT_DISCARD, true, NONE},
    {"move", PW_EVENT_MOVE, true, NUMBER},    {"fork", PW_EVENT_FORK, false, NUMBER},
    {"exec", PW_EVENT_EXEC, false, NONE},     {"exit", PW_EVENT_EXIT, false, STATUS},
    {"advise", PW_EVENT_ADVISE, true, ADVICE},
    {"kernel-read", PW_EVENT_KERNEL_READ, true, NONE}, {"kernel-write", PW_EVENT_KERNEL_WRITE, true, NONE}};

const struct pw_csv_event *pw_csv_event_find(const struct pw_csv_field *op)
{
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (pw_csv_is(op, kinds[i].op)) return &kinds[i];
  return NULL;
}

static int refuse(const char **why, const char *reason)
{
  *why = reason;
  return PW_LINE_BAD;
}

/* r w x p, the first three or a dash, then p or s; h or H may follow. */
static int take_rights(const struct pw_csv_field *f, uint64_t *rights, const char **why)
{
  static const char letters[] = "rwx";
  *rights = PW_MAP_READ | PW_MAP_WRITE;
  if (f->at == f->end) return 0;
  *why = "its arg is no rights such as rw-p, r-xp or rw-s";
  size_t n = (size_t)(f->end - f->at);
  if (n < 4 || n > 5 || (f->at[3] != 'p' && f->at[3] != 's') || (n == 5 && f->at[4] != 'h' && f->at[4] != 'H')) return PW_LINE_BAD;
  *rights = (f->at[3] == 's' ? PW_MAP_SHARED : 0) | (n == 5 ? PW_MAP_HUGETLB : 0) | (n == 5 && f->at[4] == 'H' ? PW_MAP_HUGE_1G : 0);
  for (int i = 0; i < 3; i++) {
    if (f->at[i] != letters[i] && f->at[i] != '-') return PW_LINE_BAD;
    if (f->at[i] == letters[i]) *rights |= (uint64_t)PW_MAP_READ << i;
  }
  return 0;
}

static int take_advice(const struct pw_csv_field *f, uint64_t *advice, const char **why)
{
  static const struct {
    const char *name;
    enum pw_advice advice;
  } names[] = {{"hugepage", PW_ADVICE_HUGEPAGE}, {"nohugepage", PW_ADVICE_NOHUGEPAGE}, {"thp-off", PW_ADVICE_THP_OFF},
               {"thp-on", PW_ADVICE_THP_ON}, {"populate-read", PW_ADVICE_POPULATE_READ},
               {"populate-write", PW_ADVICE_POPULATE_WRITE}, {"lock", PW_ADVICE_LOCK}, {"sync", PW_ADVICE_SYNC}};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (pw_csv_is(f, names[i].name)) {
      *advice = names[i].advice;
      return 0;
    }
  return refuse(why, "its arg is none of hugepage, nohugepage, thp-off, thp-on, populate-read, populate-write, lock and sync");
}

static int take_arg(const struct pw_csv_event *kind, const struct pw_csv_row *row, uint64_t *arg, const char **why)
{
  bool absent = row->arg.at == row->arg.end;
  switch (kind->arg) {
    case RIGHTS: return take_rights(&row->arg, arg, why);
    case ADVICE: return take_advice(&row->arg, arg, why);
    case STATUS:
    case NUMBER:
      if (!row->has_number && !(absent && kind->arg == STATUS))
        return refuse(why, kind->kind == PW_EVENT_FORK ? "its arg is not the pid of the child"
                           : kind->arg == NUMBER     ? "its arg is not the address that the pages move to"
                                                     : "its arg is no exit status");
      *arg = row->number;
      return 0;
    default: return absent ? 0 : refuse(why, "it has an arg, which such an event has not");
  }
}

static int check_range(const struct pw_csv_event *kind, const struct pw_csv_row *row, uint64_t arg, const char **why)
{
  if (!row->has_address || row->bytes == 0) return refuse(why, "such an event needs an address and a size");
  if (!pw_range_fits(row->address, row->bytes)) return refuse(why, "its range runs past the end of the address space");
  if (kind->kind == PW_EVENT_MOVE && !pw_range_fits(arg, row->bytes))
    return refuse(why, "it moves pages past the end of the address space");
  if (pw_event_is_kernel(kind->kind) && row->bytes > PW_MAX_KERNEL_BYTES)
    return refuse(why, "a kernel access of more than 1 MiB is to be divided");
  return 0;
}

/* The name as it is kept: quotes that were doubled are single. */
static int take_name(const struct pw_csv_row *row, struct pw_batch *batch, struct pw_event *e, const char **why)
{
  char text[PWT_MAX_EVENT_TEXT];
  size_t n = 0;
  for (const unsigned char *at = row->name.at; at < row->name.end; at++) {
    if (n == sizeof text) return refuse(why, "its name has more than 4096 bytes");
    text[n++] = (char)*at;
    if (*at == '"') at++;
  }
  if (!n) return 0;
  uint32_t number = pw_intern(batch->texts, text, n);
  if (number == PW_NO_TEXT) return PW_CSV_FULL;
  e->text = batch->texts->texts[number];
  e->text_bytes = (uint32_t)n;
  return 0;
}

static void put(struct pw_batch *batch, const struct pw_event *e)
{
  batch->events[batch->n_events++].event = *e;
}

int pw_csv_event(const struct pw_csv_event *kind, const struct pw_csv_row *row, struct pw_batch *batch, const char **why)
{
  struct pw_event e = {.kind = kind->kind};
  uint64_t arg = 0;
  bool whole = false; /* advice to the process */
  if (take_arg(kind, row, &arg, why) < 0) return PW_LINE_BAD;
  whole = kind->arg == ADVICE && arg >= PW_ADVICE_THP_OFF;
  if (kind->range && !whole && check_range(kind, row, arg, why) < 0) return PW_LINE_BAD;
  if (kind->kind == PW_EVENT_FORK && arg > UINT32_MAX) return refuse(why, "a tid or pid has more than 32 bits");
  int status = kind->kind == PW_EVENT_MAP || kind->kind == PW_EVENT_EXEC ? take_name(row, batch, &e, why) : 0;
  if (status) return status;
  bool file = kind->kind == PW_EVENT_MAP && e.text_bytes && e.text[0] != '[';
  if (row->offset & 4095 || (row->offset && !file)) return refuse(why, "an offset is of a file, and a multiple of 4096");
  if (kind->range && !whole) {
    e.a = row->address;
    e.b = row->bytes;
    e.c = arg;
  } else if (kind->arg != NONE) {
    *(whole ? &e.c : &e.a) = arg;
  }
  put(batch, &e);
  if (!file) return 0;
  /* files have no inode here: the name stands for it */
  uint64_t inode = XXH64(e.text, e.text_bytes, 0) >> 1 | 1;
  put(batch, &(struct pw_event){.kind = PW_EVENT_BACKING, .a = row->offset, .b = inode});
  return 0;
}
