/* Records a program: starts it under the capture tool and empties the ring of every image.
 *
 * Each process image (the program, a child of its fork, what one of them executes) connects
 * to our socket by name and is given a ring of its own; the closed socket says that it has ended.
 * The socket lies in the abstract name space and takes our own user's processes only.
 *
 * Invariant: a program never waits for a recorder that has stopped reading (ring.h, stop).
 * What it does not follow: an image that connects too late, after the last one has ended. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "record/imagenames.h"
#include "record/program.h"
#include "record/launch.h"
#include "record/naming.h"
#include "record/image.h"
#include "record/ring.h"
#include "record/ring_events.h"

enum { BLOCKS_A_TURN = 8, SLEEP_MS = 100 };

struct image {
  pid_t pid;
  int sock;
  bool first;
  struct pw_recording *recording; /* NULL once it is complete */
  struct pw_naming *naming;
};

struct recorder {
  const struct pw_record_options *options;
  struct pw_record_info *info;
  char name[64];            /* of the socket */
  int listener, spare;      /* a descriptor for when there is no other */
  pid_t program;
  bool ended;               /* the program, not its children */
  struct pw_objects *objects; /* what is known of the files that were mapped */
  struct pw_recording *first; /* waits for the first image */
  struct image *images;
  size_t n_images, images_room;
  struct pollfd *polls;
  size_t polls_room;
  struct pw_image_names names;
  int64_t stopped_ms;       /* when the caller asked to stop, or 0 */
  int signals_sent;
  int status;               /* the first failure, and its sentence */
  struct pw_error error;
};

static int64_t now_ms(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void note_failure(struct recorder *r, int status, const struct pw_error *err)
{
  if (!status || r->status) return;
  r->status = status;
  r->error = *err;
}

static int open_socket(struct recorder *r, struct pw_error *err)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  uint64_t random[2] = {(uint64_t)getpid(), (uint64_t)now_ms()};
  if (getrandom(random, sizeof random, GRND_NONBLOCK) < 0) random[0] ^= (uint64_t)(uintptr_t)r;
  int n = snprintf(r->name, sizeof r->name, "pagewalk-%016" PRIx64 "%016" PRIx64, random[0], random[1]);
  memcpy(address.sun_path + 1, r->name, (size_t)n);
  socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
  r->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (r->listener < 0 || bind(r->listener, (struct sockaddr *)&address, bytes) || listen(r->listener, 128))
    return pw_error_set(err, PW_EIO, "no socket to record through: %s", strerror(errno));
  r->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
  return 0;
}

/* ---- images ---- */

static int new_recording(struct recorder *r, struct pw_recording **recording, const char *path, struct pw_error *err)
{
  const struct pw_record_options *o = r->options;
  struct pw_recording_options options = {.trace = {.skip = o->skip, .limit = o->limit, .make_sides = o->sides},
                                         .writer = o->writer,
                                         .size_limit_bytes = o->size_limit_bytes};
  return pw_recording_create(recording, path, &options, err);
}

static bool send_ring(int sock, int ring)
{
  union { char bytes[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control = {{0}};
  struct iovec io = {(char[]){0}, 1};
  struct msghdr message = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  struct cmsghdr *c = CMSG_FIRSTHDR(&message);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(c), &ring, sizeof ring);
  return sendmsg(sock, &message, MSG_NOSIGNAL) == 1;
}

/* What connected: its process, or -1 when it is none of ours. One that became another user's is not let in, since
 * others may then tell it what to do. */
static pid_t read_hello(struct recorder *r, int sock, bool *forked)
{
  struct pw_ring_hello hello;
  struct ucred who;
  socklen_t n = sizeof who;
  struct timeval second = {1, 0};
  setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
  if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &who, &n)) return -1;
  if (who.uid != geteuid()) {
    r->info->unrecorded++;
    return -1;
  }
  if (recv(sock, &hello, sizeof hello, MSG_WAITALL) != (ssize_t)sizeof hello) return -1;
  *forked = hello.forked;
  return hello.version == PW_RING_VERSION ? who.pid : -1;
}

/* The recording for a process that connected; NULL when it gets none. */
static struct pw_recording *recording_for(struct recorder *r, pid_t pid, bool forked)
{
  struct pw_error err;
  struct pw_recording *recording = NULL;
  if (r->first && pid == r->program) {
    recording = r->first;
    r->first = NULL;
    return recording;
  }
  if (r->options->first_only || r->stopped_ms || pid < 0) return NULL;
  char *path = pw_image_names_new(&r->names, pid, forked);
  int status = path ? new_recording(r, &recording, path, &err)
                    : pw_error_set(&err, PW_ENOMEM, "memory ran out for the name of the trace; free some and run again");
  note_failure(r, status, &err);
  pw_free(path);
  return recording;
}

/* Without a descriptor left there is no ring for it, but it must not wait for one. */
static void refuse_image(struct recorder *r)
{
  struct pw_error err;
  if (r->spare >= 0) close(r->spare);
  int sock = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC);
  if (sock >= 0) close(sock);
  r->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
  note_failure(r, pw_error_set(&err, PW_EIO,
                               "too many processes at once: some were not recorded; allow more open files (ulimit -n)"), &err);
}

static void accept_image(struct recorder *r)
{
  int sock = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC);
  if (sock < 0) {
    if (errno == EMFILE || errno == ENFILE) refuse_image(r);
    return;
  }
  bool forked = false;
  pid_t pid = read_hello(r, sock, &forked);
  bool is_first = r->first && pid == r->program;
  struct pw_recording *recording = recording_for(r, pid, forked);
  struct pw_naming *naming = NULL;
  struct pw_error err;
  bool good = recording && !pw_naming_create(&naming, r->objects, recording, &err) &&
              send_ring(sock, pw_recording_ring(recording)) &&
              !pw_grow((void **)&r->images, &r->images_room, r->n_images + 1, sizeof *r->images);
  if (good) {
    pw_recording_relate(recording, (uint64_t)pid, is_first ? 0 : pw_image_names_count(&r->names, pid),
                        &(struct pw_ring_family){&r->names, r->options->first_only ? NULL : pw_image_names_relative});
    r->images[r->n_images++] = (struct image){pid, sock, is_first, recording, naming};
    return;
  }
  pw_recording_destroy(recording);
  pw_naming_destroy(naming);
  close(sock);
}

static void tell(struct recorder *r, const struct image *image)
{
  if (!image->first) return;
  r->info->totals = pw_recording_totals(image->recording);
  r->info->visits = pw_recording_visits(image->recording);
  r->info->stored_bytes = pw_recording_stored_bytes(image->recording);
  r->info->limited = pw_recording_limited(image->recording);
}

static void reap(struct recorder *r)
{
  int status;
  if (r->ended || waitpid(r->program, &status, WNOHANG) != r->program) return;
  r->ended = true;
  r->info->exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  r->info->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* A program that is killed from outside cannot say so itself. Its socket is closed shortly before it can be waited for. */
static void learn_end(struct recorder *r, const struct image *image)
{
  if (image->pid != r->program || pw_recording_has_end(image->recording)) return;
  for (int turn = 0; turn < 100 && !r->ended; turn++) {
    if (turn) poll(NULL, 0, 10);
    reap(r);
  }
  if (!r->ended) return;
  bool silent = r->options->backend == PW_RECORD_QEMU; /* of machines whose system calls it does not know */
  if (r->info->signal || silent)
    pw_recording_end(image->recording, r->info->signal ? 0 : (uint64_t)r->info->exit_status, (uint64_t)r->info->signal);
  if (r->info->signal || silent || r->stopped_ms) return;
  struct pw_error err;
  note_failure(r, pw_error_set(&err, PW_EUNSUPPORTED,
                               "%s: what recorded the program failed before its end; what that said stands above",
                               pw_recording_path(image->recording)), &err);
}

/* `gone`: its process is. */
static void complete(struct recorder *r, struct image *image, bool gone)
{
  struct pw_error err;
  int status = pw_recording_drain(image->recording, &err);
  if (!status && gone) learn_end(r, image);
  if (!status || status == PW_EFORMAT) { /* what came before the damage is good */
    struct pw_error later;
    int finished = pw_recording_finish(image->recording, &later);
    if (finished) {
      status = finished;
      err = later;
    }
  }
  note_failure(r, status, &err);
  tell(r, image);
  r->info->unrecorded += pw_recording_goes_on_unrecorded(image->recording);
  struct pw_totals t = pw_recording_totals(image->recording);
  if ((status == 0 || status == PW_EFORMAT) && t.fetches + t.loads + t.stores) r->info->traces++;
  pw_recording_destroy(image->recording);
  pw_naming_destroy(image->naming);
  image->naming = NULL;
  image->recording = NULL;
}

/* Empties some blocks of each ring; false when there were none. */
static bool empty_rings(struct recorder *r)
{
  bool any = false;
  for (size_t i = 0; i < r->n_images; i++) {
    struct image *image = &r->images[i];
    struct pw_error err;
    int status = 1;
    for (int turn = 0; image->recording && turn < BLOCKS_A_TURN && status > 0; turn++) {
      status = pw_recording_step(image->recording, &err);
      any |= status > 0;
    }
    if (image->recording && (status < 0 || pw_recording_limited(image->recording))) {
      if (status < 0) note_failure(r, status, &err);
      pw_recording_stop(image->recording);
      complete(r, image, false);
    }
  }
  return any;
}

/* Reads the wake-up bytes of an image; false when it has ended. */
static bool image_lives(const struct image *image)
{
  char bytes[256];
  ssize_t got = recv(image->sock, bytes, sizeof bytes, MSG_DONTWAIT);
  return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

static int wait_for_something(struct recorder *r, int timeout_ms)
{
  if (pw_grow((void **)&r->polls, &r->polls_room, r->n_images + 1, sizeof *r->polls)) return PW_ENOMEM;
  r->polls[0] = (struct pollfd){.fd = r->listener, .events = POLLIN};
  for (size_t i = 0; i < r->n_images; i++) r->polls[i + 1] = (struct pollfd){.fd = r->images[i].sock, .events = POLLIN};
  size_t n = r->n_images;
  if (poll(r->polls, (nfds_t)n + 1, timeout_ms) <= 0) return 0;
  for (size_t i = n; i-- > 0;) {
    if (!r->polls[i + 1].revents || image_lives(&r->images[i])) continue;
    if (r->images[i].recording) complete(r, &r->images[i], true);
    close(r->images[i].sock);
    r->images[i] = r->images[--r->n_images];
  }
  if (r->polls[0].revents) accept_image(r);
  return 0;
}

/* ---- the whole ---- */

/* Asks the caller, and ends the program in steps when the answer is to stop. */
static void ask(struct recorder *r)
{
  static const struct { int after_ms, signal; } steps[] = {{1000, SIGTERM}, {3000, SIGKILL}};
  r->info->running = (uint32_t)r->n_images;
  for (size_t i = 0; i < r->n_images; i++)
    if (r->images[i].recording) tell(r, &r->images[i]);
  int answer = r->options->progress ? r->options->progress(r->options->progress_context, r->info) : 0;
  if (answer && !r->stopped_ms) {
    r->stopped_ms = now_ms();
    r->info->interrupted = true;
  }
  if (!r->stopped_ms || r->ended || r->signals_sent == 2) return;
  if (answer > 1) r->signals_sent = 1;
  else if (now_ms() - r->stopped_ms < steps[r->signals_sent].after_ms) return;
  kill(r->program, steps[r->signals_sent++].signal);
}

static bool all_over(const struct recorder *r)
{
  if (!r->ended) return false;
  if (r->n_images == 0) return true;
  return r->stopped_ms && now_ms() - r->stopped_ms > 500; /* children that outlive the program */
}

static int follow(struct recorder *r)
{
  int64_t asked = 0;
  for (;;) {
    bool busy = empty_rings(r);
    for (size_t i = 0; i < r->n_images && !busy; i++)
      if (r->images[i].recording && !pw_recording_sleep(r->images[i].recording)) busy = true;
    int status = wait_for_something(r, busy ? 0 : SLEEP_MS);
    if (status) return status;
    reap(r);
    int64_t now = now_ms();
    if (now - asked >= SLEEP_MS) {
      ask(r);
      asked = now;
    }
    if (all_over(r)) {
      wait_for_something(r, 0); /* a child that connected in the meantime */
      if (r->n_images == 0 || r->stopped_ms) return 0;
    }
  }
}

static void clean_up(struct recorder *r)
{
  for (size_t i = 0; i < r->n_images; i++) {
    if (r->images[i].recording) complete(r, &r->images[i], false);
    close(r->images[i].sock);
  }
  pw_recording_destroy(r->first);
  pw_objects_destroy(r->objects);
  if (r->listener >= 0) close(r->listener);
  if (r->spare >= 0) close(r->spare);
  pw_free(r->images);
  pw_free(r->polls);
  pw_image_names_clear(&r->names);
}

int pw_record(char *const argv[], const struct pw_record_options *options, struct pw_record_info *info, struct pw_error *err)
{
  struct pw_error own;
  if (!err) err = &own;
  *info = (struct pw_record_info){0};
  struct recorder r = {.options = options, .info = info, .listener = -1, .spare = -1, .names = {.output = options->output}};
  char path[4096];
  struct pw_launch launch = {.argv = NULL};
  int status = pw_program_find(path, sizeof path, argv[0], err);
  if (!status) status = open_socket(&r, err);
  if (!status) status = pw_objects_create(&r.objects, PW_OBJECT_DEBUG_ROOT, err);
  if (!status) status = pw_launch_prepare(&launch, options, r.name, path, argv, err);
  if (!status) status = new_recording(&r, &r.first, options->output, err);
  pw_launch_raise_files();
  if (!status) status = pw_launch_start(&launch, &r.program, err);
  if (!status) {
    status = follow(&r);
    if (status) pw_error_set(err, status, "memory ran out while recording");
    if (!status && r.first)
      status = pw_error_set(err, PW_EUNSUPPORTED, "%s did not start under %s; what that said stands above", argv[0],
                            launch.called);
  }
  clean_up(&r);
  pw_launch_clear(&launch);
  if (status || !r.status) return status;
  if (err) *err = r.error;
  return r.status;
}
