/* Symbols of one kind in one address space. See symbols.h; base/ranges.c tells how such a tree is split and merged. */
#include "space/symbols.h"

#include "base/alloc.h"
#include "base/random.h"

typedef struct pw_symbol_node {
  struct pw_space_symbol is;
  uint32_t refs;     /* tables and nodes that point here */
  uint32_t priority; /* no child's is higher */
  struct pw_symbol_node *left, *right; /* a spare node's left is the next spare one */
  uint64_t reach;    /* the highest last byte in this subtree */
} node;

/* A change under way: the nodes that it needs were allocated before it began, so that nothing fails half-way. */
struct change {
  struct pw_symbols *table;
  node *spare;
};

/* Where a symbol stands: an outer one before those that begin where it does. */
struct place {
  uint64_t first, last;
};

static bool before(const node *t, struct place p)
{
  return t->is.first != p.first ? t->is.first < p.first : t->is.last > p.last;
}

/* The place before all that begin at this address. */
static struct place begin_of(uint64_t first)
{
  return (struct place){first, UINT64_MAX};
}

static void free_spare(struct change *c)
{
  for (node *t; (t = c->spare); pw_free(t)) c->spare = t->left;
}

static int reserve(struct change *c, size_t need)
{
  for (; need > 0; need--) {
    node *t = pw_malloc(1, sizeof *t);
    if (!t) {
      free_spare(c);
      return -1;
    }
    t->left = c->spare;
    c->spare = t;
  }
  return 0;
}

static node *take_spare(struct change *c)
{
  node *t = c->spare;
  c->spare = t->left;
  return t;
}

/* Nodes that a split at this place must copy: all beneath the first that is shared. */
static size_t copies(const node *t, struct place p)
{
  size_t n = 0;
  for (bool shared = false; t; t = before(t, p) ? t->right : t->left) n += shared |= t->refs > 1;
  return n;
}

/* The node itself when nobody else points to it, else a copy; the caller's pointer moves over to it. */
static node *own(struct change *c, node *t)
{
  c->table->steps++;
  if (t->refs == 1) return t;
  node *copy = take_spare(c);
  *copy = *t;
  copy->refs = 1;
  if (copy->left) copy->left->refs++;
  if (copy->right) copy->right->refs++;
  t->refs--;
  return copy;
}

static node *reaching(node *t)
{
  t->reach = t->is.last;
  if (t->left && t->left->reach > t->reach) t->reach = t->left->reach;
  if (t->right && t->right->reach > t->reach) t->reach = t->right->reach;
  return t;
}

/* As deep as the tree, which is some 2 log n. */
static void split(struct change *c, node *t, struct place p, node **left, node **right)
{
  if (!t) {
    *left = *right = NULL;
    return;
  }
  t = own(c, t);
  if (before(t, p)) {
    split(c, t->right, p, &t->right, right);
    *left = reaching(t);
  } else {
    split(c, t->left, p, left, &t->left);
    *right = reaching(t);
  }
}

/* Makes one tree of two whose facing edges are this table's own, as split leaves them. */
static node *merge(struct change *c, node *a, node *b)
{
  c->table->steps++;
  if (!a || !b) return a ? a : b;
  if (a->priority > b->priority) {
    a->right = merge(c, a->right, b);
    return reaching(a);
  }
  b->left = merge(c, a, b->left);
  return reaching(b);
}

static void drop(struct pw_symbols *s, node *t)
{
  if (!t) return;
  s->steps++;
  if (--t->refs) return;
  drop(s, t->left);
  drop(s, t->right);
  pw_free(t);
}

static bool is_there(const node *t, struct place p)
{
  while (t && (t->is.first != p.first || t->is.last != p.last)) t = before(t, p) ? t->right : t->left;
  return t != NULL;
}

int pw_symbols_add(struct pw_symbols *s, const struct pw_space_symbol *symbol)
{
  struct change c = {s, NULL};
  struct place p = {symbol->first, symbol->last};
  node *left, *right;
  if (is_there(s->root, p)) return 0;
  if (reserve(&c, 1 + copies(s->root, p))) return -1;
  split(&c, s->root, p, &left, &right);
  node *t = take_spare(&c);
  if (s->random == 0) s->random = pw_random_seed((uintptr_t)t, (uintptr_t)s);
  *t = (node){.is = *symbol, .refs = 1, .priority = (uint32_t)(pw_random_next(&s->random) >> 32), .reach = symbol->last};
  s->root = merge(&c, merge(&c, left, t), right);
  return 0;
}

int pw_symbols_remove(struct pw_symbols *s, uint64_t first, uint64_t last)
{
  struct change c = {s, NULL};
  struct place from = begin_of(first), to = begin_of(last == UINT64_MAX ? last : last + 1);
  node *left, *within, *right = NULL;
  if (!s->root) return 0;
  if (reserve(&c, copies(s->root, from) + copies(s->root, to))) return -1;
  split(&c, s->root, from, &left, &within);
  if (last < UINT64_MAX) split(&c, within, to, &within, &right);
  s->root = merge(&c, left, right);
  drop(s, within);
  free_spare(&c);
  return 0;
}

void pw_symbols_share(struct pw_symbols *to, const struct pw_symbols *from)
{
  node *root = from->root;
  if (root) root->refs++; /* first, since `to` may be `from` */
  pw_symbols_clear(to);
  to->root = root;
}

void pw_symbols_clear(struct pw_symbols *s)
{
  drop(s, s->root);
  s->root = NULL;
}

static bool reaches(const node *t, uint64_t address)
{
  return t && t->reach >= address;
}

/* Down to where a symbol that begins behind the address would stand: what is passed on the left begins early enough,
 * and the later it is passed the further back in order it stands. */
const struct pw_space_symbol *pw_symbols_at(const struct pw_symbols *s, uint64_t address)
{
  const node *best = NULL, *within = NULL;
  for (const node *t = s->root; t;) {
    if (t->is.first > address) {
      t = t->left;
      continue;
    }
    if (t->is.last >= address) best = t;
    else if (reaches(t->left, address)) best = NULL, within = t->left;
    t = t->right;
  }
  while (within && !best) {
    if (reaches(within->right, address)) within = within->right;
    else if (within->is.last >= address) best = within;
    else within = within->left;
  }
  return best ? &best->is : NULL;
}
