/* The emulator for a program of another machine: which QEMU, and what it needs.
 *
 * The ELF header names the machine, the table below QEMU's name for it and the folder where Debian's
 * cross packages put its libraries. Everything that QEMU would stumble over is looked for here,
 * since its own messages come from the middle of its start. */
#include "record/emulator.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record/program.h"

#ifndef EM_LOONGARCH
#define EM_LOONGARCH 258
#endif

static const struct emulated {
  uint16_t number;
  uint8_t class, order;
  const char *qemu, *debian;
  const char *cpu; /* one whose accesses are all seen: those of SVE are not */
} machines[] = {
    {EM_AARCH64, ELFCLASS64, ELFDATA2LSB, "aarch64", "aarch64-linux-gnu", "max,sve=off,sme=off"},
    {EM_AARCH64, ELFCLASS64, ELFDATA2MSB, "aarch64_be", NULL, "max,sve=off,sme=off"},
    {EM_RISCV, ELFCLASS64, ELFDATA2LSB, "riscv64", "riscv64-linux-gnu", NULL},
    {EM_RISCV, ELFCLASS32, ELFDATA2LSB, "riscv32", NULL, NULL},
    {EM_X86_64, ELFCLASS64, ELFDATA2LSB, "x86_64", "x86_64-linux-gnu", NULL},
    {EM_386, ELFCLASS32, ELFDATA2LSB, "i386", "i686-linux-gnu", NULL},
    {EM_ARM, ELFCLASS32, ELFDATA2LSB, "arm", "arm-linux-gnueabihf", NULL},
    {EM_ARM, ELFCLASS32, ELFDATA2MSB, "armeb", NULL, NULL},
    {EM_LOONGARCH, ELFCLASS64, ELFDATA2LSB, "loongarch64", NULL, NULL},
    {EM_PPC64, ELFCLASS64, ELFDATA2LSB, "ppc64le", "powerpc64le-linux-gnu", NULL},
    {EM_PPC64, ELFCLASS64, ELFDATA2MSB, "ppc64", "powerpc64-linux-gnu", NULL},
    {EM_S390, ELFCLASS64, ELFDATA2MSB, "s390x", "s390x-linux-gnu", NULL},
    {EM_MIPS, ELFCLASS64, ELFDATA2LSB, "mips64el", "mips64el-linux-gnuabi64", NULL},
};

struct elf {
  int fd;
  bool wide, big;
};

/* An unsigned field of n bytes in the file's own order; 0 behind its end. */
static uint64_t field(const struct elf *elf, uint64_t at, size_t n)
{
  unsigned char bytes[8] = {0};
  uint64_t value = 0;
  if (at > INT64_MAX || pread(elf->fd, bytes, n, (off_t)at) != (ssize_t)n) return 0;
  for (size_t i = 0; i < n; i++) value = value << 8 | bytes[elf->big ? i : n - 1 - i];
  return value;
}

/* The dynamic loader that the program names, or "". */
static void read_loader(const struct elf *elf, char *loader, size_t n_loader)
{
  size_t word = elf->wide ? 8 : 4;
  uint64_t table = field(elf, elf->wide ? 32 : 28, word), entry = field(elf, elf->wide ? 54 : 42, 2);
  uint64_t n = field(elf, elf->wide ? 56 : 44, 2);
  loader[0] = '\0';
  for (uint64_t i = 0, at = table; i < n; i++, at += entry) {
    if (field(elf, at, 4) != PT_INTERP) continue;
    uint64_t from = field(elf, at + word, word);
    ssize_t got = from > INT64_MAX ? 0 : pread(elf->fd, loader, n_loader - 1, (off_t)from);
    loader[got < 0 ? 0 : got] = '\0';
    return;
  }
}

static const struct emulated *read_header(const char *path, char *loader, size_t n_loader, struct pw_error *err)
{
  unsigned char ident[EI_NIDENT] = {0};
  struct elf elf = {.fd = open(path, O_RDONLY | O_CLOEXEC)};
  if (elf.fd < 0) {
    pw_error_set(err, PW_EUNSUPPORTED, "%s may be run but not read: %s; recording needs to read it", path, strerror(errno));
    return NULL;
  }
  if (pread(elf.fd, ident, sizeof ident, 0) != (ssize_t)sizeof ident || memcmp(ident, ELFMAG, SELFMAG) != 0) {
    close(elf.fd);
    pw_error_set(err, PW_EUNSUPPORTED,
                 "%s is not an ELF program; --backend qemu runs only such, so name the interpreter of a script", path);
    return NULL;
  }
  elf.wide = ident[EI_CLASS] == ELFCLASS64;
  elf.big = ident[EI_DATA] == ELFDATA2MSB;
  uint64_t number = field(&elf, 18, 2);
  read_loader(&elf, loader, n_loader);
  close(elf.fd);
  for (const struct emulated *m = machines; m < machines + sizeof machines / sizeof *machines; m++)
    if (m->number == number && m->class == ident[EI_CLASS] && m->order == ident[EI_DATA]) return m;
  pw_error_set(err, PW_EUNSUPPORTED, "%s is for a machine (ELF number %u) that is not known to record under QEMU", path,
               (unsigned)number);
  return NULL;
}

static int find_qemu(struct pw_emulator *e, const struct emulated *machine, const char *chosen, struct pw_error *err)
{
  char name[64];
  struct pw_error why;
  snprintf(name, sizeof name, "qemu-%s", machine->qemu);
  if (pw_program_find(e->qemu, sizeof e->qemu, chosen ? chosen : name, &why) == 0) return 0;
  if (chosen) return pw_error_set(err, PW_EUNSUPPORTED, "--qemu: %s", why.text);
  return pw_error_set(err, PW_EUNSUPPORTED, "there is no %s in PATH, which this program needs: install the package qemu-user, or "
                                            "name it with --qemu", name);
}

static int find_loader(struct pw_emulator *e, const struct emulated *machine, const char *program, const char *loader,
                       const char *chosen, struct pw_error *err)
{
  char path[8192], package[64] = "";
  const char *theirs = getenv("QEMU_LD_PREFIX");
  if (chosen && snprintf(e->sysroot, sizeof e->sysroot, "%s", chosen) >= (int)sizeof e->sysroot)
    return pw_error_set(err, PW_EINVAL, "the path of --sysroot is too long");
  if (!chosen && !theirs && machine->debian) {
    snprintf(e->sysroot, sizeof e->sysroot, "/usr/%s", machine->debian);
    if (access(e->sysroot, X_OK)) e->sysroot[0] = '\0';
  }
  if (!loader[0]) return 0;
  const char *root = e->sysroot[0] ? e->sysroot : theirs ? theirs : "";
  snprintf(path, sizeof path, "%s%s", root, loader);
  if (access(path, R_OK) == 0 || access(loader, R_OK) == 0) return 0;
  if (machine->debian)
    snprintf(package, sizeof package, ", which Debian's libc6 cross packages put into /usr/%s", machine->debian);
  return pw_error_set(err, PW_EUNSUPPORTED, "%s needs the dynamic loader %s, and it is not in '%s'; name its folder with "
                                            "--sysroot%s, or link the program with -static",
                      program, loader, root[0] ? root : "/", package);
}

int pw_emulator_choose(struct pw_emulator *e, const char *program, const char *folder, const char *qemu,
                       const char *sysroot, struct pw_error *err)
{
  char loader[512];
  memset(e, 0, sizeof *e);
  const struct emulated *machine = read_header(program, loader, sizeof loader, err);
  if (!machine) return PW_EUNSUPPORTED;
  int n = folder ? snprintf(e->plugin, sizeof e->plugin, "%s/libpagewalk-qemu.so", folder) : -1;
  if (n < 0 || (size_t)n >= sizeof e->plugin || access(e->plugin, R_OK))
    return pw_error_set(err, PW_EUNSUPPORTED,
                        "this pagewalk was built without its plugin for QEMU, libpagewalk-qemu.so; build it again on Linux");
  if (strchr(e->plugin, ','))
    return pw_error_set(err, PW_EUNSUPPORTED, "QEMU cannot load %s, since there is a comma in its path", e->plugin);
  e->cpu = getenv("QEMU_CPU") ? NULL : machine->cpu;
  int status = find_qemu(e, machine, qemu, err);
  return status ? status : find_loader(e, machine, program, loader, sysroot, err);
}
