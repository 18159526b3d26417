/* A process, and what the kernel keeps of it. See process.h. The order of requests is that of copy_process (kernel/fork.c). */
#include "os/linux/process.h"

#include <string.h>

#include "base/alloc.h"

static int take_thread(struct pw_computer *c, struct pw_thread *t)
{
  int status = pw_computer_take_object(c, PW_SLAB_TASK, &t->task);
  if (status) return status;
  status = pw_computer_take_stack(c, t->stack);
  if (status) pw_computer_give_object(c, PW_SLAB_TASK, t->task);
  return status;
}

static void give_thread(struct pw_computer *c, const struct pw_thread *t)
{
  pw_computer_give_stack(c, t->stack);
  pw_computer_give_object(c, PW_SLAB_TASK, t->task);
}

/* What a process has one each of, in the order in which it is asked for. */
static const struct {
  unsigned slab;
  size_t offset;
} objects[] = {{PW_SLAB_FILES, offsetof(struct pw_process, files)},
               {PW_SLAB_SIGHAND, offsetof(struct pw_process, sighand)},
               {PW_SLAB_SIGNAL, offsetof(struct pw_process, signal)},
               {PW_SLAB_MM, offsetof(struct pw_process, mm_object)}};
enum { N_OBJECTS = sizeof objects / sizeof *objects };

static uint32_t *object_at(struct pw_process *p, size_t i)
{
  return (uint32_t *)(void *)((char *)p + objects[i].offset);
}

/* The first n, last first. */
static void give_objects(struct pw_process *p, struct pw_computer *c, size_t n)
{
  while (n--) pw_computer_give_object(c, objects[n].slab, *object_at(p, n));
}

/* All or nothing. */
static int take_objects(struct pw_process *p, struct pw_computer *c)
{
  int status = take_thread(c, &p->first);
  size_t n = 0;
  if (status) return status;
  while (!status && n < N_OBJECTS) {
    status = pw_computer_take_object(c, objects[n].slab, object_at(p, n));
    n += !status;
  }
  if (!status) return 0;
  give_objects(p, c, n);
  give_thread(c, &p->first);
  return status;
}

static int begin(struct pw_process *p, struct pw_computer *c, struct pw_process *parent, struct pw_error *err)
{
  int status = take_objects(p, c);
  if (status) return pw_mm_status(status, err);
  status = pw_mm_begin(&p->mm, c, err);
  if (!status && parent) status = pw_mm_fork_into(&parent->mm, &p->mm, err);
  if (!status) status = pw_computer_take_object(c, PW_SLAB_PID, &p->first.pid);
  p->lives = !status;
  if (!status) return 0;
  pw_mm_clear(&p->mm);
  give_objects(p, c, N_OBJECTS);
  give_thread(c, &p->first);
  return pw_mm_status(status, err);
}

int pw_process_begin(struct pw_process *p, struct pw_computer *c, uint32_t number, struct pw_error *err)
{
  *p = (struct pw_process){.number = number};
  return begin(p, c, NULL, err);
}

int pw_process_fork(struct pw_process *child, struct pw_process *parent, uint32_t number, struct pw_error *err)
{
  *child = (struct pw_process){.parent = parent, .number = number, .adj = parent->adj, .oom_adj = parent->oom_adj, .nice = parent->nice};
  return begin(child, parent->mm.computer, parent, err);
}

/* Of one that could not begin, or has ended, nothing is left. */
void pw_process_end(struct pw_process *p)
{
  struct pw_computer *c = p->mm.computer;
  if (!p->lives) return;
  for (size_t i = 0; i < p->n_threads; i++) {
    pw_computer_give_object(c, PW_SLAB_PID, p->threads[i].pid);
    give_thread(c, &p->threads[i]);
  }
  pw_mm_clear(&p->mm); /* frames and objects come back */
  give_objects(p, c, N_OBJECTS);
  pw_computer_give_object(c, PW_SLAB_PID, p->first.pid);
  give_thread(c, &p->first);
  pw_free(p->threads);
  p->threads = NULL;
  p->n_threads = p->threads_room = 0;
  p->lives = false;
}

int pw_process_start_thread(struct pw_process *p, uint64_t id, struct pw_error *err)
{
  struct pw_computer *c = p->mm.computer;
  if (pw_grow((void **)&p->threads, &p->threads_room, p->n_threads + 1, sizeof *p->threads)) return pw_mm_no_memory(err);
  struct pw_thread *t = &p->threads[p->n_threads];
  *t = (struct pw_thread){.id = id};
  int status = take_thread(c, t);
  if (!status) {
    status = pw_computer_take_object(c, PW_SLAB_PID, &t->pid);
    if (status) give_thread(c, t);
  }
  p->n_threads += !status;
  return pw_mm_status(status, err);
}

void pw_process_end_thread(struct pw_process *p, uint64_t id)
{
  for (size_t i = 0; i < p->n_threads; i++)
    if (p->threads[i].id == id) {
      pw_computer_give_object(p->mm.computer, PW_SLAB_PID, p->threads[i].pid);
      give_thread(p->mm.computer, &p->threads[i]);
      p->threads[i] = p->threads[--p->n_threads];
      return;
    }
}
