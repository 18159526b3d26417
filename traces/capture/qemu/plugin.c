/* The plugin: what QEMU calls, from its loading to the end of the program.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Loaded as -plugin libpagewalk-qemu.so,ring=NAME. Code that is translated once the recorder has
 * stopped reading is left alone. */
#include <stdio.h>
#include <string.h>

#include "plugin.h"

int qemu_plugin_version __attribute__((visibility("default"))) = QEMU_API_VERSION;

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
  (void)id;
  static bool started;
  size_t n = qemu_plugin_tb_n_insns(tb);
  if (!started && n) {
    struct qemu_plugin_insn *first = qemu_plugin_tb_get_insn(tb, 0);
    events_start(qemu_plugin_insn_vaddr(first), qemu_plugin_insn_haddr(first));
    started = true;
  }
  if (__atomic_load_n(&ring->stop, __ATOMIC_RELAXED)) return;
  struct code *code = code_find(tb);
  if (!code) return;
  for (size_t i = 0; i < n; i++) {
    struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
    bool last = i + 1 == n;
    if (last) qemu_plugin_register_vcpu_insn_exec_cb(insn, run_last, QEMU_PLUGIN_CB_NO_REGS, code);
    qemu_plugin_register_vcpu_mem_cb(insn, last ? run_last_access : run_access, QEMU_PLUGIN_CB_NO_REGS,
                                     QEMU_PLUGIN_MEM_RW, &code->insns[i]);
  }
}

static void vcpu_begins(qemu_plugin_id_t id, unsigned vcpu)
{
  (void)id, (void)vcpu;
  thread_more();
}

static void vcpu_ends(qemu_plugin_id_t id, unsigned vcpu)
{
  (void)id, (void)vcpu;
  thread_end();
}

static void end(qemu_plugin_id_t id, void *data)
{
  (void)id, (void)data;
  events_end();
}

__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv)
{
  if (info->system_emulation || argc != 1 || strncmp(argv[0], "ring=", 5) != 0) {
    fprintf(stderr, "libpagewalk-qemu.so is for QEMU's user mode, with ring=NAME; pagewalk record --backend qemu starts it\n");
    return 1;
  }
  events_prepare(info->target_name);
  channel_open(argv[0] + 5);
  qemu_plugin_register_vcpu_init_cb(id, vcpu_begins);
  qemu_plugin_register_vcpu_exit_cb(id, vcpu_ends);
  qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
  qemu_plugin_register_vcpu_syscall_cb(id, events_before);
  qemu_plugin_register_vcpu_syscall_ret_cb(id, events_after);
  qemu_plugin_register_atexit_cb(id, end, NULL);
  return 0;
}
