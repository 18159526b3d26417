/* The interval map: a treap that is split where a change begins and ends, and merged again.
 *
 * A node is changed in place when only this map reaches it, else copied on the way. Split and merge
 * touch the two search paths and nothing else, so the nodes that a change needs are counted exactly
 * and allocated before it starts: nothing fails half-way, and no spare node is left. */
#include "base/ranges.h"

#include "base/alloc.h"
#include "base/random.h"

typedef struct pw_ranges_node {
  uint32_t refs;     /* maps and nodes that point here */
  uint32_t priority; /* no child's is higher */
  struct pw_ranges_node *left, *right; /* a spare node's left is the next spare one */
  struct pw_range is;
} node;

/* A change under way. */
struct ranges_change {
  struct pw_ranges *map;
  uint64_t first, last;
  node *spare;
};

/* Allocates the nodes of a change: 0, or -1 with none. */
static int reserve(struct ranges_change *c, size_t need)
{
  for (c->spare = NULL; need > 0; need--) {
    node *t = pw_malloc(1, sizeof *t);
    if (!t) {
      for (; (t = c->spare); pw_free(t)) c->spare = t->left;
      return -1;
    }
    t->left = c->spare;
    c->spare = t;
  }
  return 0;
}

static node *take_spare(struct ranges_change *c)
{
  node *t = c->spare;
  c->spare = t->left;
  return t;
}

/* The node itself when nobody else points to it, else a copy; the caller's pointer moves over to it. */
static node *own(struct ranges_change *c, node *t)
{
  c->map->steps++;
  if (t->refs == 1) return t;
  node *copy = take_spare(c);
  *copy = *t;
  copy->refs = 1;
  if (copy->left) copy->left->refs++;
  if (copy->right) copy->right->refs++;
  t->refs--;
  return copy;
}

/* A new range. Its priority has nothing to do with the range: first how often its number can be halved, which makes
 * ranges that come in rising or falling order an even tree; then chance, which no order of changes can work against. */
static node *fresh(struct ranges_change *c, uint64_t first, uint64_t last, uint64_t value)
{
  node *t = take_spare(c);
  uint64_t *random = &c->map->random;
  if (*random == 0) *random = pw_random_seed((uintptr_t)t, (uintptr_t)c->map);
  uint32_t halvings = (uint32_t)__builtin_ctzll(++c->map->made | (uint64_t)1 << 63);
  *t = (node){1, halvings << 26 | (uint32_t)(pw_random_next(random) >> 38), NULL, NULL, {first, last, value}};
  return t;
}

/* Gives one reference back. Dead nodes whose right side is still to do wait in a list through `left`. */
static void drop(struct pw_ranges *r, node *t)
{
  node *waiting = NULL;
  for (;;) {
    if (t) r->steps++;
    if (t && --t->refs == 0) {
      node *left = t->left;
      t->left = waiting;
      waiting = t;
      t = left;
    } else {
      if (!waiting) return;
      node *dead = waiting;
      waiting = dead->left;
      t = dead->right;
      pw_free(dead);
    }
  }
}

/* Which side of a cut a range falls on: of the place where the change begins, of the one after its end. */
static bool begins_before(const struct ranges_change *c, const node *t) { return t->is.first < c->first; }
static bool ends_within(const struct ranges_change *c, const node *t) { return t->is.last <= c->last; }
typedef bool is_left(const struct ranges_change *c, const node *t);

/* Parts a tree in two; the nodes along the cut are this map's own afterwards. */
static void split(struct ranges_change *c, node *t, is_left *goes_left, node **left, node **right)
{
  while (t) {
    t = own(c, t);
    if (goes_left(c, t)) {
      *left = t;
      left = &t->right;
      t = t->right;
    } else {
      *right = t;
      right = &t->left;
      t = t->left;
    }
  }
  *left = *right = NULL;
}

/* Makes one tree of two whose facing edges are this map's own, as split leaves them. */
static node *merge(struct ranges_change *c, node *a, node *b)
{
  node *root, **at = &root;
  for (; a && b; c->map->steps++) {
    if (a->priority > b->priority) {
      *at = a;
      at = &a->right;
      a = a->right;
    } else {
      *at = b;
      at = &b->left;
      b = b->left;
    }
  }
  *at = a ? a : b;
  return root;
}

/* Nodes that a split must copy from `t` down: all beneath the first that is shared. */
static size_t copies(const struct ranges_change *c, const node *t, is_left *goes_left, bool shared)
{
  size_t n = 0;
  for (; t; t = goes_left(c, t) ? t->right : t->left) {
    n += shared |= t->refs > 1;
    c->map->steps++;
  }
  return n;
}

/* Nodes that a change needs besides the range it puts: copies, and the far end of a range that it cuts in two. */
static size_t needed(const struct ranges_change *c)
{
  size_t n = 0;
  bool shared = false;
  for (const node *t = c->map->root; t; ) {
    bool before = begins_before(c, t), within = ends_within(c, t);
    n += shared |= t->refs > 1;
    c->map->steps++;
    if (!before && within) /* gives way: from here the two cuts go apart */
      return n + copies(c, t->left, begins_before, shared) + copies(c, t->right, ends_within, shared);
    if (before && !within) n++;
    t = before ? t->right : t->left;
  }
  return n;
}

static const node *next_of(const node *t, uint64_t from)
{
  const node *best = NULL;
  while (t)
    if (t->is.last >= from) {
      best = t;
      t = t->left;
    } else t = t->right;
  return best;
}

/* Trims the ranges at both sides of the change; the far end of one that it cuts in two is returned. */
static node *trim(struct ranges_change *c, node *before, node *after)
{
  node *rest = NULL;
  while (before && before->right) before = before->right;
  while (after && after->left) after = after->left;
  if (before && before->is.last >= c->first) {
    if (before->is.last > c->last) rest = fresh(c, c->last + 1, before->is.last, before->is.value);
    before->is.last = c->first - 1; /* it begins before c->first, so that is not 0 */
  }
  if (after && after->is.first <= c->last) after->is.first = c->last + 1;
  return rest;
}

/* Takes away what lies in first … last, and puts a range there when there is a value. */
static int change(struct pw_ranges *r, uint64_t first, uint64_t last, const uint64_t *value)
{
  struct ranges_change c = {r, first, last, NULL};
  node *before, *within, *after;
  if (first > last) return 0;
  if (reserve(&c, needed(&c) + (value != NULL))) return -1;
  split(&c, r->root, begins_before, &before, &after);
  split(&c, after, ends_within, &within, &after);
  node *rest = trim(&c, before, after);
  if (value) before = merge(&c, before, fresh(&c, first, last, *value));
  r->root = merge(&c, merge(&c, before, rest), after);
  drop(r, within);
  return 0;
}

/* Gives a range that is there another value: what is shared on the way to it is copied. */
static int replace(struct pw_ranges *r, const struct pw_range *is, uint64_t value)
{
  struct ranges_change c = {r, is->first, is->last, NULL};
  size_t need = 0;
  bool shared = false;
  if (is->value == value) return 0;
  for (const node *t = r->root;; t = begins_before(&c, t) ? t->right : t->left) {
    need += shared |= t->refs > 1;
    if (t->is.first == is->first) break;
  }
  if (reserve(&c, need)) return -1;
  for (node **at = &r->root;; at = begins_before(&c, *at) ? &(*at)->right : &(*at)->left) {
    *at = own(&c, *at);
    if ((*at)->is.first != is->first) continue;
    (*at)->is.value = value;
    return 0;
  }
}

int pw_ranges_put(struct pw_ranges *r, uint64_t first, uint64_t last, uint64_t value)
{
  struct pw_range old;
  if (pw_ranges_at(r, first, &old) && old.first == first && old.last == last) return replace(r, &old, value);
  return change(r, first, last, &value);
}

int pw_ranges_cut(struct pw_ranges *r, uint64_t first, uint64_t last)
{
  return change(r, first, last, NULL);
}

int pw_ranges_join(struct pw_ranges *r, uint64_t first, uint64_t last, uint64_t value)
{
  struct pw_range old;
  if (first > last) return 0;
  if (first > 0 && pw_ranges_at(r, first - 1, &old) && old.value == value) first = old.first;
  if (last < UINT64_MAX && pw_ranges_at(r, last + 1, &old) && old.value == value) last = old.last;
  return pw_ranges_put(r, first, last, value);
}

void pw_ranges_share(struct pw_ranges *to, const struct pw_ranges *from)
{
  node *root = from->root;
  if (root) root->refs++; /* first, since `to` may be `from` */
  pw_ranges_clear(to);
  to->root = root;
}

void pw_ranges_clear(struct pw_ranges *r)
{
  drop(r, r->root);
  r->root = NULL;
}

static bool tell(const node *t, struct pw_range *found)
{
  if (t) *found = t->is;
  return t != NULL;
}

bool pw_ranges_next(const struct pw_ranges *r, uint64_t from, struct pw_range *found)
{
  return tell(next_of(r->root, from), found);
}

bool pw_ranges_at(const struct pw_ranges *r, uint64_t place, struct pw_range *found)
{
  const node *t = r->root;
  while (t && (place < t->is.first || place > t->is.last)) t = place < t->is.first ? t->left : t->right;
  return tell(t, found);
}

bool pw_ranges_before(const struct pw_ranges *r, uint64_t place, struct pw_range *found)
{
  const node *best = NULL;
  for (const node *t = r->root; t; )
    if (t->is.first <= place) {
      best = t;
      t = t->right;
    } else t = t->left;
  return tell(best, found);
}
