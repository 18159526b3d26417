/* Ctrl-C and its kin: the work is asked to stop at the next block, so that it can tidy up. */
#include "interrupt.h"

#include <signal.h>
#include <stddef.h>
#include <time.h>

static volatile sig_atomic_t seen, again;
static struct timespec first; /* SIGINT */

/* Who signals a process and then its group, as timeout does, means it once. */
static bool is_later(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (now.tv_sec - first.tv_sec) * 1000 + (now.tv_nsec - first.tv_nsec) / 1000000 > 200;
}

static void note(int signal_number)
{
  static volatile sig_atomic_t interrupted;
  seen = 1;
  if (signal_number != SIGINT) return;
  if (interrupted && is_later()) again = 1;
  if (!interrupted) clock_gettime(CLOCK_MONOTONIC, &first);
  interrupted = 1;
}

static void catch_with(int flags)
{
  static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
  struct sigaction action = {.sa_handler = note, .sa_flags = flags};
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
    struct sigaction old;
    sigaction(signals[i], NULL, &old);
    if (old.sa_handler != SIG_IGN) sigaction(signals[i], &action, NULL); /* nohup stays nohup */
  }
}

void interrupt_catch(void)
{
  catch_with(SA_RESTART | (int)SA_RESETHAND);
}

void interrupt_catch_waits(void)
{
  catch_with((int)SA_RESETHAND);
}

void interrupt_catch_all(void)
{
  catch_with(SA_RESTART);
}

unsigned interrupt_level(void)
{
  return (unsigned)(seen + again);
}

bool interrupt_seen(void)
{
  return seen != 0;
}

bool interrupt_stops(void *context)
{
  (void)context;
  return interrupt_seen();
}
