/* layout_trace NAME OUT.pwt - small traces with map events, for tests of the layout in `pagewalk info`. */
#include "tracekit.h"

static struct kit_builder builder;

static void map(uint64_t address, uint64_t bytes, uint32_t protection, const char *name)
{
  kit_event(&builder, (struct pw_event){.kind = PW_EVENT_MAP, .a = address, .b = bytes, .c = protection, .text = name,
                                        .text_bytes = name ? (uint32_t)strlen(name) : 0});
}

static void touch(uint64_t address, uint32_t op)
{
  kit_access(&builder, 0, address >> PW_BASE_SHIFT, op);
}

/* A program in its areas, as a kernel and a loader make it. */
static void program(void)
{
  map(0x400000, 0x2000, 5, "/bin/prog");
  map(0x402000, 0x1000, 3, "/bin/prog");
  map(0x403000, 0x1234, 3, NULL);                    /* its .bss, to the end of a page */
  map(0x405000, 0x1000, 3, NULL);                    /* behind it, but not its */
  map(0x7ffffffde000, 0x2000, 3, NULL);              /* the stack */
  map(0x7fffffffe000, 0x1000, 5, "[vdso]");
  touch(0x400010, PW_FETCH);
  touch(0x402000, PW_STORE);
  touch(0x403000, PW_STORE);
  map(0x406000, 0x2000, 3, "[heap]");
  map(0x408000, 0x1000, 3, "[heap]");
  touch(0x406000, PW_STORE);
  touch(0x408008, PW_STORE);
  map(0x7fff00000000, 0x8000, 1, "/lib/a\033[1mb.so.6"); /* a library: the middle is replaced */
  map(0x7fff00002000, 0x3000, 5, "/lib/a\033[1mb.so.6");
  map(0x7fff00005000, 0x1000, 3, "/lib/a\033[1mb.so.6");
  touch(0x7fff00002004, PW_FETCH);
  touch(0x7fff00005000, PW_LOAD);
  map(0x7fff00009000, 0x3000, 3, NULL);              /* comes, goes, and comes in part as a file */
  touch(0x7fff00009000, PW_STORE);
  touch(0x7fff0000a000, PW_STORE);
  kit_event(&builder, (struct pw_event){.kind = PW_EVENT_UNMAP, .a = 0x7fff00009000, .b = 0x3000});
  map(0x7fff0000a000, 0x1000, 1, "/etc/data");
  touch(0x7fff0000a000, PW_LOAD);
  touch(0x7ffffffdd000, PW_STORE);                   /* the stack grew */
  touch(0x7ffffffdb000, PW_STORE);
  touch(0x1000, PW_LOAD);                            /* in nothing */
  touch(0xffff800000001000, PW_LOAD);
}

/* Sixty areas with gaps; each two have one page touched more than those before, the last has none. */
static void many(void)
{
  for (uint32_t i = 0; i < 60; i++) map(0x10000000 + i * UINT64_C(0x100000), 0x80000, 3, "[area]");
  for (uint32_t i = 0; i < 59; i++)
    for (uint32_t page = 0; page <= i / 2; page++) touch(0x10000000 + i * UINT64_C(0x100000) + page * UINT64_C(4096), PW_STORE);
}

/* Two processes; the first becomes another program, the second is about to and never does. */
static void processes(void)
{
  map(0x10000, 0x1000, 5, "/bin/old");
  touch(0x10000, PW_FETCH);
  kit_event(&builder, (struct pw_event){.kind = PW_EVENT_EXEC, .text = "new", .text_bytes = 3});
  map(0x20000, 0x1000, 5, "/bin/new");
  touch(0x20000, PW_FETCH);
  kit_event(&builder, (struct pw_event){.kind = PW_EVENT_PROCESS, .a = 7, .b = 1});
  map(0xf0000000, 0x1000, 3, NULL);
  kit_access(&builder, 1, 0xf0000, PW_STORE);
  kit_event(&builder, (struct pw_event){.kind = PW_EVENT_EXEC, .text = "new", .text_bytes = 3});
}

/* Accesses, and no map event. */
static void plain(void)
{
  touch(0x1000, PW_LOAD);
}

int main(int argc, char **argv)
{
  static const struct { const char *name; void (*make)(void); } traces[] = {
      {"program", program}, {"many", many}, {"processes", processes}, {"plain", plain}};
  struct kit_file file;
  kit_start(&builder);
  for (size_t i = 0; i < sizeof traces / sizeof *traces; i++)
    if (argc == 3 && strcmp(argv[1], traces[i].name) == 0) traces[i].make();
  if (argc != 3 || (builder.n_events == 0 && !builder.open)) return 2;
  kit_file_open(&file, NULL);
  kit_file_add(&file, kit_finish(&builder));
  kit_file_finish(&file);
  FILE *out = fopen(argv[2], "wb");
  if (!out || fwrite(file.bytes, 1, file.n, out) != file.n || fclose(out)) return 1;
  kit_file_free(&file);
  return 0;
}
