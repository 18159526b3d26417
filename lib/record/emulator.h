/* The emulator for a program of another machine: which QEMU, and what it needs. */
#ifndef PW_EMULATOR_H
#define PW_EMULATOR_H

#include "pagewalk.h"

struct pw_emulator {
  char qemu[4096];
  char plugin[4096];
  const char *cpu;    /* or NULL: QEMU's default */
  char sysroot[4096]; /* where the program's loader and libraries are; "" = not told */
};

/* Chooses by the ELF header of `program`. `qemu` and `sysroot` are the user's choice, or NULL. */
int pw_emulator_choose(struct pw_emulator *emulator, const char *program, const char *folder, const char *qemu,
                       const char *sysroot, struct pw_error *err);

#endif
