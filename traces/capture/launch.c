/* Starts the capture tool, for the recorder and whenever a recorded program executes another.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Valgrind's core wants to be started by a launcher that names itself in VALGRIND_LAUNCHER. This
 * one lies in the folder of the tool, and so needs no Valgrind on the machine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
  char self[4096], tool[4200];
  ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  if (n < 0 || argc < 2) return 127;
  self[n] = '\0';
  setenv("VALGRIND_LAUNCHER", self, 1);
  char *slash = strrchr(self, '/');
  *slash = '\0';
  snprintf(tool, sizeof tool, "%s/pagewalk-amd64-linux", self);
  execv(tool, argv);
  fprintf(stderr, "%s cannot be started\n", tool);
  return 127;
}
