/* Fuzzes the command line: options and their values (sizes, lists, ranges, TLBs, tables), one word a line. */
#include "fuzz_grammar.h"

#include "../../cmd/command.h"

static const struct command command = {.name = "fuzz", .summary = "", .usage = "TRACE", .about = "", .examples = ""};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
  enum { MOST = 64 };
  char *text = malloc(n + 1), *argv[MOST + 1];
  int argc = 0;
  MUST(text);
  memcpy(text, data, n);
  text[n] = 0;
  for (char *rest = text, *word; argc < MOST && (word = strsep(&rest, "\n"));) argv[argc++] = word;
  argv[argc] = NULL;
  fuzz_hush();
  struct settings settings = {0};
  struct words operands = {0};
  const struct option_group groups[] = {{"Machine", machine_rows(), &settings}, {"Running", running_rows, &settings},
                                        {"Reading", reading_rows, &settings}, {NULL, NULL, NULL}};
  int code = options_parse(&command, groups, &operands, argc, argv);
  MUST(code == -1 || code == DONE || code == USAGE);
  if (code == -1) fuzz_understand(&settings);
  for (size_t i = 0; i < operands.n; i++) {
    struct target target;
    struct pw_geometry geometry;
    struct pw_error err = {0};
    if (target_parse(&target, operands.items[i], "--target", &err)) MUST(err.text[0]);
    if (pw_geometry_parse(&geometry, operands.items[i], &err)) MUST(err.text[0]);
  }
  settings_clear(&settings);
  words_clear(&operands);
  free(text);
  return 0;
}
