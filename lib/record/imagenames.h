/* How the traces of one recording are called, beside the first: OUT.PID.pwt for a child, and OUT.PID-2.pwt for what the same
 * process becomes; also before a child has connected, so that its parent's trace can name it. */
#ifndef PW_IMAGENAMES_H
#define PW_IMAGENAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct pw_image_names {
  const char *output;       /* OUT.pwt; borrowed */
  struct pw_named_image {   /* those that have a name */
    pid_t pid;
    bool forked, told;      /* told: an event of its parent has its name */
  } *named;
  size_t n_named, named_room;
  pid_t *promised;          /* children whose name was told before they connected */
  size_t n_promised, promised_room;
  char *relative;           /* the name that was told last */
};

void pw_image_names_clear(struct pw_image_names *names); /* frees */
/* The path of a new image's trace, to be freed; NULL: no memory. */
char *pw_image_names_new(struct pw_image_names *names, pid_t pid, bool forked);
/* How many images of a process have names. */
size_t pw_image_names_count(const struct pw_image_names *names, pid_t pid);
/* For the events of a trace (ring_events.h); the context is a struct pw_image_names. */
const char *pw_image_names_relative(void *names, uint64_t pid, const uint64_t *after);

#endif
