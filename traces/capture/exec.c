/* What the program executes: told to the recorder, and whether it can be recorded too.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A program that is setuid would lose its rights under Valgrind, and one that is not for 64-bit
 * x86-64 cannot run there: both are executed as they are, without being recorded. So are scripts whose
 * interpreters are scripts, which Valgrind starts with other arguments than the kernel. */
#include "capture.h"

#include "pub_tool_libcbase.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_vki.h"

enum { MOST_NAME = 512 /* words: PATH_MAX */, HEAD = 256, ELF64 = 2, X86_64 = 62 };

Bool __wrap_vgPlain_should_we_trace_this_child(const HChar *name, const HChar **arguments);
extern Bool __real_vgPlain_should_we_trace_this_child(const HChar *name, const HChar **arguments);

/* The word behind #!, in place. */
static HChar *interpreter(HChar *head)
{
  HChar *start = head + 2, *end;
  while (*start == ' ' || *start == '\t') start++;
  for (end = start; *end && *end != ' ' && *end != '\t' && *end != '\n'; end++) continue;
  *end = '\0';
  return start;
}

static Bool can_be_recorded(const HChar *name)
{
  HChar heads[2][HEAD + 1];
  for (UInt depth = 0; depth < 2; depth++) {
    HChar *head = heads[depth];
    struct vg_stat st;
    SysRes opened = VG_(open)(name, VKI_O_RDONLY, 0);
    if (sr_isError(opened)) return True; /* let it fail */
    Int fd = (Int)sr_Res(opened), got = VG_(read)(fd, head, HEAD), bad = VG_(fstat)(fd, &st);
    VG_(close)(fd);
    head[got < 0 ? 0 : got] = '\0';
    if (!bad && depth == 0 && (st.mode & (VKI_S_ISUID | VKI_S_ISGID))) return False;
    if (got < 20 && (got < 2 || head[0] != '#')) return True;
    if (VG_(memcmp)(head, "\177ELF", 4) == 0) return head[4] == ELF64 && head[18] == X86_64 && head[19] == 0;
    if (head[0] != '#' || head[1] != '!') return True;
    name = interpreter(head);
  }
  return False;
}

/* The one moment at which it is known that a program is there and about to be executed. */
Bool __wrap_vgPlain_should_we_trace_this_child(const HChar *name, const HChar **arguments)
{
  ULong words[MOST_NAME] = {1};
  Bool wanted = __real_vgPlain_should_we_trace_this_child(name, arguments);
  Bool possible = !wanted || !name || can_be_recorded(name);
  channel_record(PW_RING_EXEC, words, name_words(words, name ? name : ""));
  if (!possible) channel_record(PW_RING_UNRECORDED, words, 1);
  channel_flush();
  return wanted && possible;
}
