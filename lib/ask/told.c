/* What happens to pages, one by one in words. See asked.h. */
#include <inttypes.h>
#include <string.h>

#include "ask/asked.h"
#include "base/alloc.h"
#include "base/text.h"

/* Whose memory it is, as its row will be called. */
static void name_mm(const struct pw_asked *a, const struct pw_system *s, const struct pw_mm *mm, char *text, size_t n)
{
  for (uint32_t i = 0; i < s->processes.n; i++) {
    if (&s->processes.list[i]->mm != mm) continue;
    char *name = pw_asked_name_of(a, s, s->processes.of[i].program);
    uint32_t process = s->processes.of[i].process;
    if (process) snprintf(text, n, "%s/%" PRIu32, name ? name : "?", process);
    else snprintf(text, n, "%s", name ? name : "?");
    pw_free(name);
    return;
  }
  snprintf(text, n, "a process");
}

/* What a fault did, in words. */
static void tell_fault(struct pw_text *text, const struct pw_told *t)
{
  pw_text_printf(text, "%s fault, %s 0x%" PRIx64 ": ", t->major ? "major" : "minor", t->write ? "a write to" : "a read of", t->page << PW_BASE_SHIFT);
  if (t->huge) pw_text_add(text, "2 MiB are mapped at once");
  else if (t->copies) pw_text_add(text, t->swap ? "it is read from swap, and copied" : "the page is copied");
  else if (t->swap) pw_text_add(text, "it is read from swap");
  else if (t->major) pw_text_add(text, "its file is read");
  else pw_text_add(text, t->write ? "it may be written from here on" : "it is mapped to be read");
  if (t->fallback) pw_text_add(text, "; there is no block of 2 MiB");
  if (t->around) pw_text_printf(text, ", and %" PRIu64 " pages around it", t->around);
}

static void tell_eviction(struct pw_text *text, const struct pw_told *t)
{
  if (t->mapped) pw_text_printf(text, "%s at 0x%" PRIx64, t->huge ? "the 2 MiB" : "the page", t->page << PW_BASE_SHIFT);
  else pw_text_add(text, "a page that nobody maps");
  pw_text_printf(text, " %s; left are %" PRIu64 " inactive and %" PRIu64 " active private pages, %" PRIu64 " and %" PRIu64 " of files",
                 t->swap ? "goes to swap" : "of a file leaves", t->lists[PW_ANON_INACTIVE], t->lists[PW_ANON_ACTIVE], t->lists[PW_FILE_INACTIVE],
                 t->lists[PW_FILE_ACTIVE]);
}

void pw_asked_tell(void *context, const struct pw_told *t)
{
  struct pw_asked *a = context;
  const struct pw_system *s = &a->turns.systems[0];
  struct pw_text text = {0};
  char name[300];
  if (a->told == a->options->tell) return;
  if (a->told++ < a->told_before) return;
  name_mm(a, s, t->mm, name, sizeof name);
  pw_text_printf(&text, "at access %" PRIu64 ": %s: ", s->clock, name);
  if (t->what == PW_TOLD_FAULT) tell_fault(&text, t);
  else if (t->what == PW_TOLD_SPLIT) pw_text_printf(&text, "the 2 MiB at 0x%" PRIx64 " become small pages", t->page << PW_BASE_SHIFT);
  else if (t->what == PW_TOLD_EVICTION) tell_eviction(&text, t);
  else if (t->what == PW_TOLD_KILL) pw_text_printf(&text, "it is killed, with a score of %" PRIu64, t->score);
  else pw_text_printf(&text, "khugepaged makes one of the %" PRIu64 " pages in the 2 MiB at 0x%" PRIx64, t->copies, t->page << PW_BASE_SHIFT);
  if (!text.failed) a->options->told(a->options->told_context, pw_text_get(&text));
  pw_text_clear(&text);
}
