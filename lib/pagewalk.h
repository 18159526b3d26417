/* pagewalk.h - the public interface of libpagewalk, from simple to advanced.
 *
 * The library reads a memory-access trace, runs it through models of address
 * translation and paging, and hands back one row of numbers a configuration.
 * What each number means is written in docs/models.md.
 *
 * Conventions
 *  - A function that can fail returns 0 (or a count) on success and a negative
 *    enum pw_status otherwise; its last parameter takes one sentence that
 *    names the place, the cause and the remedy. It may be NULL.
 *  - The library never prints and never exits. Objects are not shared between
 *    threads without a lock; different objects may be used at the same time.
 *  - Whoever creates frees (…_create / …_destroy, …_open / …_close); a const
 *    pointer that comes back is borrowed.
 *  - Sizes are in bytes where a name ends in _bytes, in pages of 4 KiB where it
 *    ends in _pages. "Page key" is defined at struct pw_block.
 */
#ifndef PAGEWALK_H
#define PAGEWALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PW_VERSION "0.1.0"

/* ------------------------------------------------------------------------
 * Errors
 */

enum pw_status {
  PW_OK = 0,
  PW_ENOMEM = -1,      /* memory ran out */
  PW_EIO = -2,         /* the system refused a read, a write, an open */
  PW_EFORMAT = -3,     /* the input is truncated, corrupt or not what it claims */
  PW_EINVAL = -4,      /* an impossible or misspelt configuration */
  PW_EUNSUPPORTED = -5, /* recognised, but not something this build can do */
  PW_EINTERRUPTED = -6, /* the progress callback asked to stop */
  PW_EINTERNAL = -7,    /* numbers that must agree do not: a fault of pagewalk's own */
};

struct pw_error {
  enum pw_status status;
  char text[1024]; /* one sentence, no newline at the end */
};

/* Writes one formatted sentence into err (which may be NULL); returns status.
 * Control characters that arrive through the arguments are shown as '?'. */
int pw_error_set(struct pw_error *err, enum pw_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ------------------------------------------------------------------------
 * What there is: the tables of the code, for help, listings and completion
 */

enum pw_list {
  PW_LIST_FORMATS,
  PW_LIST_TABLES,          /* page-table geometries */
  PW_LIST_TLB_POLICIES,
  PW_LIST_MEMORY_POLICIES,
  PW_LIST_MACHINES,
  PW_LIST_CHARTS,
  PW_LIST_SLABS,           /* caches of the kernel, of pagewalk system */
};

struct pw_list_entry {
  const char *name;
  const char *summary; /* one line for people */
};

/* Entry number `index` (from 0) of a list; false past the end. */
bool pw_list_entry(enum pw_list list, size_t index, struct pw_list_entry *entry);

/* The listed name nearest to `name` in spelling, or NULL when none is near. */
const char *pw_list_nearest(enum pw_list list, const char *name);
/* Of `names` (ending with NULL) the nearest in spelling, or else one that begins with `name`; or NULL. */
const char *pw_nearest_name(const char *const *names, const char *name);

/* ------------------------------------------------------------------------
 * Accesses and blocks
 */

/* Base pages have 4 KiB; traces are collapsed on them, larger pages by shifting. */
#define PW_BASE_SHIFT 12

enum pw_op { PW_FETCH, PW_LOAD, PW_STORE, PW_MODIFY /* a load, then a store */ };

struct pw_access {
  uint64_t address;
  uint32_t size_bytes; /* 0 = unknown, counts as 1 */
  uint32_t op;         /* enum pw_op */
  uint32_t pid;
  uint32_t tid;
};

/* Counted on base pages: an access that straddles two pages counts on both. */
struct pw_totals {
  uint64_t fetches;
  uint64_t loads;
  uint64_t stores;
};

enum pw_event_kind {
  PW_EVENT_THREAD = 1,   /* a = thread id that runs from here on */
  PW_EVENT_PROCESS = 2,  /* a = process id, b = process index (see page key) */
  PW_EVENT_MAP = 3,      /* a = address, b = length in bytes, c = PW_MAP_… bits; text = file, or "[heap]", "[stack]", … */
  PW_EVENT_UNMAP = 4,    /* a = address, b = length in bytes */
  PW_EVENT_FORK = 5,     /* a = child process id, b = child process index */
  PW_EVENT_EXEC = 6,     /* the current process starts anew; text = program */
  PW_EVENT_EXIT = 7,     /* the current process is gone; a = status, b = the signal that ended it or 0 */
  PW_EVENT_MARK = 8,     /* a = 1: counting starts here (end of warm-up) */
  PW_EVENT_PROTECT = 9,  /* a = address, b = length in bytes, c = PW_MAP_… bits of protection */
  PW_EVENT_DISCARD = 10, /* a = address, b = length in bytes: the pages are given back, the mapping stays */
  PW_EVENT_MOVE = 11,    /* a = from, b = length in bytes, c = to: pages move to a mapping that came before */
  PW_EVENT_KERNEL_READ = 12,  /* a = address, b = length in bytes: the kernel read a buffer of the program */
  PW_EVENT_KERNEL_WRITE = 13, /* a = address, b = length in bytes: … or wrote it */
  PW_EVENT_THREAD_START = 14, /* a = thread id, b = id of the thread that started it */
  PW_EVENT_THREAD_END = 15,   /* a = thread id */
  PW_EVENT_BACKING = 16, /* of the map before it: a = offset in the file, b = inode; text = build id in hex */
  PW_EVENT_SYMBOL = 17,  /* a = address, b = bytes, c = enum pw_symbol_kind; text = name. Holds until an
                          * unmap takes its first byte away, or an exec or exit */
  PW_EVENT_ADVISE = 18,  /* a = address, b = length in bytes, c = enum pw_advice */
  PW_EVENT_CHILD = 19,   /* a = process id, b = 0: a fork's child that has a trace of its own from here on; 1: the process itself
                          * goes on there, as what it executes next; text = that file's name, in the folder of this one, or "" */
  PW_EVENT_KINDS         /* one past the last */
};

enum {
  PW_MAP_READ = 1,
  PW_MAP_WRITE = 2,
  PW_MAP_EXECUTE = 4,
  PW_MAP_SHARED = 8,     /* writes reach the file or the other process */
  PW_MAP_FIXED = 16,     /* the program chose the address (MAP_FIXED) */
  PW_MAP_STACK = 32,     /* grows downwards by itself */
  PW_MAP_HUGETLB = 64,   /* of huge pages set aside (MAP_HUGETLB), of 2 MiB */
  PW_MAP_HUGE_1G = 128,  /* … with it: of 1 GiB */
};

/* What a program tells the kernel of a range (madvise, by Linux's numbers), or, from 256 on, of all its memory (prctl). */
enum pw_advice {
  PW_ADVICE_HUGEPAGE = 14,
  PW_ADVICE_NOHUGEPAGE = 15,
  PW_ADVICE_POPULATE_READ = 22,  /* the pages are brought, as if each were read */
  PW_ADVICE_POPULATE_WRITE = 23, /* … or written */
  PW_ADVICE_LOCK = 128,          /* … or written where the memory is private and may be: mlock, MAP_POPULATE, MAP_LOCKED */
  PW_ADVICE_SYNC = 129,          /* dirty pages of files are written back: msync(MS_SYNC) */
  PW_ADVICE_THP_OFF = 256, /* no huge pages in this process */
  PW_ADVICE_THP_ON = 257,
};

enum pw_symbol_kind { PW_SYMBOL_FUNCTION = 1, PW_SYMBOL_DATA = 2 };

#define PW_MAX_KERNEL_BYTES (1u << 20) /* that one event says the kernel touched */

/* An event happens before visit number `at` of its block (at <= n_visits). */
struct pw_event {
  uint32_t at;
  uint32_t kind; /* enum pw_event_kind */
  uint64_t a, b, c;
  const char *text;     /* text_bytes long, not terminated; may be NULL */
  uint32_t text_bytes;
};

/* A visit is a maximal stretch of one thread's accesses that stays on one code
 * page and one data page. It is opened by the first touch of the page that
 * changed ("C"); the page of the other stream stays ("O"). An event and a block
 * boundary forget both pages. The flag byte of a visit: */
enum {
  PW_VISIT_CODE = 1 << 0,        /* C is the code page (else the data page) */
  PW_VISIT_STORE_FIRST = 1 << 1, /* the first access stores: a store or a modify */
  PW_VISIT_TOUCHES = 3 << 2,     /* number of touches replayed, minus 1: C CO COC COCO */
  PW_VISIT_TOUCHES_SHIFT = 2,
  PW_VISIT_WROTE_1 = 1 << 4,     /* the data page's first touch in the pattern stored */
  PW_VISIT_WROTE_2 = 1 << 5,     /* the data page's second touch in the pattern stored */
};

#define PW_BLOCK_VISITS 65536u /* at most so many visits a block */

/* Page key: the process index (order of appearance, 0 first, at most 4095 of them) in
 * the top 12 bits, the number of the 4 KiB page in the low 52. */
#define PW_PAGE_BITS 52
#define PW_PROCESSES 4095u

/* Some 64 Ki visits with the events between them, in columns. `page` holds
 * indices into `pages`, the block's distinct page keys in rising order. */
struct pw_block {
  uint32_t n_visits;
  uint32_t n_pages;
  uint32_t n_events;
  const uint64_t *pages;        /* [n_pages] */
  const uint16_t *page;         /* [n_visits] C of each visit */
  const uint8_t *flags;         /* [n_visits] */
  /* [n_visits] each, or all NULL unless pw_trace_options.counts was set: */
  const uint16_t *fetches;
  const uint16_t *loads;
  const uint16_t *stores;
  const uint16_t *touches;      /* alternations C O C O …, as many as there were (>= 1) */
  /* [n_visits] each, or both NULL unless pw_trace_options.sides was set and the trace has them:
   * the access that opened the visit, its address in the page and its instruction's address */
  const uint16_t *offset;
  const uint64_t *pc;
  const struct pw_event *events; /* [n_events], `at` not falling */
  struct pw_totals totals;      /* of this block */
};

/* ------------------------------------------------------------------------
 * Reading traces
 */

struct pw_trace; /* an open trace; blocks are lent one at a time */

struct pw_trace_options {
  const char *format;   /* a name of PW_LIST_FORMATS, or NULL: look at the first bytes */
  bool skip_bad;        /* text formats: count lines that do not parse, and go on */
  bool counts;          /* fill the count columns of the blocks */
  bool sides;           /* fill the side columns (offset, pc) where the trace has them */
  bool make_sides;      /* other formats than .pwt: gather them (pc = the thread's last fetch) */
  bool ignore_events;   /* drop all events but switches, forks, marks and kernel accesses */
  bool ignore_kernel;   /* drop the kernel's accesses */
  uint64_t skip;        /* accesses to leave out at the front */
  uint64_t limit;       /* accesses to take after that; 0 = all */
  uint64_t warmup;      /* of those, accesses to simulate without counting */
};

struct pw_trace_info {
  const char *path;          /* as given */
  const char *format;        /* name of the format that reads it */
  const char *compression;   /* "none", "zstd", … as detected */
  struct pw_totals totals;   /* so far; the whole trace once the end was reached */
  uint64_t visits;
  uint64_t blocks;
  uint64_t events;
  uint64_t bad_lines;        /* lines left out under skip_bad */
  const char *remark;        /* on how it was read, or ""; good until the trace is closed */
  uint32_t processes;        /* seen so far (at least 1) */
  uint32_t threads;
  uint64_t stored_bytes;     /* compressed bytes read so far */
  uint64_t file_bytes;       /* size of the file, 0 when unknown (pipe) */
  bool complete;             /* the end was reached */
  bool rounded;              /* skip, limit or warmup were rounded to whole visits */
  /* provenance, from a .pwt; "" where absent */
  const char *source;
  const char *command;
  const char *date;
  const char *creator;
};

/* Opens a trace file, or standard input for "-". */
int pw_trace_open(struct pw_trace **trace, const char *path,
                  const struct pw_trace_options *options, struct pw_error *err);
/* Reads from memory instead (tests, fuzzing); `data` must stay until close. */
int pw_trace_open_memory(struct pw_trace **trace, const char *name, const void *data, size_t n_bytes,
                         const struct pw_trace_options *options, struct pw_error *err);
/* Lends the next block, valid until the next call: 1, or 0 at the end. */
int pw_trace_next(struct pw_trace *trace, const struct pw_block **block, struct pw_error *err);
/* Starts again from the front. A pipe was spooled if needed (see pw_trace_spool). */
int pw_trace_rewind(struct pw_trace *trace, struct pw_error *err);
const struct pw_trace_info *pw_trace_info(const struct pw_trace *trace);
void pw_trace_close(struct pw_trace *trace);

/* ------------------------------------------------------------------------
 * Layout: what a trace's map events say is where
 */

enum pw_layout_kind {
  PW_LAYOUT_PROGRAM, /* of the file that the process mapped first, its .bss included */
  PW_LAYOUT_LIBRARY, /* of another that is executable or called .so */
  PW_LAYOUT_FILE, PW_LAYOUT_HEAP, PW_LAYOUT_STACK,
  PW_LAYOUT_MMAP,    /* without a file or a name */
  PW_LAYOUT_SPECIAL, /* with another name in brackets */
};

struct pw_layout_area {
  uint64_t first_page, last_page; /* both included */
  enum pw_layout_kind kind;
  unsigned rights;                /* PW_MAP_READ, WRITE, EXECUTE, as it was mapped */
  const char *name;               /* as the trace tells it, "" without one; borrowed */
};

struct pw_layout;
int pw_layout_create(struct pw_layout **layout, struct pw_error *err);
/* Takes the events of the trace's next block. */
int pw_layout_take(struct pw_layout *layout, const struct pw_block *block, struct pw_error *err);
/* The first area of a process (by index) that ends at or after the page. Areas are as mapped last, whatever was unmapped
 * later, until the process executes another program; what a fork gives is not among them. They do not overlap. */
bool pw_layout_next(const struct pw_layout *layout, uint32_t process, uint64_t page, struct pw_layout_area *area);
void pw_layout_destroy(struct pw_layout *layout); /* NULL is fine */

/* ------------------------------------------------------------------------
 * Writing .pwt
 */

struct pw_writer;

struct pw_writer_options {
  int level;            /* zstd level, 1 … 22; 0 = 3 */
  const char *source;   /* provenance; NULL = absent */
  const char *command;
  const char *date;
};

/* Creates PATH under a temporary name in its folder; finish gives it its name. */
int pw_writer_create(struct pw_writer **writer, const char *path,
                     const struct pw_writer_options *options, struct pw_error *err);
/* Appends a block; its count columns must be there. */
int pw_writer_add(struct pw_writer *writer, const struct pw_block *block, struct pw_error *err);
/* Writes index and end, syncs, renames. On failure nothing is left behind. */
int pw_writer_finish(struct pw_writer *writer, struct pw_error *err);
/* Frees; without a finish before it, the temporary file is removed. */
void pw_writer_destroy(struct pw_writer *writer);

/* ------------------------------------------------------------------------
 * Recording: a program's own accesses, as they happen
 */

enum pw_record_backend {
  PW_RECORD_VALGRIND,        /* x86-64 programs, and all that they start */
  PW_RECORD_QEMU,            /* programs of other machines, under QEMU's user mode */
};

/* How far a recording is; at the end, how the program ended. */
struct pw_record_info {
  struct pw_totals totals;   /* of the first image */
  uint64_t visits;
  uint64_t stored_bytes;
  uint32_t traces;           /* files written, the first among them */
  uint32_t running;          /* images recorded at the moment */
  uint32_t unrecorded;       /* programs executed that cannot be recorded: setuid, another user's, not 64-bit x86-64, or under QEMU */
  bool limited;              /* a limit ended the first trace before the program ended */
  bool interrupted;          /* the progress callback asked to stop */
  int exit_status;           /* of the program; -1 when a signal ended it */
  int signal;                /* that signal, else 0 */
};

/* Called some times a second; return 1 to end the recording: the program gets the time that
 * its own reaction to Ctrl-C takes, then SIGTERM, then SIGKILL, and the traces are completed. Return 2 or more for SIGKILL at once. */
typedef int pw_record_fn(void *context, const struct pw_record_info *info);

struct pw_record_options {
  const char *output;        /* the first image's trace; others get OUTPUT's name with .PID before .pwt */
  const char *tool_folder;   /* where the capture tool and the plugin lie */
  enum pw_record_backend backend;
  const char *qemu;          /* the emulator; NULL: by the program's machine, from PATH */
  const char *sysroot;       /* its libraries under PW_RECORD_QEMU; NULL: where Debian puts them */
  struct pw_writer_options writer;
  uint64_t skip, limit;      /* accesses of each image; limit 0 = all */
  uint64_t size_limit_bytes; /* of each trace; 0 = none */
  bool sides;                /* with side columns: the opener of each visit, its offset and pc */
  bool first_only;           /* not the programs that the program starts or becomes */
  int program_output;        /* descriptor of its standard output and error, its input then being empty; 0: all are ours */
  char *const *environment;  /* its environment; NULL = ours */
  pw_record_fn *progress;    /* may be NULL */
  void *progress_context;
};

/* Runs a program (argv[0], looked for in PATH, and its arguments; ends with NULL) and records each
 * of its process images as a .pwt. Its standard streams are ours. 0 once it has ended, whatever
 * its status; then *info tells how. Needs the capture tool, see docs/man/pagewalk-record.1. */
int pw_record(char *const argv[], const struct pw_record_options *options, struct pw_record_info *info,
              struct pw_error *err);
/* Runs the program natively, reading and printing nothing, and writes what the kernel did with its memory meanwhile for it and
 * what it starts: the text of tracefs's tracepoints kmalloc, kfree, kmem_cache_alloc, kmem_cache_free, mm_page_alloc and
 * mm_page_free, which pw_system_options.kernel_events takes. *lost events did not fit the kernel's buffer. Needs root, else
 * PW_EUNSUPPORTED. */
int pw_record_kernel(char *const argv[], const char *output, uint64_t *lost, struct pw_error *err);

/* ------------------------------------------------------------------------
 * Validating: the running kernel and a model of it, on the same program
 */

struct pw_validated {
  uint64_t measured, predicted;
};

/* An area of the program's address space when it ended, natively. */
struct pw_validated_area {
  uint64_t start, end;        /* native addresses */
  struct pw_validated pages;  /* that are there */
  char name[64];              /* file, "[heap]", "[stack]", …, or "" */
};

/* What the kernel said, and what the model of it makes of the recording. */
struct pw_validation {
  struct pw_validated table_bytes;    /* VmPTE: page tables of the three levels below the root */
  struct pw_validated resident_bytes; /* the peak; see kernel_peak_bytes */
  struct pw_validated minor_faults;
  struct pw_validated own_bytes, cached_bytes; /* resident at the end: RssAnon; RssFile and RssShmem */
  struct pw_validated huge_bytes;     /* mapped 2 MiB at a time at the end: AnonHugePages; 0 without huge pages */
  uint64_t thp_faults, thp_splits;    /* predicted */
  bool malloc_asks;                   /* for huge pages, by a tunable of the C library, in both runs */
  uint64_t start_faults, start_bytes; /* of each of both: before the first instruction */
  uint64_t major_faults;              /* measured; the model has none */
  uint64_t anonymous_faults, file_faults, copy_faults, around_pages; /* predicted */
  uint64_t tables[3];                 /* predicted: of pages (PTE), of those (PMD) and of those (PUD) */
  uint64_t maps, unplaced_maps;       /* recorded after the start, and those without a native counterpart */
  uint64_t strays;                    /* recorded accesses to no place that is mapped natively */
  uint64_t kernel_peak_bytes;         /* VmHWM, which may miss some pages: the peak that was measured is VmHWM, or what
                                       * was resident when memory was given back */
  uint32_t threads, forks;            /* measured */
  uint32_t populated;                 /* calls natively that bring pages before they are touched: MAP_POPULATE, MADV_POPULATE_…, locks */
  uint32_t kept_moves;                /* natively, with MREMAP_DONTUNMAP, which Valgrind refuses */
  uint32_t shared_maps;               /* writable ones natively, of files or memory */
  uint32_t null_writes;               /* natively, to /dev/null, which does not read what is written to it */
  bool pages_known;                   /* the kernel told which pages are there: areas[].pages.measured holds */
  bool became_another;                /* the program executed another: all is up to there */
  bool interrupted;
  int exit_status, signal;            /* of the native run, as in struct pw_record_info */
  struct pw_record_info recorded;
  size_t n_areas;
  struct pw_validated_area *areas;    /* in rising order; freed with pw_validation_clear */
};

/* Where 2 MiB of memory may be mapped at once. */
enum pw_system_thp { PW_SYSTEM_THP_NEVER, PW_SYSTEM_THP_MADVISE, PW_SYSTEM_THP_ALWAYS };
/* "never", "madvise", "always"; NULL past the last. */
const char *pw_system_thp_name(int mode);

struct pw_validate_options {
  const char *trace;         /* the recording, which stays */
  const char *tool_folder;   /* where the capture tool lies */
  bool show_output;          /* the program's standard output and error of the native run are ours */
  enum pw_system_thp thp;    /* never; as the program itself asks; always: the whole process where the system does so, else all
                              * that malloc has, by a tunable of the C library */
  pw_record_fn *progress;    /* may be NULL */
  void *progress_context;
};

/* Records a program (see pw_record; only itself, not what it starts or becomes), runs it once more
 * natively, and replays the recording in a model of Linux's memory management. Waits for any child
 * of the caller meanwhile. Clear *result also after a failure. */
int pw_validate(char *const argv[], const struct pw_validate_options *options, struct pw_validation *result,
                struct pw_error *err);
void pw_validation_clear(struct pw_validation *result);

/* What a memory limit cost a program: measured, or predicted. */
struct pw_limited {
  uint64_t major_faults, minor_faults, swap_ins, swap_outs, refaults, activations, thp_swap_outs;
  uint64_t peak_bytes;           /* that its group was charged for */
  uint64_t kernel_bytes;         /* of that at most for the kernel: page tables, stacks, objects */
  uint64_t table_bytes;          /* page tables, without the root, at most */
  uint64_t huge_bytes, file_bytes; /* mapped 2 MiB at a time, and page cache of its own, at most; 0 where nobody looked */
  uint64_t oom_kills;
  int exit_status, signal;
};

enum { PW_LIMIT_RUNS = 20 };

struct pw_limit_options {
  const char *trace, *tool_folder; /* as in pw_validate_options */
  uint64_t memory_bytes;           /* the group's limit */
  uint64_t swap_bytes;             /* 0: none */
  unsigned runs;                   /* 1 … PW_LIMIT_RUNS; as many are polled, and one is not */
  bool show_output;
  enum pw_system_thp thp;
  pw_record_fn *progress;
  void *progress_context;
};

struct pw_limit_validation {
  struct pw_limited predicted, fewer, more; /* with 24 pages less, and more */
  struct pw_limited lru, clock;    /* were these who chose, instead of Linux */
  struct pw_limited polled[PW_LIMIT_RUNS], unpolled;
  unsigned n_polled;
  unsigned swappiness;
  bool damon;                      /* DAMON reclaims too: the model knows nothing of it */
  struct pw_record_info recorded;
};

/* Predicts what a memory limit costs a program, from a recording; then runs it natively in a cgroup with that limit and with a swap
 * device of its own, both of which are removed whatever happens. Nothing of the prediction is taken from these runs. Needs root. */
int pw_validate_limit(char *const argv[], const struct pw_limit_options *options, struct pw_limit_validation *result, struct pw_error *err);

/* ------------------------------------------------------------------------
 * Machines: one configuration
 */

#define PW_MAX_LEVELS 8

/* A page-table geometry: index widths from the root and the page offset. */
struct pw_geometry {
  char name[64];
  unsigned n_levels;                 /* at the base page size */
  unsigned width_bits[PW_MAX_LEVELS]; /* from the root */
  unsigned offset_bits;
  unsigned entry_bytes;
  bool sign_extended;                /* kernel-half addresses fit */
  unsigned n_page_shifts;            /* 0 = any power of two from offset_bits up */
  unsigned page_shift[4];            /* sizes on offer, as log2 */
};

/* Parses a preset name or explicit widths such as "9,9,9,9+12:8". */
int pw_geometry_parse(struct pw_geometry *geometry, const char *text, struct pw_error *err);
/* The geometry that `--levels N --va-bits V` means; va_bits 0 = the default for N. */
int pw_geometry_levels(struct pw_geometry *geometry, unsigned n_levels, unsigned va_bits,
                       struct pw_error *err);
/* Levels walked for pages of 2^page_shift bytes; 0 when the size is not on offer. */
unsigned pw_geometry_walk_levels(const struct pw_geometry *geometry, unsigned page_shift);

struct pw_tlb_config {
  uint32_t entries; /* 0 = none */
  uint32_t ways;    /* == entries: fully associative */
  int policy;       /* index into PW_LIST_TLB_POLICIES */
};

#define PW_UNLIMITED UINT64_MAX

struct pw_config {
  unsigned page_shift;
  const struct pw_geometry *geometry; /* borrowed */
  struct pw_tlb_config itlb, dtlb, stlb;
  uint64_t memory_bytes; /* or PW_UNLIMITED */
  int memory_policy;     /* index into PW_LIST_MEMORY_POLICIES; unused when unlimited */
};

/* The documented defaults: 4 KiB, x86-64, 64:8, 64:4, 1536:12, unlimited. */
void pw_config_default(struct pw_config *config);
/* 0, or PW_EINVAL with the reason as one sentence. */
int pw_config_check(const struct pw_config *config, struct pw_error *err);

/* A machine preset: the TLBs of a real processor for pages of 2^page_shift. */
int pw_machine_find(struct pw_config *config, const char *name, struct pw_error *err);

/* Index of a policy by name, or -1. */
int pw_tlb_policy_find(const char *name);
int pw_memory_policy_find(const char *name);

/* ------------------------------------------------------------------------
 * Running
 */

/* Counts of one configuration on one trace. What does not apply is absent. */
struct pw_result {
  struct pw_totals counted;  /* accesses after the warm-up */
  uint64_t itlb_misses, dtlb_misses;
  uint64_t stlb_lookups, stlb_misses;
  uint64_t walks, walk_refs;
  uint64_t minor_faults, major_faults, swap_outs;
  uint64_t resident_bytes;   /* peak */
  uint64_t touched_bytes;    /* peak resident bytes if memory were unlimited */
  uint64_t table_bytes;      /* peak */
  bool one_pass;             /* engine */
  bool unfit;                /* an address does not fit the geometry: no number above is valid */
};

/* ------------------------------------------------------------------------
 * Two tables: what there is to count, and what a machine is made of. Rows, CSV, JSON, series, owners, options,
 * keys of sweep files, the order of sweeps and the words on charts walk them.
 */

enum pw_count_group { PW_GROUP_ACCESSES, PW_GROUP_TRANSLATION, PW_GROUP_MEMORY, PW_GROUP_TABLES, PW_GROUPS };
enum pw_count_unit { PW_COUNT_EVENTS, PW_COUNT_BYTES, PW_COUNT_RATE, PW_COUNT_WORD };
enum pw_count_window { PW_WINDOW_NONE, PW_WINDOW_DIFFERENCE /* what fell in it */, PW_WINDOW_LEVEL /* what is at its end */ };
enum pw_count_owned {
  PW_OWNED_NONE,
  PW_OWNED_SHOWN,  /* follows from others */
  PW_OWNED_SUMMED, /* the owners' sum is the run's */
};

/* A column of numbers, under one name in every CSV and JSON. */
struct pw_count {
  const char *name;
  const char *title;        /* on a chart */
  const char *line, *course, *share; /* for people: in the tables of run, --every and --by; NULL: not there */
  unsigned since;           /* columns of a file stand in rising order of it, then as in the table */
  enum pw_count_group group;
  enum pw_count_unit unit;
  size_t offset;            /* in struct pw_result: the count, of a rate what it is a rate of */
  uint64_t (*of)(const struct pw_result *result);   /* in place of what is at `offset`; or NULL */
  uint64_t (*over)(const struct pw_result *result); /* of a rate: what it is divided by; absent where that is 0 */
  const char *(*word)(const struct pw_result *result);
  bool (*absent)(const struct pw_config *config);   /* NULL: never */
  bool elsewhere;           /* not in results.csv, only in series and of owners */
  bool limited;             /* counts in finite memory alone: elsewhere --by has no column of zeros */
  enum pw_count_window window;
  enum pw_count_owned owned;
  unsigned parts;           /* of a machine, that it depends on */
};

const struct pw_count *pw_count_entry(size_t index); /* NULL past the end */
uint64_t pw_count_value(const struct pw_count *count, const struct pw_result *result);
/* Its cell of a row: "" where it is absent. */
void pw_count_text(char *text, size_t n_text, const struct pw_count *count, const struct pw_config *config,
                   const struct pw_result *result);

/* What a parameter is, in struct pw_config and as an option. */
enum pw_parameter_kind {
  PW_PARAMETER_PAGE,     /* unsigned, the log2 of a size */
  PW_PARAMETER_TABLE,    /* const struct pw_geometry * */
  PW_PARAMETER_LEVELS,   /* nothing: an option that makes tables, as does the next */
  PW_PARAMETER_VA_BITS,
  PW_PARAMETER_MACHINE,  /* nothing: an option that sets the TLBs */
  PW_PARAMETER_TLB,      /* struct pw_tlb_config */
  PW_PARAMETER_MEMORY,   /* uint64_t, or PW_UNLIMITED */
  PW_PARAMETER_SIZE,     /* uint64_t, bytes */
  PW_PARAMETER_COUNT,    /* uint64_t */
  PW_PARAMETER_CHOICE,   /* int, an index into `list` */
};

#define PW_PARAMETERS_MOST 24

struct pw_parameter {
  const char *name;         /* of the option and the key */
  enum pw_parameter_kind kind;
  size_t offset;            /* in struct pw_config */
  const char *initial;      /* as it is written */
  const char *argument, *help; /* of the option */
  const char *title;        /* in the table of run; NULL: told with the parameter before it */
  unsigned since, part;     /* its place among the columns, as of counts; a bit for each part of a machine */
  bool (*applies)(const struct pw_config *config); /* NULL: always; elsewhere its cells are empty */
  enum pw_list list;        /* of a choice */
  uint64_t least, most;     /* of a size or count */
  struct pw_parameter_column {
    const char *name, *title;
    const char *usual, *also; /* its cell on the initial machine, or a second one as usual; NULL: it follows from others */
  } columns[3];             /* a TLB has three: entries, ways, policy; a table two: name and levels */
};

const struct pw_parameter *pw_parameter_entry(size_t index); /* NULL past the end */
size_t pw_parameter_find(const char *name); /* its number, or PW_PARAMETERS_MOST */
/* What the configuration has: of pages the log2, of choices the index; 0 where the parameter holds no number. */
uint64_t pw_config_number(const struct pw_config *config, const struct pw_parameter *parameter);
void pw_config_set_number(struct pw_config *config, const struct pw_parameter *parameter, uint64_t number);
/* NULL where it is no TLB. */
const struct pw_tlb_config *pw_config_tlb(const struct pw_config *config, const struct pw_parameter *parameter);

enum pw_stream { PW_STREAM_BOTH, PW_STREAM_FETCH, PW_STREAM_DATA };

/* Called now and then; return non-zero to stop (PW_EINTERRUPTED). */
typedef int pw_progress_fn(void *context, const struct pw_trace_info *info);

/* Which engine answers: the numbers are the same, the time is not. */
enum pw_engine_choice {
  PW_ENGINE_AUTO,   /* one pass for all configurations that allow it, exactly */
  PW_ENGINE_DIRECT, /* each configuration simulated by itself */
};

struct pw_run_options {
  enum pw_stream only;
  bool no_asid;          /* a process switch empties the TLBs */
  uint64_t seed;         /* for the random policies */
  enum pw_engine_choice engine;
  unsigned jobs;         /* threads for this trace; 0 = 1. The results do not depend on it */
  pw_progress_fn *progress;
  void *progress_context;
};

/* Runs the whole trace once (twice when a configuration needs the future, and once more
 * for a page size at which a page turns out to be touched in two ways: fetched, loaded or
 * stored, by the kernel; or to be in a frame that processes share after a fork)
 * through n configurations; result[i] answers config[i]. Returns the number of
 * configurations whose page table is too narrow for an address of the trace
 * (result.unfit; err names an address and the width that fits them all), 0 when all
 * is well, or a negative status. */
int pw_run(struct pw_trace *trace, const struct pw_config *configs, size_t n,
           const struct pw_run_options *options, struct pw_result *results, struct pw_error *err);

/* ------------------------------------------------------------------------
 * Attribution: who in the program causes what
 */

/* What an owner is. */
enum pw_by {
  PW_BY_REGION,   /* a segment of a file, the heap, a stack, one anonymous mapping */
  PW_BY_OBJECT,   /* a file with all its segments, the heap, a stack, all anonymous mappings together */
  PW_BY_SYMBOL,   /* the data object at the address */
  PW_BY_FUNCTION, /* the function of the access that opened the visit */
};
/* "region", … ; NULL past the end, -1 for a name that is none. */
const char *pw_by_name(enum pw_by by);
int pw_by_find(const char *name);

struct pw_owner {
  const char *name;        /* "[unknown]" where no event says what is there */
  const char *object;      /* the file around it as the trace names it, or "[heap]", "[stack]", "[mmap]", … */
  struct pw_result counts; /* by symbol and by function without accesses; resident_bytes is not shared out */
  uint64_t returned_bytes; /* of pages that unmaps and discards gave back */
};

enum pw_heat_of { PW_HEAT_NONE, PW_HEAT_WALKS, PW_HEAT_DTLB, PW_HEAT_FAULTS };
const char *pw_heat_name(enum pw_heat_of of); /* "none", "walks", "dtlb", "faults"; NULL past the end */

/* So many misses on these addresses while these accesses were made. */
struct pw_heat_cell {
  uint32_t process;
  const char *region;
  uint64_t address, bytes;
  uint64_t first_access, accesses;
  uint64_t misses;
};

struct pw_attribution {
  enum pw_by by;
  enum pw_heat_of heat;
  size_t n_owners;
  struct pw_owner *owners;    /* most walks first, then misses, faults, accesses, name */
  struct pw_owner total;      /* what pw_run says, and returned_bytes: the sums of the owners, checked */
  size_t n_cells;
  struct pw_heat_cell *cells; /* those that are not 0, by process, address and time */
  bool mapped;                /* the trace says what is mapped */
  void *texts;                /* that the names point into */
};

/* Runs the trace through one configuration, as pw_run does, and shares every count out among owners.
 * By symbol and by function the trace must have side columns (pw_trace_options.sides) and the machine
 * the first-level TLBs of the streams that run. Returns as pw_run does, PW_EINTERNAL if the sums
 * differ from its totals. Free with pw_attribution_clear, also after a failure. */
int pw_attribute(struct pw_trace *trace, const struct pw_config *config, enum pw_by by, enum pw_heat_of heat,
                 const struct pw_run_options *options, struct pw_attribution *attribution, struct pw_error *err);
void pw_attribution_clear(struct pw_attribution *attribution);

/* ------------------------------------------------------------------------
 * Systems: several programs on one computer, under a model of Linux
 */

/* An array of a TLB, and which sizes its entries may have. */
struct pw_tlb_array {
  struct pw_tlb_config tlb;
  unsigned sizes; /* bit 0: 4 KiB, bit 1: 2 MiB, bit 2: 1 GiB */
};

#define PW_ALL_SIZES 7u

/* Up to three arrays each; the first with no entries ends them. */
struct pw_sized_config {
  struct pw_tlb_array itlb[3], dtlb[3], stlb[3];
};

#define PW_ASIDS_OFF 0u    /* a switch between address spaces empties the TLBs */
#define PW_ASIDS_ALL 1023u /* each address space has its own */

/* Who leaves memory when frames run out: Linux's two lists; one list, a page at a time; nobody. */
enum pw_system_reclaim { PW_SYSTEM_RECLAIM_LINUX, PW_SYSTEM_RECLAIM_LRU, PW_SYSTEM_RECLAIM_FIFO, PW_SYSTEM_RECLAIM_CLOCK,
                         PW_SYSTEM_RECLAIM_RANDOM, PW_SYSTEM_RECLAIM_NONE };
const char *pw_system_reclaim_name(int policy); /* NULL past the last */

/* Who is killed when nothing can be reclaimed: by memory alone, as Linux does now; as Linux 2.6 did; nobody: the run ends. */
enum pw_system_oom { PW_SYSTEM_OOM_BADNESS, PW_SYSTEM_OOM_CLASSIC, PW_SYSTEM_OOM_STOP };
const char *pw_system_oom_name(int rule); /* NULL past the last */

/* How swap answers: at once, as zram; after a time, without or with a head that moves. */
enum pw_system_swap { PW_SYSTEM_SWAP_SYNC, PW_SYSTEM_SWAP_SSD, PW_SYSTEM_SWAP_DISK };
const char *pw_system_swap_name(int device); /* NULL past the last */

struct pw_system_config {
  uint64_t memory_bytes, kernel_bytes; /* of RAM, and of that the kernel's image */
  uint64_t swap_bytes;                 /* of the swap device, its header included; 0: there is none */
  enum pw_system_swap swap;
  uint64_t swap_latency;               /* of a page that is written to swap, in accesses; sync: none */
  unsigned page_cluster;               /* at most 2^this pages are read from swap together; sync: one */
  uint64_t group_bytes;                /* limit of the group of all processes; 0: none */
  enum pw_system_reclaim reclaim;
  enum pw_system_oom oom;
  unsigned swappiness;                 /* 0 … 200 */
  unsigned watermark_scale;            /* in ten-thousandths of memory, between the watermarks */
  uint64_t min_free_bytes;             /* the watermark min; 0: by the kernel's formula */
  uint64_t quantum;                    /* accesses of a turn */
  enum pw_system_thp thp;
  uint64_t hugetlb[2];                 /* huge pages set aside at the start: of 2 MiB, and of 1 GiB */
  bool plain;                          /* the faults of pw_run: one for each page, frames of the process's own */
  bool cold;                           /* the pages of mapped files are not in memory before they are touched */
  unsigned asids;                      /* address spaces that the TLBs tell apart at a time */
  uint64_t rate;                       /* accesses of a simulated second */
  const struct pw_geometry *geometry;  /* borrowed */
  struct pw_sized_config tlbs;
  uint64_t seed;
  bool audit;                          /* look over the whole computer after each event and fault, and fail if it is at odds: slow */
  const char *label;                   /* borrowed: what its rows are called, so that charts tell them apart; or NULL */
  const char *setting;                 /* borrowed: the same without its quantum; or NULL */
};

/* The documented defaults for so much memory; THP is never below 512 MiB of it that the kernel manages. */
void pw_system_config_default(struct pw_system_config *config, uint64_t memory_bytes);

struct pw_system_program {
  const char *trace, *name; /* name NULL: the trace's */
  unsigned copies;          /* 0 = 1 */
  uint64_t start;           /* accesses of all programs before it begins */
  int oom_score_adj;        /* -1000 … 1000: added to its score, in thousandths of memory; -1000: it is never killed */
  int oom_adj;              /* Linux 2.6's, -17 … 15; where it is not 0 oom_score_adj follows from it */
  int nice;                 /* 1 … 19 doubles its points under `classic` */
};

struct pw_system_sums {
  struct pw_totals counted;
  uint64_t itlb_misses, dtlb_misses, stlb_lookups, stlb_misses, walks, walk_refs;
  uint64_t minor_faults, major_faults, swap_ins, swap_outs, refaults, activations, copies, swap_ra, swap_ra_hits;
  uint64_t thp_faults, thp_fallbacks, thp_collapses, thp_splits, thp_swap_outs;
  uint64_t hugetlb_faults, hugetlb_fails; /* that brought a huge page set aside; mappings of such that found too few */
};

struct pw_system_process {
  char *name;
  uint32_t program, process;   /* number of the program, and of the process in its trace */
  struct pw_system_sums sums;
  uint64_t resident_bytes, table_bytes, thp_bytes, swap_bytes, hugetlb_bytes; /* peaks; pages that are shared count in each */
  bool exited;                 /* its trace says that it ended; else it ended with the trace */
  bool killed;                 /* for want of memory */
  bool bus;                    /* … or of a huge page set aside: SIGBUS, at access bus_at */
  uint64_t bus_at;
  bool waited;                 /* its program began when nothing ran any more: the clock jumped to its start */
};

struct pw_system_slab {
  char *name;
  uint64_t object_bytes, objects, slabs, bytes, objects_peak, slabs_peak;
};

/* What there was at the end of a window, and what fell in it. */
struct pw_system_window {
  uint64_t access;             /* accesses of all programs so far */
  struct pw_system_sums sums;
  uint64_t free_bytes, table_bytes, slab_bytes, kernel_bytes, anon_bytes, file_bytes, thp_bytes, swap_bytes, hugetlb_bytes;
  uint64_t heap_bytes, heap_touched_bytes; /* of all heaps (brk): mapped, and what of it was touched since */
  uint64_t free_blocks[11][3]; /* by order, and unmovable, movable, reclaimable */
};

/* Of a kernel's events. */
struct pw_system_kernel_counts {
  uint64_t objects_came, objects_went, pages_came, pages_went;
  uint64_t user_pages, slab_pages, table_pages; /* passed over: movable; of slabs, and with programs of page tables, which the model takes itself */
  uint64_t unmatched, unseen;                   /* went, and never came; another came in its place, so that it went unseen */
};

/* A process that could have been killed, or was. */
struct pw_system_candidate {
  uint32_t process;            /* among the result's processes */
  uint32_t kill;               /* which kill it is about, from 0 */
  bool victim;
  int64_t points;              /* pages and what was added to them; under `classic` Linux 2.6's points */
  uint64_t score;              /* as /proc/PID/oom_score has it; under `classic` the points */
  uint64_t access;             /* when it was */
  uint64_t free_bytes, swap_free_bytes;
  bool group;                  /* the group was at its limit; else the computer had no frame */
};

/* What the kernel did about few frames, beside kills. Of one computer the first PW_SYSTEM_MOST_EVENTS are kept. */
enum pw_system_event_kind { PW_SYSTEM_KSWAPD, PW_SYSTEM_DIRECT_RECLAIM, PW_SYSTEM_THP_FALLBACK, PW_SYSTEM_EVENT_KINDS };
#define PW_SYSTEM_MOST_EVENTS 10000
struct pw_system_event {
  enum pw_system_event_kind kind;
  uint32_t process;            /* for whom, among the result's processes; UINT32_MAX: for one that was to begin */
  uint64_t access, freed_pages, free_bytes, swap_free_bytes;
};

/* What the processes did in one region of their memory: a segment of a file, the heap, a mapping. */
struct pw_system_region {
  char *name;
  uint32_t process;            /* among the result's processes */
  uint64_t walks, walk_refs, minor_faults, major_faults, thp_faults, thp_fallbacks;
  uint64_t own_bytes;          /* memory of the process's own that faults and khugepaged brought, for the first time */
};

struct pw_system_result {
  char *programs;              /* their names, in the order of the command line */
  struct pw_system_sums sums;
  uint64_t table_bytes, slab_bytes, kernel_bytes, anon_bytes, file_bytes, thp_bytes, swap_bytes, hugetlb_bytes; /* peaks; hugetlb: of what was set aside, in use */
  uint64_t oom_kills, direct_reclaims, kswapd_runs, scanned; /* scanned: pages that reclaim looked at */
  uint64_t swap_waits;         /* pages that reclaim waited for, until they were written */
  uint64_t group_peak_bytes, group_kernel_bytes; /* charged to the group at most; and of the kernel's alone */
  uint64_t managed_bytes, context_switches, asid_flushes;
  uint64_t writebacks;         /* pages of files, 30 simulated seconds after they were written through a mapping */
  uint64_t watermarks[3];      /* min, low, high, in pages */
  int frag_index_9;
  unsigned unusable_9;
  struct pw_system_kernel_counts kernel;
  size_t n_processes, n_slabs, n_windows, n_candidates, n_regions, n_events;
  struct pw_system_event *events; /* in their order */
  struct pw_system_region *regions; /* if they were asked for, in the order of their first walk or fault */
  struct pw_system_candidate *candidates; /* of the kills, in their order */
  struct pw_system_process *processes; /* in the order in which they began */
  struct pw_system_slab *slabs;
  struct pw_system_window *windows;
};

#define PW_SYSTEM_EVERY_FITTING UINT64_MAX

struct pw_system_options {
  struct pw_trace_options reading;
  uint64_t every;              /* accesses of a window; 0 = no windows; or PW_SYSTEM_EVERY_FITTING: 100 to 200 windows, 1000 x 2^k long */
  bool by_region;              /* the result has regions */
  uint64_t tell;               /* so many page faults, splits and collapses of the first computer are told, one by one in words */
  void (*told)(void *context, const char *sentence);
  void *told_context;
  bool recorded;               /* the addresses of recordings stay; else their mappings lie where the kernel puts them (space/places.h) */
  const char *kernel_events;   /* text of a kernel's tracepoints, which drives slab caches and the kernel's frames; or NULL */
  void (*read)(void *context, const struct pw_trace_info *info); /* of each trace, once it is read to its end; or NULL */
  void *read_context;
  pw_progress_fn *progress;
  void *progress_context;
};

/* One computer that the programs are to run on, and what came of it. */
struct pw_system_case {
  const struct pw_system_config *config; /* borrowed */
  struct pw_system_result result;        /* clear it, also after a failure */
  struct pw_error error;                 /* status 0: the result is there */
};

/* Runs the programs together on each of the computers, whose quantum must be the same: the traces are read once. When
 * one has no frame left, its error has the status PW_EUNSUPPORTED and says who holds what; the others go on. Returns 0, or
 * the status of the first that failed. */
int pw_system_run(const struct pw_system_program *programs, size_t n, struct pw_system_case *const *cases, size_t n_cases,
                  const struct pw_system_options *options);
void pw_system_clear(struct pw_system_result *result);

/* system.csv, processes.csv, slabs.csv, buddy.csv, series.csv, events.csv and regions.csv: header lines, and rows. */
enum pw_system_table { PW_SYSTEM_RUNS, PW_SYSTEM_PROCESSES, PW_SYSTEM_SLABS, PW_SYSTEM_BUDDY, PW_SYSTEM_SERIES, PW_SYSTEM_EVENTS,
                       PW_SYSTEM_REGIONS /* no rows unless they were asked for */, PW_SYSTEM_TABLES };
const char *pw_system_table_name(enum pw_system_table table); /* "system", … */
int pw_system_csv_header(FILE *out, enum pw_system_table table, struct pw_error *err);
/* All rows of one run. */
int pw_system_csv_rows(FILE *out, enum pw_system_table table, const struct pw_system_config *config,
                       const struct pw_system_result *result, struct pw_error *err);

/* ------------------------------------------------------------------------
 * Which engine answers what, and what memory that takes
 */

/* Configurations of one page size that one model answers together. */
struct pw_explained {
  unsigned page_shift;
  bool one_pass;
  bool unless_shared;   /* one pass holds only while no page is touched in two ways (fetched, loaded or stored, by the kernel)
                         * or shared after a fork; pw_run finds out, and simulates directly where one is */
  size_t n_configs;
  uint64_t fixed_bytes; /* about: tables and arrays, whatever the trace */
  uint64_t page_bytes;  /* about: and so many for each distinct page of the trace */
  char what[256];       /* for people: "112 DTLBs: 7 numbers of sets, up to 16 ways" */
};

/* The plan of pw_run for these configurations. *groups is freed with pw_explained_free. */
int pw_explain(const struct pw_config *configs, size_t n, const struct pw_run_options *options,
               struct pw_explained **groups, size_t *n_groups, struct pw_error *err);
void pw_explained_free(struct pw_explained *groups);

/* ------------------------------------------------------------------------
 * Curves: every size at once, from one pass
 */

enum pw_curve_of { PW_CURVE_DTLB, PW_CURVE_ITLB, PW_CURVE_STLB, PW_CURVE_MEMORY };

/* Fully associative LRU structures of every size, or LRU memories of every size. */
struct pw_curve_config {
  enum pw_curve_of of;
  unsigned page_shift;
  struct pw_tlb_config itlb, dtlb; /* before the second level; only for PW_CURVE_STLB */
};

struct pw_curve_point {
  uint64_t entries;   /* TLB entries, or frames */
  uint64_t misses;    /* misses, or faults */
  uint64_t swap_outs; /* memory only */
};

/* The points at which a count changes, in rising order of entries: the first is 1 (for
 * memory 2); from the last on only first touches miss and nothing is written back.
 * Between two points the counts are those of the lower. */
struct pw_curve {
  size_t n_points;
  struct pw_curve_point *points;
  uint64_t lookups;   /* what a miss rate divides by: fetches, loads + stores, second-level
                       * lookups, or all accesses */
};

/* Runs the trace once; curves[i] answers configs[i] (free them with pw_curves_clear). */
int pw_curve_run(struct pw_trace *trace, const struct pw_curve_config *configs, size_t n,
                 const struct pw_run_options *options, struct pw_curve *curves, struct pw_error *err);
void pw_curves_clear(struct pw_curve *curves, size_t n);
/* The knee: the size at which misses fall most, in proportion, against half that size; 0 when
 * no doubling saves more than a third. */
uint64_t pw_curve_knee(const struct pw_curve *curve);

/* ------------------------------------------------------------------------
 * Series: one configuration over time
 */

/* What fell in a window, and what there was at its end. */
struct pw_window {
  uint64_t access;           /* at its end: accesses run so far, of both streams and with the warm-up */
  struct pw_result counts;   /* those that struct pw_count says a series has; of levels what they are at its end, not the peaks */
  struct pw_window_area {
    uint64_t bytes;          /* mapped at its end */
    uint64_t minor_faults;
    uint64_t returned_bytes; /* of pages in use that were unmapped or discarded, but not by exec or exit */
  } heap, mmap;              /* areas that map events call [heap], and other anonymous ones */
};

struct pw_series {
  size_t n_windows;          /* at least 1 */
  struct pw_window *windows;
  bool has_areas;            /* the trace has map events: heap and mmap are known */
  struct pw_result total;    /* what pw_run says; each count is the sum of the windows' */
};

#define PW_SERIES_MOST 1000000u

/* Runs the trace through one configuration. Windows end at visits: the first visit at whose end
 * a multiple of `every` (at least 1) accesses since the warm-up is reached ends a window, so that a
 * visit longer than `every` makes one long window; the last is what is left over. More than
 * PW_SERIES_MOST windows, or a table too narrow for an address, is PW_EINVAL. Free with
 * pw_series_clear. */
int pw_series_run(struct pw_trace *trace, const struct pw_config *config, uint64_t every,
                  const struct pw_run_options *options, struct pw_series *series, struct pw_error *err);
void pw_series_clear(struct pw_series *series);

/* ------------------------------------------------------------------------
 * Sweeps: cross products of lists
 */

/* One TLB specification: lists of entries, ways (0 = full) and policies. */
struct pw_tlb_spec {
  size_t n_entries, n_ways, n_policies;
  const uint32_t *entries; /* an entry of 0 is "none" */
  const uint32_t *ways;
  const int *policies;
};

/* A list for each parameter, by its number; every combination is a configuration. n = 0: its initial value.
 * Values are struct pw_geometry of tables, struct pw_tlb_spec of TLBs, and else uint64_t: of pages the log2 of
 * their bytes, of choices the index. */
struct pw_grid {
  struct pw_grid_list {
    size_t n;
    const void *values;
  } of[PW_PARAMETERS_MOST];
};

/* Configurations in CSV row order; equal ones appear once. The geometries of
 * the grid are borrowed by the configurations. */
struct pw_plan {
  size_t n_configs;
  struct pw_config *configs;
  size_t n_left_out; /* combinations that are impossible */
  struct pw_error first_left_out; /* why the first of them is */
};

/* Adds a grid's configurations to the plan (zero it first); max_configs bounds the total. */
int pw_plan_add(struct pw_plan *plan, const struct pw_grid *grid, size_t max_configs,
                struct pw_error *err);
void pw_plan_clear(struct pw_plan *plan);

/* ------------------------------------------------------------------------
 * Rows: CSV and JSON
 */

/* The header line of results.csv, and one row. Return 0 or PW_EIO. */
int pw_csv_write_header(FILE *out, struct pw_error *err);
int pw_csv_write_row(FILE *out, const char *trace, const struct pw_config *config,
                     const struct pw_result *result, struct pw_error *err);
/* One JSON object with the same names. */
int pw_json_write_row(FILE *out, const char *trace, const struct pw_config *config,
                      const struct pw_result *result, struct pw_error *err);
/* Writes text quoted for CSV (RFC 4180) or as a JSON string with its quotes. */
int pw_csv_write_text(FILE *out, const char *text);
int pw_json_write_text(FILE *out, const char *text);

/* attribution.csv and heat.csv: header lines, and a row for an owner or a cell; an owner as JSON. */
int pw_owner_csv_header(FILE *out, struct pw_error *err);
int pw_owner_csv_row(FILE *out, const char *trace, const struct pw_config *config, enum pw_by by,
                     const struct pw_owner *owner, struct pw_error *err);
int pw_owner_json_row(FILE *out, const char *trace, const struct pw_config *config, enum pw_by by,
                      const struct pw_owner *owner, struct pw_error *err);
int pw_heat_csv_header(FILE *out, struct pw_error *err);
int pw_heat_csv_row(FILE *out, const char *trace, enum pw_heat_of of, const struct pw_heat_cell *cell,
                    struct pw_error *err);

/* The columns of results.csv by number: the name (or NULL past the end) and the value
 * as text ("" when it does not apply). */
const char *pw_row_column(size_t column);
void pw_row_text(char *text, size_t n_text, size_t column, const struct pw_config *config,
                 const struct pw_result *result); /* column 0, the trace, gives "" */

/* A file that gets its final name only when it is whole. */
struct pw_output;
int pw_output_open(struct pw_output **output, const char *path, struct pw_error *err);
FILE *pw_output_stream(struct pw_output *output);
/* Flush, sync, close, rename. On failure the temporary file is removed. Frees. */
int pw_output_commit(struct pw_output *output, struct pw_error *err);
/* Gives up: removes the temporary file. Frees. NULL is fine. */
void pw_output_abandon(struct pw_output *output);

/* ------------------------------------------------------------------------
 * Charts
 */

struct pw_chart_options {
  const char *folder;   /* where the charts go; it is created */
  const char *format;   /* "svg" (default), "png", "pdf", "terminal" (text files "x.txt") */
  const char *only;     /* one name of PW_LIST_CHARTS, or NULL: all that the data can feed */
  /* a free chart instead of the standard set, when x is set: */
  const char *x, *y, *by; /* CSV column names; by may be NULL */
  /* told of each chart drawn or left out (reason != NULL); may be NULL */
  void (*report)(void *context, const char *chart, const char *path, const char *reason);
  /* asked before each chart; true ends with PW_EINTERRUPTED, and what is drawn stays; may be NULL */
  bool (*stop)(void *context);
  void *context;
};

/* Draws charts from CSV files with the columns of results.csv; returns how many. */
int pw_charts_draw(const char *const *csv_paths, size_t n_paths,
                   const struct pw_chart_options *options, struct pw_error *err);

#ifdef __cplusplus
}
#endif
#endif
