/* Instruments translated code: a word for each run, a word for each data access.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Algorithm: a superblock is cut into runs at its side exits. At the head of a run its number is
 * stored into the ring, at each data access the address; how far the ring is filled is known
 * while translating, so that there is one load of the cursor a superblock and one store of it
 * an exit. Room for the whole superblock is made at its start. What a run holds is told to the
 * recorder once, now.
 *
 * A store that follows a load of the same address and size at once is a modify. The word of an access is
 * written before it happens, so what came before a fault in the midst of a run can be told. */
#include "capture.h"

#include "pub_tool_libcassert.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_machine.h"

enum { FETCH, LOAD, STORE, MODIFY }; /* as enum pw_op */

struct work {
  IRSB *out;
  IRTypeEnv *types;
  IRExpr *cursor;      /* at the head of the superblock */
  UInt n_words;        /* written since */
  Bool in_run;
  UInt n_items;
  IRExpr *load_address; /* of the last item, if it is a load without a guard */
};

static UInt n_runs;
static ULong items[1 + PW_RING_MOST_ITEMS]; /* of the run at hand, behind its number */

UInt runs_told(void)
{
  return n_runs;
}

void forget_runs(void)
{
  n_runs = 0;
}

static VG_REGPARM(0) void flush_block(void)
{
  channel_flush();
}

static IRExpr *word(ULong value)
{
  return IRExpr_Const(IRConst_U64(value));
}

static IRExpr *assign(IRSB *out, IRType type, IRExpr *value)
{
  IRTemp temp = newIRTemp(out->tyenv, type);
  addStmtToIRSB(out, IRStmt_WrTmp(temp, value));
  return IRExpr_RdTmp(temp);
}

static IRExpr *sum(IRSB *out, IRExpr *a, ULong b)
{
  return b ? assign(out, Ity_I64, IRExpr_Binop(Iop_Add64, a, word(b))) : a;
}

static IRExpr *load_word(IRSB *out, const void *from)
{
  return assign(out, Ity_I64, IRExpr_Load(Iend_LE, Ity_I64, word((Addr)from)));
}

static void put_word(struct work *w, IRExpr *value)
{
  addStmtToIRSB(w->out, IRStmt_Store(Iend_LE, sum(w->out, w->cursor, 8ULL * w->n_words), value));
  w->n_words++;
}

static void end_run(struct work *w)
{
  if (w->in_run) channel_record(PW_RING_RUN, items, 1 + w->n_items);
  w->in_run = False;
  w->load_address = NULL;
}

static void add_item(struct work *w, UInt op, UInt size, Addr address)
{
  if (w->in_run && w->n_items == PW_RING_MOST_ITEMS) end_run(w);
  if (!w->in_run) {
    if (n_runs == PW_RING_MOST_RUNS) VG_(tool_panic)("too much code to record");
    items[0] = n_runs;
    put_word(w, word(n_runs++));
    w->in_run = True;
    w->n_items = 0;
  }
  items[1 + w->n_items++] = PW_RING_ITEM(op, size, address);
}

static void fetch(struct work *w, Addr address, UInt size)
{
  add_item(w, FETCH, size ? size : 1, address);
  w->load_address = NULL;
}

static void access_data(struct work *w, UInt op, IRExpr *address, UInt size, IRExpr *guard)
{
  if (size == 0 || size > 0x3fff) VG_(tool_panic)("an access of impossible size");
  ULong *last = &items[w->n_items];
  if (op == STORE && !guard && w->in_run && w->load_address && eqIRAtom(w->load_address, address) &&
      *last == PW_RING_ITEM(LOAD, size, 0)) {
    *last = PW_RING_ITEM(MODIFY, size, 0);
    w->load_address = NULL;
    return;
  }
  add_item(w, op, size, 0);
  IRExpr *value = address;
  if (guard) value = assign(w->out, Ity_I64, IRExpr_ITE(guard, address, word(PW_RING_NOTHING)));
  put_word(w, value);
  w->load_address = op == LOAD && !guard ? address : NULL;
}

static void publish_cursor(struct work *w)
{
  if (w->n_words)
    addStmtToIRSB(w->out, IRStmt_Store(Iend_LE, word((Addr)&ring->cursor), sum(w->out, w->cursor, 8ULL * w->n_words)));
}

static UInt size_of(const struct work *w, const IRExpr *value)
{
  return (UInt)sizeofIRType(typeOfIRExpr(w->types, value));
}

static void instrument_dirty(struct work *w, const IRDirty *dirty)
{
  if (dirty->mFx == Ifx_None) return;
  IRExpr *guard = dirty->guard->tag == Iex_Const ? NULL : dirty->guard;
  UInt op = dirty->mFx == Ifx_Read ? LOAD : dirty->mFx == Ifx_Write ? STORE : MODIFY;
  access_data(w, op, dirty->mAddr, (UInt)dirty->mSize, guard);
}

static void instrument_statement(struct work *w, IRStmt *st)
{
  switch (st->tag) {
  case Ist_IMark: fetch(w, st->Ist.IMark.addr, st->Ist.IMark.len); break;
  case Ist_WrTmp: {
    IRExpr *load = st->Ist.WrTmp.data;
    if (load->tag == Iex_Load) access_data(w, LOAD, load->Iex.Load.addr, (UInt)sizeofIRType(load->Iex.Load.ty), NULL);
    break;
  }
  case Ist_Store: access_data(w, STORE, st->Ist.Store.addr, size_of(w, st->Ist.Store.data), NULL); break;
  case Ist_StoreG: {
    IRStoreG *store = st->Ist.StoreG.details;
    access_data(w, STORE, store->addr, size_of(w, store->data), store->guard);
    break;
  }
  case Ist_LoadG: {
    IRLoadG *load = st->Ist.LoadG.details;
    IRType result, loaded;
    typeOfIRLoadGOp(load->cvt, &result, &loaded);
    access_data(w, LOAD, load->addr, (UInt)sizeofIRType(loaded), load->guard);
    break;
  }
  case Ist_CAS: {
    IRCAS *cas = st->Ist.CAS.details;
    access_data(w, MODIFY, cas->addr, size_of(w, cas->dataLo) * (cas->dataHi ? 2 : 1), NULL);
    break;
  }
  case Ist_Dirty: instrument_dirty(w, st->Ist.Dirty.details); break;
  case Ist_Exit: /* the cursor is published before the way out */
    end_run(w);
    publish_cursor(w);
    break;
  default: break;
  }
}

/* Words that the superblock can write at most. */
static UInt most_words(const IRSB *in)
{
  UInt n = 2;
  for (Int i = 0; i < in->stmts_used; i++) switch (in->stmts[i]->tag) {
    case Ist_WrTmp: n += in->stmts[i]->Ist.WrTmp.data->tag == Iex_Load; break;
    case Ist_Store: case Ist_StoreG: case Ist_LoadG: case Ist_CAS: case Ist_Dirty: case Ist_Exit: n++; break;
    default: break;
    }
  return n;
}

static void make_room(struct work *w, UInt n_words)
{
  IRSB *out = w->out;
  IRExpr *end = load_word(out, &ring->end);
  IRExpr *need = sum(out, load_word(out, &ring->cursor), 8ULL * n_words);
  IRDirty *call = unsafeIRDirty_0_N(0, "flush_block", VG_(fnptr_to_fnentry)(&flush_block), mkIRExprVec_0());
  call->guard = assign(out, Ity_I1, IRExpr_Binop(Iop_CmpLT64U, end, need));
  addStmtToIRSB(out, IRStmt_Dirty(call));
  w->cursor = load_word(out, &ring->cursor);
}

IRSB *instrument(VgCallbackClosure *closure, IRSB *in, const VexGuestLayout *layout, const VexGuestExtents *extents,
                 const VexArchInfo *arch, IRType guest_word, IRType host_word)
{
  (void)closure, (void)layout, (void)extents, (void)arch, (void)host_word;
  if (guest_word != Ity_I64) VG_(tool_panic)("only 64-bit programs can be recorded");
  if (ring->stop) return in;
  struct work w = {.out = deepCopyIRSBExceptStmts(in), .types = in->tyenv};
  Int i = 0;
  for (; i < in->stmts_used && in->stmts[i]->tag != Ist_IMark; i++) addStmtToIRSB(w.out, in->stmts[i]);
  make_room(&w, most_words(in));
  for (; i < in->stmts_used; i++) {
    instrument_statement(&w, in->stmts[i]);
    addStmtToIRSB(w.out, in->stmts[i]);
  }
  end_run(&w);
  publish_cursor(&w);
  return w.out;
}
