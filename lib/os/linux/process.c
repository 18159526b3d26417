/* A process, and what the kernel keeps of it. See process.h. The order of requests is that of copy_process (kernel/fork.c). */
#include "os/linux/process.h"

#include <string.h>

#include "base/alloc.h"

static int take_thread(struct pw_computer *c, struct pw_thread *t)
{
  int status = pw_computer_take_object(c, PW_SLAB_TASK, &t->task);
  return status ? status : pw_computer_take_stack(c, t->stack);
}

static void give_thread(struct pw_computer *c, const struct pw_thread *t)
{
  pw_computer_give_object(c, PW_SLAB_PID, t->pid);
  pw_computer_give_stack(c, t->stack);
  pw_computer_give_object(c, PW_SLAB_TASK, t->task);
}

static int begin(struct pw_process *p, struct pw_computer *c, struct pw_process *parent, struct pw_error *err)
{
  memset(p, 0, sizeof *p);
  int status = take_thread(c, &p->first);
  if (!status) status = pw_computer_take_object(c, PW_SLAB_FILES, &p->files);
  if (!status) status = pw_computer_take_object(c, PW_SLAB_SIGHAND, &p->sighand);
  if (!status) status = pw_computer_take_object(c, PW_SLAB_SIGNAL, &p->signal);
  if (!status) status = pw_computer_take_object(c, PW_SLAB_MM, &p->mm_object);
  if (!status) status = pw_mm_begin(&p->mm, c, err);
  if (!status && parent) status = pw_mm_fork_into(&parent->mm, &p->mm, err);
  if (!status) status = pw_computer_take_object(c, PW_SLAB_PID, &p->first.pid);
  p->lives = !status;
  return pw_mm_status(status, err);
}

int pw_process_begin(struct pw_process *p, struct pw_computer *c, struct pw_error *err)
{
  return begin(p, c, NULL, err);
}

int pw_process_fork(struct pw_process *child, struct pw_process *parent, struct pw_error *err)
{
  return begin(child, parent->mm.computer, parent, err);
}

void pw_process_end(struct pw_process *p)
{
  struct pw_computer *c = p->mm.computer;
  if (p->lives) {
    for (size_t i = 0; i < p->n_threads; i++) give_thread(c, &p->threads[i]);
    pw_mm_clear(&p->mm); /* frames and objects come back */
    pw_computer_give_object(c, PW_SLAB_MM, p->mm_object);
    pw_computer_give_object(c, PW_SLAB_SIGNAL, p->signal);
    pw_computer_give_object(c, PW_SLAB_SIGHAND, p->sighand);
    pw_computer_give_object(c, PW_SLAB_FILES, p->files);
    give_thread(c, &p->first);
  } else {
    pw_mm_clear(&p->mm); /* one that could not begin; of one that ended nothing is left */
  }
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
  if (!status) status = pw_computer_take_object(c, PW_SLAB_PID, &t->pid);
  p->n_threads += !status;
  return pw_mm_status(status, err);
}

void pw_process_end_thread(struct pw_process *p, uint64_t id)
{
  for (size_t i = 0; i < p->n_threads; i++)
    if (p->threads[i].id == id) {
      give_thread(p->mm.computer, &p->threads[i]);
      p->threads[i] = p->threads[--p->n_threads];
      return;
    }
}
