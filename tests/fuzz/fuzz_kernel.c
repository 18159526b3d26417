/* Fuzzes the reader of a kernel's tracepoints: any text gives events in order, which a small computer takes one by one without
 * being at odds with itself, or an error with a sentence. */
#include "fuzz.h"

#include <string.h>

#include "mmu/geometry.h"
#include "os/linux/audit.h"
#include "trace/kernel_text.h"
#include "trace/source.h"

static void replay(const struct pw_kernel_events *events)
{
  struct pw_computer computer;
  struct pw_kmem kmem = {0};
  struct pw_error err = {0};
  const struct pw_computer_options options = {.memory_bytes = 4 << 20, .told = true, .geometry = pw_geometry_default()};
  MUST(!pw_computer_init(&computer, &options, &err) && !pw_kmem_init(&kmem, &computer, events, true, &err));
  uint64_t at = 0, due;
  int status = 0;
  while (!status && (due = pw_kmem_due(&kmem, 1000000)) != UINT64_MAX) {
    MUST(due >= at);
    at = due;
    status = pw_kmem_step(&kmem, &err);
    MUST(status == 0 || status == PW_MM_NO_FRAME);
  }
  MUST(!pw_audit(&computer, NULL, 0, &kmem, &err));
  pw_kmem_clear(&kmem);
  pw_computer_clear(&computer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
  struct pw_source *source;
  struct pw_kernel_events events;
  struct pw_error err = {0};
  if (pw_source_open_memory(&source, "T", data, n, &err)) return 0;
  int status = pw_kernel_events_from(&events, source, "T", &err);
  MUST(status ? err.status == status && err.text[0] : events.n > 0);
  if (!status) replay(&events);
  pw_kernel_events_clear(&events);
  pw_source_close(source);
  return 0;
}
