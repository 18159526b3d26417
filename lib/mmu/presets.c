/* Machine presets: the TLBs of real processors, by page size.
 *
 * Figures are the makers' (Intel 64 and IA-32 Optimization Reference Manual; Arm
 * Cortex-A53, A72 and Neoverse N1 Technical Reference Manuals; SiFive U74 Core
 * Complex Manual). What a preset cannot say: Intel's and Arm's parts replace by
 * policies that are not published (LRU here), and partition some structures
 * between threads. Parts with two separate second levels are left out, since the
 * model has one unified second level. Adding a machine is one row. */
#include "mmu/presets.h"

#include <string.h>

#include "base/nearest.h"

/* For one class of page size; entries 0 = there is none for that size. */
struct tlbs {
  struct pw_tlb_config itlb, dtlb, stlb;
};

static const struct {
  const char *name, *summary;
  struct tlbs small, huge, giant; /* 4K to 64K; 1M to 512M; 1G and up */
} machines[] = {
    {"haswell", "Intel Haswell (2013): 128:4, 64:4, 1024:8",
     {{128, 4, 0}, {64, 4, 0}, {1024, 8, 0}}, {{8, 8, 0}, {32, 4, 0}, {1024, 8, 0}}, {{0, 0, 0}, {4, 4, 0}, {0, 0, 0}}},
    {"skylake", "Intel Skylake (2015): 128:8, 64:4, 1536:12",
     {{128, 8, 0}, {64, 4, 0}, {1536, 12, 0}}, {{8, 8, 0}, {32, 4, 0}, {1536, 12, 0}}, {{0, 0, 0}, {4, 4, 0}, {16, 4, 0}}},
    {"sandy-bridge", "Intel Sandy Bridge (2011): 128:4, 64:4, 512:4",
     {{128, 4, 0}, {64, 4, 0}, {512, 4, 0}}, {{8, 8, 0}, {32, 4, 0}, {0, 0, 0}}, {{0, 0, 0}, {4, 4, 0}, {0, 0, 0}}},
    {"cortex-a53", "Arm Cortex-A53 (2012): 10:full, 10:full, 512:4",
     {{10, 10, 0}, {10, 10, 0}, {512, 4, 0}}, {{10, 10, 0}, {10, 10, 0}, {512, 4, 0}}, {{10, 10, 0}, {10, 10, 0}, {512, 4, 0}}},
    {"cortex-a72", "Arm Cortex-A72 (2015): 48:full, 32:full, 1024:4",
     {{48, 48, 0}, {32, 32, 0}, {1024, 4, 0}}, {{48, 48, 0}, {32, 32, 0}, {1024, 4, 0}}, {{48, 48, 0}, {32, 32, 0}, {1024, 4, 0}}},
    {"neoverse-n1", "Arm Neoverse N1 (2019): 48:full, 48:full, 1280:5",
     {{48, 48, 0}, {48, 48, 0}, {1280, 5, 0}}, {{48, 48, 0}, {48, 48, 0}, {1280, 5, 0}}, {{48, 48, 0}, {48, 48, 0}, {1280, 5, 0}}},
    {"sifive-u74", "SiFive U74 (2018): 40:full, 40:full, 512:1",
     {{40, 40, 0}, {40, 40, 0}, {512, 1, 0}}, {{40, 40, 0}, {40, 40, 0}, {512, 1, 0}}, {{40, 40, 0}, {40, 40, 0}, {512, 1, 0}}},
};

#define N_MACHINES (sizeof machines / sizeof *machines)

bool pw_machine_entry(size_t index, struct pw_list_entry *entry)
{
  if (index >= N_MACHINES) return false;
  *entry = (struct pw_list_entry){machines[index].name, machines[index].summary};
  return true;
}

int pw_machine_find(struct pw_config *config, const char *name, struct pw_error *err)
{
  for (size_t i = 0; i < N_MACHINES; i++) {
    if (strcmp(machines[i].name, name) != 0) continue;
    const struct tlbs *t = config->page_shift < 20   ? &machines[i].small
                           : config->page_shift < 30 ? &machines[i].huge
                                                     : &machines[i].giant;
    config->itlb = t->itlb;
    config->dtlb = t->dtlb;
    config->stlb = t->stlb;
    return 0;
  }
  const char *near = pw_nearest_entry(pw_machine_entry, name);
  return pw_error_set(err, PW_EINVAL, "there is no machine named %s%s%s; see pagewalk list machines", name,
                      near ? "; did you mean " : "", near ? near : "");
}
