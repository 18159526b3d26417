/* Many of something at a time: `many stack N` calls itself N times with 4 KB each; `many threads N` lets N threads meet. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

__attribute__((noinline)) static int deeper(int n)
{
  volatile char frame[4000];
  frame[0] = (char)n;
  return n ? deeper(n - 1) + frame[0] : 0;
}

static pthread_barrier_t gate;

static void *meet(void *argument)
{
  pthread_barrier_wait(&gate);
  return argument;
}

static int threads(unsigned n)
{
  pthread_t *list = calloc(n, sizeof *list);
  pthread_attr_t small;
  if (!list || pthread_barrier_init(&gate, NULL, n + 1) || pthread_attr_init(&small) || pthread_attr_setstacksize(&small, 65536)) return 1;
  for (unsigned i = 0; i < n; i++)
    if (pthread_create(&list[i], &small, meet, NULL)) return 2;
  pthread_barrier_wait(&gate);
  for (unsigned i = 0; i < n; i++) pthread_join(list[i], NULL);
  free(list);
  return 0;
}

int main(int argc, char **argv)
{
  if (argc != 3) return 3;
  int n = atoi(argv[2]);
  if (strcmp(argv[1], "threads") == 0) return threads((unsigned)n);
  volatile int sum = deeper(n);
  return sum == 1;
}
