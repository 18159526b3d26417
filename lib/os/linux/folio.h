/* What the kernel keeps of a page that processes map: who does, and where it stands on the lists of reclaim.
 *
 * A folio is a frame, or a block of 512 that was given out as one. Its mappings are found without looking through
 * processes: the first is kept in it, more in a list beside it. Mappings that went are not taken out of the list one
 * by one: an entry counts while the page tables say what it says. The list is cleaned when most of it may be stale, so that a
 * page that is mapped and unmapped for ever costs what is mapped.
 *
 * Cost: 80 bytes a page in use; 16 for each mapping beside the first. */
#ifndef PW_FOLIO_H
#define PW_FOLIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pw_mm;

#define PW_NO_FOLIO UINT32_MAX
#define PW_NO_SLOT UINT32_MAX
#define PW_PRIVATE UINT64_MAX /* the key of what is in no file */

/* The pages of a folio are at `page` and behind it in this address space, if they are there. */
struct pw_rmap {
  struct pw_mm *mm;
  uint64_t page;
};

enum pw_lru_list { PW_ANON_INACTIVE, PW_ANON_ACTIVE, PW_FILE_INACTIVE, PW_FILE_ACTIVE, PW_LISTS, PW_NO_LIST, PW_LIST_WAITS };

struct pw_folio {
  struct pw_rmap first, *others;
  uint64_t key;             /* of a page of a file or of shared memory (computer.h), or PW_PRIVATE */
  struct pw_mm *of;         /* who brought it */
  uint32_t n_others, others_room;
  uint32_t frame, holders;  /* holders: page-table entries that map it, 512 for 2 MiB */
  uint32_t prev, next;      /* in its list */
  union {
    uint32_t deferred;      /* of a block: its place in the queue of those to be split, from 1; 0: it is not there */
    uint32_t writing;       /* of a page: the number of its write to swap (swapin.h); 0: it is not being written */
  };
  uint32_t slot;            /* of swap that has a copy, or is to have one; or PW_NO_SLOT; of a file's page: when it became dirty */
  uint8_t list;             /* enum pw_lru_list */
  uint8_t order;
  bool active;              /* for when it comes to a list */
  bool referenced;          /* it was found accessed once */
  bool workingset;          /* it was active before it left */
  bool dirty : 1, pinned : 1, charged : 1;
  bool readahead : 1;       /* it came from swap with another, and nobody has asked for it yet */
};

struct pw_folios {
  struct pw_folio *list;
  size_t n, room;
  uint32_t *spare;
  size_t n_spare, spare_room;
};

/* A folio of a frame, with nobody who maps it; PW_NO_FOLIO: memory ran out. */
uint32_t pw_folio_make(struct pw_folios *folios, uint32_t frame, unsigned order);
void pw_folio_drop(struct pw_folios *folios, uint32_t folio);
void pw_folios_clear(struct pw_folios *folios);

/* So many more entries map it: its first page, or where that would be, is `page`. 0 or PW_ENOMEM. */
int pw_folio_map(struct pw_folio *folio, struct pw_mm *mm, uint64_t page, uint32_t n);
/* The pages that this process mapped elsewhere are here now: it does not change how many entries map it. 0 or PW_ENOMEM. */
int pw_folio_moved(struct pw_folio *folio, struct pw_mm *mm, uint64_t page);

/* Each entry that maps it: of 2 MiB at once `huge`, else a page's. It may change the entry, and nothing else. */
typedef void pw_entry_fn(void *context, struct pw_mm *mm, uint64_t page, uint32_t *pte, bool huge);
void pw_folio_each(const struct pw_folio *folio, pw_entry_fn *take, void *context);

#endif
