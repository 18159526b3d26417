/* The block loop. See pipeline.h. */
#include "engine/pipeline.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"

#define AHEAD 3 /* blocks in hand: decoded, accounted, modelled */

/* A block that stays while the trace reads on. */
struct copy {
  struct pw_block block;
  uint64_t *pages;
  uint16_t *page, *counts;
  uint8_t *flags;
  struct pw_event *events;
  char *texts;           /* of the events */
  size_t events_room, texts_room;
  bool there;
};

struct steps {
  struct pw_pipeline *pipeline;
  struct copy copies[AHEAD];
  const struct pw_paged **numbered[2]; /* [step % 2][n_accounts] */
  size_t step;          /* number of the block that the models eat */
  bool ended;           /* no block comes any more */
  atomic_size_t next;   /* task */
  pthread_mutex_t lock; /* of what follows */
  pthread_cond_t begin, end;
  size_t round;
  unsigned busy;
  bool stop;
  int status;           /* the first failure */
  struct pw_error failure;
};

static int out_of_memory(struct pw_error *err)
{
  return pw_error_set(err, PW_ENOMEM, "memory ran out for blocks on their way to the models; free some, or take fewer --jobs");
}

static int create_copy(struct copy *c)
{
  c->pages = pw_malloc(PW_BLOCK_VISITS, sizeof *c->pages);
  c->page = pw_malloc(PW_BLOCK_VISITS, sizeof *c->page);
  c->flags = pw_malloc(PW_BLOCK_VISITS, 1);
  return c->pages && c->page && c->flags ? 0 : -1;
}

static void free_copy(struct copy *c)
{
  pw_free(c->pages);
  pw_free(c->page);
  pw_free(c->counts);
  pw_free(c->flags);
  pw_free(c->events);
  pw_free(c->texts);
}

static int copy_events(struct copy *c, const struct pw_block *b)
{
  size_t n_texts = 0, at = 0;
  for (uint32_t i = 0; i < b->n_events; i++) n_texts += b->events[i].text_bytes;
  if (pw_grow((void **)&c->events, &c->events_room, b->n_events, sizeof *c->events) ||
      pw_grow((void **)&c->texts, &c->texts_room, n_texts, 1))
    return -1;
  for (uint32_t i = 0; i < b->n_events; i++) {
    struct pw_event *e = &c->events[i];
    *e = b->events[i];
    if (!e->text_bytes) continue;
    e->text = memcpy(c->texts + at, e->text, e->text_bytes);
    at += e->text_bytes;
  }
  return 0;
}

static int copy_block(struct copy *c, const struct pw_block *b, struct pw_error *err)
{
  const uint16_t *counts[4] = {b->fetches, b->loads, b->stores, b->touches}, *copied[4] = {NULL};
  if (copy_events(c, b)) return out_of_memory(err);
  if (b->fetches && !c->counts && !(c->counts = pw_malloc(4 * (size_t)PW_BLOCK_VISITS, sizeof *c->counts)))
    return out_of_memory(err);
  memcpy(c->pages, b->pages, b->n_pages * sizeof *c->pages);
  memcpy(c->page, b->page, b->n_visits * sizeof *c->page);
  memcpy(c->flags, b->flags, b->n_visits);
  for (int i = 0; b->fetches && i < 4; i++) {
    copied[i] = c->counts + (size_t)i * PW_BLOCK_VISITS;
    memcpy(c->counts + (size_t)i * PW_BLOCK_VISITS, counts[i], b->n_visits * sizeof *c->counts);
  }
  c->block = (struct pw_block){.n_visits = b->n_visits, .n_pages = b->n_pages, .n_events = b->n_events, .pages = c->pages,
                               .page = c->page, .flags = c->flags, .fetches = copied[0], .loads = copied[1],
                               .stores = copied[2], .touches = copied[3], .events = c->events, .totals = b->totals};
  return 0;
}

/* Decodes the block after the last. */
static int decode(struct steps *s, struct copy *c, struct pw_error *err)
{
  const struct pw_block *block;
  c->there = false;
  if (s->ended) return 0;
  int got = s->pipeline->blocks->next(s->pipeline->blocks->trace, &block, err);
  if (got <= 0) {
    s->ended = true;
    return got;
  }
  c->there = true;
  return copy_block(c, block, err);
}

/* Task `i` of the step: a model, an account, or the decoding. False when there is none. */
static bool run_task(struct steps *s, size_t i, int *status, struct pw_error *err)
{
  struct pw_pipeline *p = s->pipeline;
  if (i < p->n_models) {
    if (s->copies[s->step % AHEAD].there)
      *status = p->models[i]->class->feed(p->models[i], s->numbered[s->step % 2][p->account_of[i]], err);
    return true;
  }
  i -= p->n_models;
  if (i < p->n_accounts) {
    const struct copy *c = &s->copies[(s->step + 1) % AHEAD];
    if (c->there) *status = p->accounts[i]->class->block(p->accounts[i], &c->block, &s->numbered[(s->step + 1) % 2][i], err);
    return true;
  }
  if (i > p->n_accounts) return false;
  *status = decode(s, &s->copies[(s->step + 2) % AHEAD], err);
  return true;
}

static void run_tasks(struct steps *s)
{
  for (;;) {
    int status = 0;
    struct pw_error err = {0};
    if (!run_task(s, atomic_fetch_add(&s->next, 1), &status, &err)) return;
    if (!status) continue;
    pthread_mutex_lock(&s->lock);
    if (!s->status) {
      s->status = status;
      s->failure = err;
    }
    pthread_mutex_unlock(&s->lock);
  }
}

static void *work(void *context)
{
  struct steps *s = context;
  size_t round = 0;
  for (;;) {
    pthread_mutex_lock(&s->lock);
    while (s->round == round && !s->stop) pthread_cond_wait(&s->begin, &s->lock);
    bool stop = s->stop;
    round = s->round;
    pthread_mutex_unlock(&s->lock);
    if (stop) return NULL;
    run_tasks(s);
    pthread_mutex_lock(&s->lock);
    if (--s->busy == 0) pthread_cond_signal(&s->end);
    pthread_mutex_unlock(&s->lock);
  }
}

/* One step, with n_workers to help. */
static void take_step(struct steps *s, unsigned n_workers)
{
  atomic_store(&s->next, 0);
  pthread_mutex_lock(&s->lock);
  s->round++;
  s->busy = n_workers;
  pthread_cond_broadcast(&s->begin);
  pthread_mutex_unlock(&s->lock);
  run_tasks(s);
  pthread_mutex_lock(&s->lock);
  while (s->busy) { /* and goes on asking whether to stop */
    struct timespec then;
    clock_gettime(CLOCK_REALTIME, &then);
    then.tv_nsec += 200000000;
    then.tv_sec += then.tv_nsec / 1000000000;
    then.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&s->end, &s->lock, &then);
    pw_halted(&s->pipeline->halt);
  }
  pthread_mutex_unlock(&s->lock);
}

static int run_steps(struct steps *s, unsigned n_workers, struct pw_error *err)
{
  struct pw_pipeline *p = s->pipeline;
  /* two steps before the first block: nothing to model, then nothing to decode */
  int status = decode(s, &s->copies[0], err);
  for (size_t i = 0; !status && s->copies[0].there && i < p->n_accounts; i++)
    status = p->accounts[i]->class->block(p->accounts[i], &s->copies[0].block, &s->numbered[0][i], err);
  if (!status) status = decode(s, &s->copies[1], err);
  for (; !status && s->copies[s->step % AHEAD].there; s->step++) {
    take_step(s, n_workers);
    status = s->status;
    if (status && err) *err = s->failure;
    if (!status) status = p->after(p->context, &s->copies[s->step % AHEAD].block, err);
  }
  return status;
}

static int run_parallel(struct pw_pipeline *p, struct pw_error *err)
{
  struct steps s = {.pipeline = p, .lock = PTHREAD_MUTEX_INITIALIZER, .begin = PTHREAD_COND_INITIALIZER,
                    .end = PTHREAD_COND_INITIALIZER};
  pthread_t *workers = pw_malloc(p->jobs, sizeof *workers);
  bool ok = workers != NULL;
  for (int i = 0; i < AHEAD; i++) ok &= create_copy(&s.copies[i]) == 0;
  for (int i = 0; i < 2; i++) {
    s.numbered[i] = pw_calloc(p->n_accounts, sizeof *s.numbered[i]);
    ok &= s.numbered[i] != NULL;
  }
  unsigned n = 0; /* this thread works too; fewer than asked for will do */
  while (ok && n + 1 < p->jobs && pthread_create(&workers[n], NULL, work, &s) == 0) n++;
  int status = ok ? run_steps(&s, n, err) : out_of_memory(err);
  pthread_mutex_lock(&s.lock);
  s.stop = true;
  pthread_cond_broadcast(&s.begin);
  pthread_mutex_unlock(&s.lock);
  for (unsigned i = 0; i < n; i++) pthread_join(workers[i], NULL);
  for (int i = 0; i < AHEAD; i++) free_copy(&s.copies[i]);
  for (int i = 0; i < 2; i++) pw_free(s.numbered[i]);
  pw_free(workers);
  return status;
}

static int run_alone(struct pw_pipeline *p, struct pw_error *err)
{
  const struct pw_paged **numbered = pw_calloc(p->n_accounts, sizeof *numbered);
  if (!numbered) return out_of_memory(err);
  const struct pw_block *block;
  int status;
  while ((status = p->blocks->next(p->blocks->trace, &block, err)) > 0) {
    status = 0;
    for (size_t i = 0; !status && i < p->n_accounts; i++)
      status = p->accounts[i]->class->block(p->accounts[i], block, &numbered[i], err);
    for (size_t i = 0; !status && i < p->n_models; i++)
      status = p->models[i]->class->feed(p->models[i], numbered[p->account_of[i]], err);
    if (!status) status = p->after(p->context, block, err);
    if (status) break;
  }
  pw_free(numbered);
  return status;
}

int pw_pipeline_run(struct pw_pipeline *p, struct pw_error *err)
{
  pw_halt_begin(&p->halt, p->ask, p->context);
  for (size_t i = 0; i < p->n_models; i++) p->models[i]->halt = &p->halt;
  return p->jobs > 1 ? run_parallel(p, err) : run_alone(p, err);
}
