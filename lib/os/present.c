/* Which pages each process has. See present.h. */
#include "os/present.h"

#include <string.h>

#include "base/alloc.h"

enum { BITS = 6, MOST_LEVELS = 9 };

typedef struct pw_present_node {
  uint32_t refs;                     /* processes and branches that point here */
  uint32_t mark;                     /* of the process that made it or changed it last */
  uint64_t there;
  union {
    uint32_t *frame;                 /* leaf: numbers by page, 0 = alone in it; NULL = all 0 */
    struct pw_present_node *first;   /* branch: the nodes that are there, in room for a power of two */
  };
} node;

/* As __builtin_popcountll, which is a call where the processor need not have it. */
static inline size_t count(uint64_t bits)
{
  bits -= bits >> 1 & 0x5555555555555555;
  bits = (bits & 0x3333333333333333) + (bits >> 2 & 0x3333333333333333);
  return (size_t)(((bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0f) * 0x0101010101010101 >> 56);
}

static node **below(node *t) { return &t->first; }
static uint64_t bit_of(uint64_t page, unsigned level) { return UINT64_C(1) << (page >> BITS * level & 63); }
static node **child(node *t, uint64_t bit) { return below(t) + count(t->there & (bit - 1)); }
static size_t branch_bytes(size_t room) { return sizeof(node) + (room - 1) * sizeof(node *); }
static bool reaches(const struct pw_present *p, uint64_t page) { return p->root && page >> BITS >> BITS * p->levels == 0; }

/* ---- frames ---- */

static int reserve_numbers(struct pw_frames *f, size_t n)
{
  return n > INT32_MAX ? -1 : pw_grow((void **)&f->users, &f->room, n + 1, sizeof *f->users); /* 0 is no number */
}

void pw_frames_free(struct pw_frames *f, uint32_t number)
{
  f->users[number] = f->free;
  f->free = number;
}

/* A number for a frame with one page; there is room for another. */
static uint32_t take_number(struct pw_frames *f)
{
  uint32_t number = f->free;
  if (number) f->free = f->users[number];
  else number = (uint32_t)++f->n_numbers;
  f->users[number] = 1;
  return number;
}

int pw_frames_number(struct pw_frames *f, size_t n)
{
  if (reserve_numbers(f, n)) return -1;
  f->n_numbers = n;
  f->all = true;
  return 0;
}

static int make_numbers(node *leaf)
{
  if (!leaf->frame) leaf->frame = pw_calloc(64, sizeof *leaf->frame);
  return leaf->frame ? 0 : -1;
}

/* Every page of a leaf gets its frame numbered. */
static int number_frames(struct pw_frames *f, node *leaf)
{
  if (reserve_numbers(f, f->n_numbers + 64) || make_numbers(leaf)) return -1;
  for (uint64_t rest = leaf->there; rest; rest &= rest - 1) {
    uint32_t *frame = &leaf->frame[__builtin_ctzll(rest)];
    f->steps++;
    if (!*frame) *frame = take_number(f);
  }
  return 0;
}

/* The page, which had no frame of its own, gets one that was not in use. */
static int take_frame(struct pw_frames *f, node *leaf, uint64_t page)
{
  if (f->all && (reserve_numbers(f, f->n_numbers + 1) || make_numbers(leaf))) return -1;
  if (f->all) leaf->frame[page & 63] = take_number(f);
  if (++f->n > f->peak) f->peak = f->n;
  return 0;
}

/* A page uses its frame no longer: does another? */
static bool stop_using(struct pw_frames *f, node *leaf, unsigned page)
{
  uint32_t frame = leaf->frame ? leaf->frame[page] : 0;
  f->steps++;
  if (frame) leaf->frame[page] = 0;
  if (frame && --f->users[frame]) {
    f->shared--;
    return true;
  }
  if (frame) pw_frames_free(f, frame);
  f->n--;
  return false;
}

/* ---- nodes ---- */

/* Leaves are made 63 at a time. */
struct pw_present_leaves {
  struct pw_present_leaves *next;
  node leaf[63];
};

static node *make_leaf(struct pw_frames *f)
{
  if (!f->spare) {
    struct pw_present_leaves *more = pw_calloc(1, sizeof *more);
    if (!more) return NULL;
    more->next = f->leaves;
    f->leaves = more;
    for (size_t i = 0; i < sizeof more->leaf / sizeof *more->leaf; i++) {
      more->leaf[i].first = f->spare;
      f->spare = &more->leaf[i];
    }
  }
  node *t = f->spare;
  f->spare = t->first;
  return t;
}

static void free_leaf(struct pw_frames *f, node *t)
{
  t->first = f->spare;
  f->spare = t;
}

static node *make(struct pw_frames *f, const struct pw_present *p, unsigned level)
{
  node *t = level ? pw_malloc(1, sizeof *t) : make_leaf(f);
  if (t) *t = (node){.refs = 1, .mark = p->mark};
  return t;
}

void pw_frames_clear(struct pw_frames *f)
{
  for (struct pw_present_leaves *l; (l = f->leaves); pw_free(l)) f->leaves = l->next;
  pw_free(f->users);
  memset(f, 0, sizeof *f);
}

/* Gives one pointer to a node back. */
static void drop(struct pw_frames *f, node *t, unsigned level)
{
  f->steps++;
  if (--t->refs) {
    f->shared--;
    return;
  }
  if (level == 0) {
    for (uint64_t rest = t->there; rest; rest &= rest - 1) stop_using(f, t, (unsigned)__builtin_ctzll(rest));
    pw_free(t->frame);
    free_leaf(f, t);
  } else {
    for (size_t i = 0, n = count(t->there); i < n; i++) drop(f, below(t)[i], level - 1);
    pw_free(t);
  }
}

static node *copy_leaf(struct pw_frames *f, node *t)
{
  if (number_frames(f, t)) return NULL;
  uint32_t *frame = pw_malloc(64, sizeof *frame);
  node *copy = frame ? make_leaf(f) : NULL;
  if (!copy) {
    pw_free(frame);
    return NULL;
  }
  *copy = *t;
  copy->frame = memcpy(frame, t->frame, 64 * sizeof *frame);
  for (uint64_t rest = t->there; rest; rest &= rest - 1) f->users[frame[__builtin_ctzll(rest)]]++;
  f->shared += count(t->there);
  return copy;
}

static node *copy_branch(struct pw_frames *f, node *t)
{
  size_t n = count(t->there), room = 1;
  while (room < n) room *= 2;
  node *copy = pw_malloc(1, branch_bytes(room));
  if (!copy) return NULL;
  memcpy(copy, t, branch_bytes(n));
  for (size_t i = 0; i < n; i++) below(t)[i]->refs++;
  f->shared += n;
  f->steps += n;
  return copy;
}

/* The node there is nobody else's afterwards; NULL when memory runs out. */
static node *own(struct pw_frames *f, const struct pw_present *p, node **at, unsigned level)
{
  node *t = *at;
  f->steps++;
  if (t->refs > 1) {
    node *copy = level ? copy_branch(f, t) : copy_leaf(f, t);
    if (!copy) return NULL;
    t->refs--;
    f->shared--;
    copy->refs = 1;
    *at = t = copy;
  }
  t->mark = p->mark;
  return t;
}

/* A node of this level below a branch; NULL when memory runs out. */
static node **add(struct pw_frames *f, const struct pw_present *p, node **branch, uint64_t bit, unsigned level)
{
  node *t = *branch;
  size_t n = count(t->there);
  if (n && !(n & (n - 1)) && !(t = pw_realloc(t, 1, branch_bytes(2 * n)))) return NULL;
  *branch = t;
  node *new = make(f, p, level);
  if (!new) return NULL;
  node **at = child(t, bit);
  memmove(at + 1, at, (n - (size_t)(at - below(t))) * sizeof *at);
  t->there |= bit;
  *at = new;
  return at;
}

/* The tree gets as high as the page needs. */
static int raise(struct pw_frames *f, struct pw_present *p, uint64_t page)
{
  while (!reaches(p, page)) {
    unsigned levels = p->root ? p->levels + 1 : 0;
    while (!p->root && page >> BITS >> BITS * levels) levels++;
    node *root = make(f, p, levels);
    if (!root) return -1;
    if (p->root) {
      root->there = 1;
      root->first = p->root;
    }
    p->levels = levels;
    p->root = root;
  }
  return 0;
}

/* ---- looking ---- */

static const node *leaf_of(const struct pw_present *p, uint64_t page)
{
  if (!reaches(p, page)) return NULL;
  node *t = p->root;
  for (unsigned level = p->levels; level > 0; level--) {
    uint64_t bit = bit_of(page, level);
    if (!(t->there & bit)) return NULL;
    t = *child(t, bit);
  }
  return t;
}

bool pw_present_has(const struct pw_present *p, uint64_t page)
{
  const node *leaf = leaf_of(p, page);
  return leaf && leaf->there & bit_of(page, 0);
}

/* The first page from `page` on below a node whose pages begin with `first`. */
static bool next_below(node *t, unsigned level, uint64_t first, uint64_t page, uint64_t *found)
{
  uint64_t rest = t->there;
  if (page > first) rest &= ~(bit_of(page, level) - 1);
  for (; rest; rest &= rest - 1) {
    uint64_t bit = rest & -rest, start = first + ((uint64_t)__builtin_ctzll(rest) << BITS * level);
    if (level == 0) {
      *found = start;
      return true;
    }
    if (next_below(*child(t, bit), level - 1, start, page, found)) return true;
  }
  return false;
}

bool pw_present_next(const struct pw_present *p, uint64_t page, uint64_t *found)
{
  return reaches(p, page) && next_below(p->root, p->levels, 0, page, found);
}

/* ---- changes ---- */

uint64_t *pw_present_own(struct pw_frames *f, struct pw_present *p, uint64_t page)
{
  if (raise(f, p, page)) return NULL;
  node **at = &p->root;
  for (unsigned level = p->levels; level > 0; level--) {
    node *t = own(f, p, at, level);
    uint64_t bit = bit_of(page, level);
    if (!t) return NULL;
    at = t->there & bit ? child(t, bit) : add(f, p, at, bit, level - 1);
    if (!at) return NULL;
  }
  return own(f, p, at, 0) ? &(*at)->there : NULL;
}

static node *leaf_at(uint64_t *there)
{
  return (node *)((char *)there - offsetof(node, there));
}

int pw_present_take(struct pw_frames *f, uint64_t *there, uint64_t page)
{
  if (take_frame(f, leaf_at(there), page)) return -1;
  *there |= bit_of(page, 0);
  return 0;
}

uint32_t pw_present_frame(const struct pw_present *p, uint64_t page)
{
  return leaf_of(p, page)->frame[page & 63];
}

int pw_present_number(struct pw_frames *f, struct pw_present *p, uint64_t page, uint32_t number)
{
  uint64_t *there = pw_present_own(f, p, page);
  if (!there || make_numbers(leaf_at(there))) return -1;
  leaf_at(there)->frame[page & 63] = number;
  f->users[number] = 1;
  return 0;
}

/* Others may reach it by the same nodes, or its frame by a leaf of theirs. */
bool pw_present_shares(const struct pw_frames *f, const struct pw_present *p, uint64_t page)
{
  node *t = p->root;
  if (!pw_present_has(p, page)) return false;
  for (unsigned level = p->levels; t->refs == 1 && level > 0; level--) t = *child(t, bit_of(page, level));
  if (t->refs > 1) return true;
  uint32_t frame = t->frame ? t->frame[page & 63] : 0;
  return frame && f->users[frame] > 1;
}

int pw_present_part_with(struct pw_frames *f, struct pw_present *p, uint64_t page)
{
  uint64_t *there = pw_present_own(f, p, page);
  if (!there) return -1;
  stop_using(f, leaf_at(there), page & 63);
  return take_frame(f, leaf_at(there), page);
}

/* The branches on the way to a page that is there become its own: [level] is where the node is pointed to. */
static int own_way(struct pw_frames *f, struct pw_present *p, uint64_t page, node **way[MOST_LEVELS + 1])
{
  way[p->levels] = &p->root;
  for (unsigned level = p->levels; level > 0; level--) {
    node *t = own(f, p, way[level], level);
    if (!t) return -1;
    way[level - 1] = child(t, bit_of(page, level));
  }
  return 0;
}

/* The leaf at the end of the way is gone: branches that are empty by that go too. */
static void prune(struct pw_present *p, uint64_t page, node **way[MOST_LEVELS + 1])
{
  for (unsigned level = 1; level <= p->levels; level++) {
    node *t = *way[level], **at = way[level - 1];
    size_t n = count(t->there);
    memmove(at, at + 1, (n - 1 - (size_t)(at - below(t))) * sizeof *at);
    t->there &= ~bit_of(page, level);
    if (t->there) return;
    pw_free(t);
  }
  p->root = NULL;
}

/* Pages of one leaf go. */
static int cut_leaf(struct pw_frames *f, struct pw_present *p, uint64_t mask, struct pw_present_part *part)
{
  node **way[MOST_LEVELS + 1];
  if (own_way(f, p, part->first, way)) return -1;
  node *leaf = *way[0];
  part->own = leaf->mark == p->mark;
  part->bits = leaf->there & mask;
  part->shared = leaf->refs > 1 ? part->bits : 0;
  for (uint64_t rest = part->shared ? 0 : part->bits; leaf->frame && rest; rest &= rest - 1) {
    uint32_t frame = leaf->frame[__builtin_ctzll(rest)];
    if (frame && f->users[frame] > 1) part->shared |= rest & -rest;
  }
  if (part->bits == leaf->there) {
    drop(f, leaf, 0);
    prune(p, part->first, way);
    return 1;
  }
  if (!(leaf = own(f, p, way[0], 0))) return -1;
  leaf->there &= ~part->bits;
  for (uint64_t rest = part->bits; rest; rest &= rest - 1) stop_using(f, leaf, (unsigned)__builtin_ctzll(rest));
  return 1;
}

int pw_present_cut(struct pw_frames *f, struct pw_present *p, uint64_t first, uint64_t last, struct pw_present_part *part)
{
  uint64_t page;
  if (!pw_present_next(p, first, &page) || page > last) return 0;
  part->first = page & ~UINT64_C(63);
  uint64_t mask = ~(bit_of(page, 0) - 1);
  if (last - part->first < 63) mask &= (bit_of(last, 0) << 1) - 1;
  return cut_leaf(f, p, mask, part);
}

static int tell_own(struct pw_frames *f, const struct pw_present *p, node *t, unsigned level, uint64_t first,
                    pw_present_fn *each, void *context)
{
  int status = 0;
  f->steps++;
  if (t->mark != p->mark) return 0; /* nothing of its own is below */
  if (level == 0) return each(context, &(struct pw_present_part){.first = first, .bits = t->there, .own = true});
  node **at = below(t);
  for (uint64_t rest = t->there; !status && rest; rest &= rest - 1)
    status = tell_own(f, p, *at++, level - 1, first + ((uint64_t)__builtin_ctzll(rest) << BITS * level), each, context);
  return status;
}

int pw_present_leave(struct pw_frames *f, struct pw_present *p, pw_present_fn *each, void *context)
{
  int status = p->root ? tell_own(f, p, p->root, p->levels, 0, each, context) : 0;
  if (!status) pw_present_clear(f, p);
  return status;
}

void pw_present_clear(struct pw_frames *f, struct pw_present *p)
{
  if (p->root) drop(f, p->root, p->levels);
  p->root = NULL;
}

/* ---- forks and moves ---- */

void pw_present_fork(struct pw_frames *f, struct pw_present *parent, struct pw_present *child, bool share)
{
  *child = (struct pw_present){0};
  if (share && parent->root) {
    *child = *parent;
    parent->root->refs++;
    f->shared++;
  }
  child->mark = child->age = ++f->marks;
  parent->age = ++f->marks;
}

/* A page that is not there comes in the frame of this number, or in one of its own where that is 0. */
static int put(struct pw_frames *f, struct pw_present *p, uint64_t page, uint32_t frame)
{
  uint64_t *there = pw_present_own(f, p, page);
  if (!there) return -1;
  node *leaf = leaf_at(there);
  if (frame && !leaf->frame && !(leaf->frame = pw_calloc(64, sizeof *leaf->frame))) return -1;
  leaf->there |= bit_of(page, 0);
  if (frame) leaf->frame[page & 63] = frame;
  return 0;
}

int pw_present_move(struct pw_frames *f, struct pw_present *p, uint64_t page, uint64_t to)
{
  node **way[MOST_LEVELS + 1];
  if (own_way(f, p, page, way)) return -1;
  node *leaf = own(f, p, way[0], 0);
  if (!leaf || put(f, p, to, leaf->frame ? leaf->frame[page & 63] : 0) || own_way(f, p, page, way)) return -1;
  leaf = *way[0]; /* the tree may have grown meanwhile */
  if (leaf->frame) leaf->frame[page & 63] = 0;
  leaf->there &= ~bit_of(page, 0);
  if (leaf->there) return 0;
  drop(f, leaf, 0);
  prune(p, page, way);
  return 0;
}

int pw_present_inherit(struct pw_frames *f, struct pw_present *parent, struct pw_present *child, uint64_t page)
{
  uint64_t *there = pw_present_own(f, parent, page);
  if (!there || number_frames(f, leaf_at(there))) return -1;
  uint32_t frame = leaf_at(there)->frame[page & 63];
  if (put(f, child, page, frame)) return -1;
  f->users[frame]++;
  f->shared++;
  return 0;
}
