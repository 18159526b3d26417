#!/usr/bin/env python3
"""The naive Linux (naive_kernel.py) with reclaim, swap, a group's limit and kills, written again from docs/system.md with Python's lists, and
held against `pagewalk system` on random mixes: faults, swap, refaults, slots, kills and their points, slab objects, free blocks.

usage: naive_reclaim.py PAGEWALK [SEEDS [FIRST]]     the environment's PAGEWALK if it is not given"""
import csv
import os
import random
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import naive_kernel as naive
from naive_kernel import MOVABLE, PAGE, UNMOVABLE, NoFrame

naive.Pte.counted = False  # of swap: its slot knows of it; `frame` is the slot then
BYTES = {'task_struct': 4288, 'mm_struct': 1600, 'signal_cache': 1152, 'sighand_cache': 2112, 'files_cache': 704, 'vm_area_struct': 192,
         'anon_vma': 104, 'anon_vma_chain': 64, 'pid': 192, 'filp': 192, 'shmem_inode': 752}  # charged by their bytes


class Killed(Exception):
    """The process that asked is to die."""


class Beyond(Exception):
    """What this kernel does not follow: a kill in the middle of a system call."""


class Slot:
    def __init__(self):
        self.users, self.page, self.shadow, self.working, self.memory = 0, None, 0, False, False


class FilePage:
    def __init__(self, at, name, i):
        self.at, self.name, self.i = at, name, i


def size(page):
    return 512 if isinstance(page, naive.Block) else 1


class Lists:
    """Of those who are charged alike; the head of each list is its first element."""

    def __init__(self):
        self.of = {(kind, active): [] for kind in 'af' for active in (False, True)}
        self.age, self.cost = 0, {'a': 0, 'f': 0}
        self.again, self.before = {'a': 0, 'f': 0}, {'a': 0, 'f': 0}

    def n(self, kind, active):
        return sum(map(size, self.of[kind, active]))

    def pay(self, kind, cost):
        if not cost:
            return
        self.cost[kind] += cost
        if sum(self.cost.values()) > sum(self.n(*key) for key in self.of) // 4:
            self.cost = {k: c // 2 for k, c in self.cost.items()}

    def few_inactive(self, kind):
        return self.n(kind, False) < self.n(kind, True)  # of less than 1 GiB


class Computer(naive.Computer):
    def __init__(self, o):
        super().__init__(o)
        self.low = self.buddy.keep + (self.high - self.buddy.keep) // 2
        if o['reclaim'] != 'linux':
            self.buddy.keep = self.low = self.high = 0
        self.lists, self.batch = {False: Lists(), True: Lists()}, []
        self.slots, self.fresh, self.spare = {}, 0, []
        self.limit, self.swap_pages = o['limit'], max(o['swap'] // PAGE - 1, 0)
        self.bytes = self.charged_user = self.kernel_pages = 0
        self.way, self.asker, self.failed = None, None, 0
        self.kills, self.direct, self.pinned = [], 0, []
        self.deferred = []  # blocks that may be mapped in part
        self.shadows, self.out = {}, {}  # of files' pages; of shared memory: its slot
        self.slow = o['device'] != 'sync' and o['reclaim'] == 'linux'
        self.writing, self.ahead, self.waits = [], [0, 0, 4], 0  # pages in the order of their writes; of a disk
        self.swap_peak = 0
        self.real_take, self.real_give = self.buddy.take, self.buddy.give
        self.buddy.take = self.take

    # ---- requests ----

    def take(self, order, kind):
        way = self.way or 'kernel'
        if order == 9:
            way = 'block' if kind == MOVABLE else 'zero'
        if way in ('kernel', 'user', 'ahead', 'block'):
            self.charge(1 << order, way in ('ahead', 'block'))
        if order < 9 and self.o['reclaim'] == 'linux' and self.buddy.free <= self.low + (1 << order) - 1 and self.failed < 16:
            self.kswapd()
        tries = 0
        while True:
            try:
                at = self.real_take(order, kind)
                break
            except NoFrame:
                if order == 9:
                    raise
                tries = self.make_room(order, way == 'ahead', tries)
        if way == 'kernel':
            self.kernel_pages += 1 << order
        return at

    def charged(self):
        return self.charged_user + self.kernel_pages + (self.bytes + PAGE - 1) // PAGE

    def charge(self, pages, light):
        tries = blocks = 0
        while self.limit and pages and self.charged() + pages > self.limit:
            if light and pages > 1 and not self.advised:
                raise NoFrame
            freed = self.reclaim(pages, 'group')
            if self.charged() + pages <= self.limit:
                break
            if light and pages > 1 and self.o['reclaim'] == 'linux':  # 18 times, whatever comes of it
                blocks += 1
                if blocks == 18:
                    raise NoFrame
                continue
            if light and not freed:
                raise NoFrame
            tries = 0 if freed else tries + 1
            if tries == 16:
                self.kill(True)
                tries = 0

    def kswapd(self):
        total = 0
        while True:
            freed = self.reclaim(32, 'kswapd')
            total += freed
            if not freed or self.buddy.free > self.high:
                break
        self.failed = 0 if total else self.failed + 1

    def make_room(self, order, light, tries):
        linux = self.o['reclaim'] == 'linux'
        if linux and self.failed < 16:
            self.kswapd()
            return tries
        self.direct += linux
        freed = self.reclaim(1 << order, 'direct')
        if freed:
            self.failed = 0
            return 0
        if light:
            raise NoFrame
        if linux and tries + 1 < 16:
            return tries + 1
        self.kill(False)
        return 0

    def kill(self, group):
        total = (self.limit if group else len(self.buddy.owner) - self.reserved()) + self.swap_pages
        best = None
        row = []
        for p in self.processes:
            adj = self.o['adj'][p.name]
            if not p.lives or adj == -1000 or p is self.unborn:
                continue
            points = self.resident(p) + sum(1 for e in p.pages.values() if e.state == 'swap') + len(p.tables) + len(p.aside) - 1
            points += adj * (total // 1000)
            row.append(points)
            if best is None or points >= best[0]:
                best = points, p
        if best is None:
            raise NoFrame
        self.kills.append(sorted(row))
        victim = best[1]
        victim.killed = True
        if victim is self.asker:
            raise Killed
        way, self.way = self.way, None
        self.end(victim)
        self.way = way

    def reserved(self):
        frames = self.o['memory'] // PAGE
        return (frames * 64 + PAGE - 1) // PAGE + self.o['kernel'] // PAGE

    @staticmethod
    def resident(p):
        return sum(1 for e in p.pages.values() if e.state in ('own', 'forked', 'cache', 'cachew')) + 512 * sum(1 for e in p.huge.values() if e.state != 'zero')

    # ---- who asks for what ----

    def asking(self, way, call, *words):
        was, self.way = self.way, way
        try:
            return call(*words)
        finally:
            self.way = was

    def object(self, name):
        size = BYTES.get(name, 0)
        was = (self.bytes + PAGE - 1) // PAGE
        self.charge((self.bytes + size + PAGE - 1) // PAGE - was, False)
        thing = self.asking('slab', super().object, name)
        self.bytes += size
        return thing

    def free_object(self, thing):
        self.bytes -= BYTES.get(thing[0], 0)
        super().free_object(thing)

    def stack(self):
        return self.asking('kernel', super().stack)

    def end_thread(self, p, tid):
        self.kernel_pages -= 4 if tid in p.threads else 0
        super().end_thread(p, tid)

    def end(self, p):
        self.kernel_pages -= 4
        super().end(p)

    def table(self, p, level, page):
        self.asking('kernel', super().table, p, level, page)

    def free_table(self, p, key):
        self.kernel_pages -= 1
        super().free_table(p, key)

    unborn = None

    def begin(self, name, index, parent=None):
        self.asker = parent
        was, self.unborn = self.unborn, None
        real = naive.Process.__init__

        def note(p, *words):
            real(p, *words)
            self.unborn = p
        naive.Process.__init__ = note
        try:
            p = super().begin(name, index, parent)
        except Killed as killed:
            raise Beyond from killed
        finally:
            naive.Process.__init__ = real
            self.unborn = was
        return p

    # ---- lists ----

    def vec(self, page):
        return self.lists[page.charged]

    @staticmethod
    def kind(page):
        return 'f' if isinstance(page, FilePage) and not page.shared else 'a'

    def add(self, page, by):
        page.active = page.seen = page.working = page.waits = False
        page.by, page.slot, page.where = by, None, None
        page.writing, page.ra = None, False
        page.dirty = self.kind(page) == 'a'

    def enlist(self, page):
        if self.o['reclaim'] != 'linux':
            self.put(page, 'a', False)
            return
        page.waits = True
        self.batch.append(page)
        if len(self.batch) == 31 or isinstance(page, naive.Block):
            self.drain()

    def put(self, page, kind, active):
        page.where = kind, active
        self.vec(page).of[page.where].insert(0, page)

    def drain(self):
        for page in self.batch:
            if page is not None:
                page.waits = False
                self.put(page, self.kind(page), page.active)
        self.batch = []

    def unlist(self, page):
        if page.waits:
            self.batch = [None if other is page else other for other in self.batch]
            page.waits = False
        elif page.where:
            line = self.vec(page).of[page.where]
            del line[next(i for i, other in enumerate(line) if other is page)]
        page.where = None

    def again(self, page, shadow, working):
        """It comes back: refaulted."""
        if self.o['reclaim'] != 'linux':
            return
        v, kind = self.vec(page), self.kind(page)
        if page.by:
            page.by.count['refaults'] += 1
        length = v.n('f', True) + (v.n('f', False) if kind == 'a' else 0)
        if len(self.slots) < self.swap_pages:
            length += v.n('a', True) + (v.n('a', False) if kind == 'f' else 0)
        if v.age - shadow > length:
            return
        page.active = True
        v.age += 1
        v.again[kind] += 1
        if page.by:
            page.by.count['activations'] += 1
        if working:
            page.working = True
            v.pay(kind, 32)

    # ---- reclaim ----

    def maps_of(self, page):
        for p in self.processes:
            if not p.lives and p is not self.unborn:
                continue
            for at, e in list(p.pages.items()):
                if isinstance(page, FilePage):
                    area = p.areas.get(at)
                    if e.state in ('cache', 'cachew') and area and area.file == page.name and at + area.offset == page.i:
                        yield p, at, e
                elif e.state in ('own', 'forked') and (e.block or e.frame) is page:
                    yield p, at, e
            for at, e in list(p.huge.items()):
                if e.block is page and e.block is not None:
                    yield p, at, e

    def look(self, page):
        n, executable = 0, False
        for p, at, e in self.maps_of(page):
            if e.accessed:
                e.accessed = False
                n += 1
                area = p.areas.get(at)
                executable |= area is not None and area.rights[2] == 'x' and isinstance(page, FilePage)
        return n, executable

    def evict(self, page):
        """None: it cannot; else pages written."""
        swaps = self.kind(page) == 'a'
        if isinstance(page, naive.Block):
            return self.evict_block(page)
        if swaps and page.slot is None:
            if self.fresh < self.swap_pages:
                number = self.fresh
                self.fresh += 1
            elif self.spare:
                number = self.spare.pop()
            else:
                return None
            page.slot = Slot()
            page.slot.number = number
            self.slots[number] = page.slot
            page.dirty = True
        for p, at, e in list(self.maps_of(page)):
            self.note(p)
            if isinstance(page, FilePage):
                del p.pages[at]
            else:
                e.exclusive = e.state == 'own'
                e.state, e.frame, e.counted = 'swap', page.slot, True
                page.slot.users += 1
            self.shoot(p, at, at + 1)
        v = self.vec(page)
        written = int(page.dirty)
        if swaps and page.dirty and page.by:
            page.by.count['swap_outs'] += 1
        if self.slow and page.dirty and not isinstance(page, FilePage):
            page.dirty, page.slot.page, page.maps = False, page, 0
            page.writing = [page, self.clock + self.o['latency']]
            self.writing.append(page.writing)
            self.swap_peak = max(self.swap_peak, len(self.slots))
            return 'written'
        mark = v.age, page.working
        v.age += 1
        if isinstance(page, FilePage):
            f = self.files[page.name]
            del f['pages'][page.i], f['folios'][page.i]
            self.file -= 1
            if swaps:
                page.slot.users += 1
                page.slot.memory = True
                self.out[page.name, page.i] = page.slot
            else:
                self.writebacks += page.dirty
                self.shadows[page.name, page.i] = mark
                f.setdefault('dirty', set()).discard(page.i)
                self.dirty = [d for d in self.dirty if d[1:] != (page.name, page.i)]
        else:
            self.anon -= 1
        if swaps:
            page.slot.shadow, page.slot.working = mark
            page.slot.page = None
        self.charged_user -= page.charged
        self.real_give(page.at, 0)
        self.swap_peak = max(self.swap_peak, len(self.slots))
        return written

    def evict_block(self, block):
        first = (self.fresh + 511) // 512 * 512
        self.spare += range(self.fresh, first)
        self.fresh = first + 512
        slots = []
        for i in range(512):
            slot = Slot()
            slot.number = first + i
            self.slots[slot.number] = slot
            slots.append(slot)
        for p, at, _ in list(self.maps_of(block)):
            if at in p.huge:
                self.split(p, at)
        for p, at, e in list(self.maps_of(block)):
            self.note(p)
            slot = slots[e.frame - block.at]
            e.exclusive = e.state == 'own'
            e.state, e.frame, e.block, e.counted = 'swap', slot, None, True
            slot.users += 1
            self.shoot(p, at, at + 1)
        v = self.vec(block)
        if block.by:
            block.by.count['swap_outs'] += 512
            block.by.count['thp_swap_outs'] += 1
        for slot in slots:
            slot.shadow, slot.working = v.age, block.working
        v.age += 512
        self.anon -= 512
        self.charged_user -= 512 * block.charged
        self.gone(block)
        self.real_give(block.at, 9)
        self.swap_peak = max(self.swap_peak, len(self.slots))
        return 512

    def gone(self, block):
        self.deferred = [other for other in self.deferred if other is not block]

    def parts(self, block):
        """Its pages that somebody maps."""
        found = set()
        for _, at, e in self.maps_of(block):
            found |= set(range(512)) if isinstance(e.frame, type(None)) else {e.frame - block.at}
        return found

    def must_split(self, block):
        return self.slow or len(self.parts(block)) < 512 or (self.fresh + 511) // 512 * 512 + 512 > self.swap_pages

    def divide_block(self, block):
        """Its pages, each by itself, in order; those that nobody maps are free. How many were."""
        for p, at, _ in list(self.maps_of(block)):
            if at in p.huge:
                self.split(p, at)
        frames = {}
        for p, at, e in list(self.maps_of(block)):
            i = e.frame - block.at
            if i not in block.stored:  # all zeros: nobody needs it
                self.note(p)
                e.state, e.frame, e.block = 'zero', None, None
                self.shoot(p, at, at + 1)
                continue
            if i not in frames:
                frames[i] = naive.Frame(block.at + i)
                for name in ('by', 'active', 'seen', 'working', 'dirty', 'charged'):
                    setattr(frames[i], name, getattr(block, name))
                frames[i].slot = frames[i].where = frames[i].writing = None
                frames[i].waits = frames[i].ra = False
            e.frame, e.block = frames[i], None
            frames[i].maps += 1
        self.gone(block)
        for i in range(512):
            if i not in frames:
                self.real_give(block.at + i, 0)
                self.anon -= 1
                self.charged_user -= block.charged
        return [frames[i] for i in sorted(frames)], 512 - len(frames)

    def split_deferred(self):
        freed, waiting, self.deferred = 0, self.deferred, []
        for k, block in enumerate(waiting):
            if any(block is pin for pin in self.pinned) or len(self.parts(block)) == 512:
                continue
            self.drain()
            where = block.where
            self.unlist(block)
            pages, more = self.divide_block(block)
            freed += more
            for page in reversed(pages):
                self.put(page, *where)
        return freed

    def pop(self, line, n):
        """From the tail of a list, until they have so many pages."""
        taken = []
        while line and sum(map(size, taken)) < n:
            taken.append(line.pop())
        return taken

    def shrink_inactive(self, v, kind, n):
        line = v.of[kind, False]
        taken = self.pop(line, n)
        n_taken = sum(map(size, taken))
        for page in taken:
            page.where = None
        freed = written = 0
        kept = []
        for page in taken:
            if page.writing:
                page.active = False
                kept.append(page)
                continue
            seen, executable = self.look(page)
            was, page.seen = page.seen, seen > 0
            if seen:
                page.active = bool(was or seen > 1 or (executable and kind == 'f'))
                kept.append(page)
            elif any(page is pin for pin in self.pinned):
                page.active = False
                kept.append(page)
            elif isinstance(page, naive.Block) and self.must_split(page):
                pages, more = self.divide_block(page)
                freed += more
                taken.extend(pages)  # they are looked at behind the others
            else:
                gone = self.evict(page)
                if gone is None:
                    page.active = True
                    kept.append(page)
                elif gone == 'written':
                    page.active = False
                    kept.append(page)
                    written += 1
                else:
                    freed += size(page)
                    written += gone
        for page in kept:
            v.age += page.active * size(page)
            self.put(page, kind, page.active)
        v.pay(kind, 32 * written + max(n_taken - freed, 0))
        return freed

    def shrink_active(self, v, kind, n):
        line = v.of[kind, True]
        taken = self.pop(line, n)
        turned = 0
        for page in taken:
            seen, executable = self.look(page)
            stays = bool(seen and executable and kind == 'f')
            turned += stays
            page.active = stays
            page.working |= not stays
            self.put(page, kind, page.active)
        v.pay(kind, turned)

    def shares(self, v, who, priority, deactivates):
        """How many of each list."""
        sizes = {key: v.n(*key) >> priority for key in v.of}
        only = None
        if len(self.slots) >= self.swap_pages or (who == 'group' and self.o['swappiness'] == 0):
            only = 'f'
        elif priority == 0 and self.o['swappiness']:
            return sizes
        elif who != 'group' and v.n('f', False) + v.n('f', True) + self.buddy.free <= self.high and not deactivates['a'] and sizes['a', False]:
            only = 'a'
        elif sizes['f', False] and not deactivates['f']:
            only = 'f'
        if only:
            return {key: n if key[0] == only else 0 for key, n in sizes.items()}
        a, f, s = v.cost['a'], v.cost['f'], self.o['swappiness']
        parts = {'a': s * (3 * (a + f) + 1) // (2 * a + f + 1), 'f': (200 - s) * (3 * (a + f) + 1) // (a + 2 * f + 1)}
        return {key: n * parts[key[0]] // sum(parts.values()) for key, n in sizes.items()}

    def shrink(self, v, who, priority, forced, want):
        deactivates = {k: forced or v.again[k] != v.before[k] or v.few_inactive(k) for k in 'af'}
        target = self.shares(v, who, priority, deactivates)
        left, freed = dict(target), 0
        order = [('a', False), ('a', True), ('f', False), ('f', True)]
        while left['a', False] or left['f', False] or left['f', True]:
            for key in order:
                n = min(left[key], 32)
                left[key] -= n
                if n and not key[1]:
                    freed += self.shrink_inactive(v, key[0], n)
                elif n and deactivates[key[0]]:
                    self.shrink_active(v, key[0], n)
            if freed < want or (who == 'direct' and priority == 12):
                continue
            anon, files = left['a', False] + left['a', True], left['f', False] + left['f', True]
            if not anon or not files:
                break
            stops, goes = ('a', 'f') if files > anon else ('f', 'a')
            percent = min(anon, files) * 100 // (target[stops, False] + target[stops, True] + 1)
            for active in (False, True):
                scanned = target[goes, active] - left[goes, active]
                left[goes, active] = max(target[goes, active] * (100 - percent) // 100 - scanned, 0)
                left[stops, active] = 0
        if self.swap_pages and v.few_inactive('a'):
            self.shrink_active(v, 'a', 32)
        return freed

    def reclaim(self, pages, who):
        if self.o['reclaim'] != 'linux':
            return self.one(who)
        self.drain()
        while self.writing and self.writing[0][1] <= self.clock:
            self.end_oldest()
        want, freed = max(pages, 32), self.split_deferred()
        vecs = [self.lists[True]] if who == 'group' else [self.lists[False]] + ([self.lists[True]] if self.limit else [])
        for forced in (False, True):
            if forced and freed:
                break
            for priority in range(12, -1, -1):
                if freed >= want:
                    break
                for v in vecs:
                    freed += self.shrink(v, who, priority, forced, want)
                waited = 0
                while freed + waited < want and self.writing:
                    waited += self.end_oldest()
                self.waits += waited
        for v in vecs:
            v.before = dict(v.again)
        return freed

    def end_oldest(self):
        write = self.writing.pop(0)
        page = write[0]
        if page.writing is not write:  # it has gone
            return 0
        page.writing = None
        if page.where == ('a', False) and not page.dirty:
            line = self.vec(page).of[page.where]
            line.append(line.pop(next(i for i, other in enumerate(line) if other is page)))
        return 1

    def one(self, who):
        """One page of one list: fifo, lru, clock."""
        freed = self.split_deferred()
        for charged in ([True] if who == 'group' else [False] + ([True] if self.limit else [])):
            if freed:
                break
            line = self.lists[charged].of['a', False]
            looks = 2 * sum(map(size, line)) + 1
            page = line[-1] if line else None
            while page is not None and looks:
                looks -= 1
                at = next(k for k, other in enumerate(line) if other is page)
                before = line[at - 1] if at else None
                pinned = any(page is pin for pin in self.pinned)
                full = self.kind(page) == 'a' and page.slot is None and len(self.slots) >= self.swap_pages
                if self.o['reclaim'] == 'clock' and self.look(page)[0]:
                    line.insert(0, line.pop(at))
                    before = before or line[-1]
                elif not pinned and not full:
                    line.pop(at)
                    page.where = None
                    if isinstance(page, naive.Block) and self.must_split(page):
                        pages, freed = self.divide_block(page)
                        for part in reversed(pages):
                            part.where = 'a', False
                            line.append(part)
                        if freed:
                            return freed
                    else:
                        self.evict(page)
                        return size(page)
                page = before
        return freed

    # ---- pages ----

    def own_frame(self):
        frame = self.asking('user', super().own_frame)
        frame.charged = bool(self.limit)
        self.charged_user += frame.charged
        self.add(frame, self.who)
        if self.back is not None:
            slot = self.back
            self.again(frame, slot.shadow, slot.working)
            if slot.users > 1:
                frame.slot, slot.page, frame.dirty, frame.maps = slot, frame, False, 0
            else:
                self.free_slot(slot)
        self.enlist(frame)
        return frame

    back = who = None

    # ---- 2 MiB ----

    def take_block(self, advised=True):
        block = super().take_block(advised)
        block.stored = set()
        block.charged = bool(self.limit)
        self.charged_user += 512 * block.charged
        self.add(block, self.who)
        self.enlist(block)
        return block

    def put_huge(self, p, first, e):
        self.pinned.append(e.block)
        try:
            super().put_huge(p, first, e)
        finally:
            self.pinned.pop()

    def unmap_huge(self, p, first):
        self.kernel_pages -= 1  # the table that was set aside
        super().unmap_huge(p, first)

    def move(self, p, start, pages, to):
        was = len(p.aside) + len(p.tables)
        kernel = self.kernel_pages
        super().move(p, start, pages, to)
        self.kernel_pages = kernel + len(p.aside) + len(p.tables) - was

    def collapse(self, p, first):
        def look():
            entries = [e for e in (p.pages.get(first + i) for i in range(512)) if e]
            return [e for e in entries if e.state in ('own', 'forked')], sum(1 for e in entries if e.state == 'swap')
        own, swapped = look()
        if not own or swapped > 64 or sum(1 for e in own if e.block is None and e.frame.maps > 1) > 256:
            return False
        self.who = p
        try:
            block = self.take_block()
        except NoFrame:
            return True
        own, swapped = look()
        for i in range(512):
            e = p.pages.get(first + i)
            if e and (e.state == 'swap' or (e.state in ('own', 'forked') and (e.block is None or e.frame - e.block.at in e.block.stored))):
                block.stored.add(i)
            self.forget(p, first + i)
        p.aside[first] = p.tables.pop((0, first >> 9))
        p.huge[first] = naive.Pte('own', None, block)
        self.count_thp(block, 1)
        p.count['copies'] += len(own)
        p.count['swap_ins'] += swapped
        p.count['thp_collapses'] += 1
        self.note(p)
        self.shoot(p, first, first + 512)
        return False

    # ---- pages ----

    def free_slot(self, slot):
        del self.slots[slot.number]
        self.spare.append(slot.number)

    def let_go(self, holder, n=1):
        if isinstance(holder, naive.Block) and holder.maps == n:
            self.unlist(holder)
            self.gone(holder)
            self.charged_user -= 512 * holder.charged
        elif isinstance(holder, naive.Block) and n == 1 and not any(holder is other for other in self.deferred):
            self.deferred.append(holder)
        if isinstance(holder, naive.Frame) and holder.maps == n:
            if holder.slot and holder.slot.users:
                holder.maps = 0
                return
            if holder.slot:
                self.free_slot(holder.slot)
            holder.writing = None
            self.unlist(holder)
            self.charged_user -= holder.charged
        super().let_go(holder, n)

    def forget(self, p, page):
        e = p.pages.get(page)
        if e and e.state == 'swap':
            del p.pages[page]
            self.drop_slot(e.frame)
            return
        super().forget(p, page)

    def drop_slot(self, slot):
        slot.users -= 1
        if slot.users:
            return
        page = slot.page
        if page is not None and page.maps:
            return
        if page is not None:
            page.writing = None
            self.unlist(page)
            self.charged_user -= page.charged
            self.buddy.give(page.at, 0)
            self.count_anon(-1)
        self.free_slot(slot)

    def note(self, p):
        own = sum(1 for e in p.pages.values() if e.state not in ('zero', 'swap')) + 512 * sum(1 for e in p.huge.values() if e.state != 'zero')
        p.peak = max(p.peak, own)
        p.table_peak = max(p.table_peak, len(p.tables) + len(p.aside))

    def alone(self, p, page, e):
        if e.block is not None:
            return super().alone(p, page, e)
        if not super().alone(p, page, e) or (e.frame.slot and e.frame.slot.users):
            return False
        self.wrote(e.frame)
        e.clean = False
        return True

    def wrote(self, page):
        page.dirty = True
        if page.slot and not page.writing:
            self.free_slot(page.slot)
            page.slot = None

    def fork(self, parent, child):
        super().fork(parent, child)
        for e in child.pages.values():
            if e.state == 'swap' and not e.counted:
                e.frame.users += 1
        for e in list(parent.pages.values()) + list(child.pages.values()):
            e.exclusive = e.clean = False

    def put_own(self, p, page, area, copied):
        e = p.pages.get(page)
        source = None
        if copied and e and e.state in ('own', 'forked'):
            source = e.block or e.frame
        elif copied and area and area.file:
            source = self.files[area.file]['folios'].get(page + area.offset)
        self.pinned.append(source)
        self.who = p
        try:
            super().put_own(p, page, area, copied)
        finally:
            self.pinned.pop()

    def swap_in(self, p, page, write, area):
        e = p.pages[page]
        slot = e.frame
        p.count['minor_faults'] += 1
        cached = True
        exclusive = self.slow and e.exclusive
        if slot.page is None and self.slow:
            frame = self.read(p, page, area, slot)
            p.count['minor_faults'] -= 1
            p.count['major_faults'] += 1
        elif slot.page is None:
            self.back, self.who = slot, p
            try:
                frame = self.own_frame()
            finally:
                self.back = None
            cached = frame.slot is slot
            p.count['minor_faults'] -= 1
            p.count['major_faults'] += 1
            p.count['swap_ins'] += 1
        else:
            frame = slot.page
            self.hit(p, page, area, frame)
        e.accessed = True
        e.frame = frame
        if not cached:
            e.state = 'own'
            return
        e.state = 'forked'
        slot.users -= 1
        frame.maps += 1
        lonely = frame.maps == 1 and not slot.users
        if write and not lonely:
            self.put_own(p, page, area, True)
        elif lonely and (write or 2 * len(self.slots) >= self.swap_pages):
            e.state = 'own'
            self.wrote(frame)
        elif exclusive:
            e.state, e.clean = 'own', True

    # ---- swap that takes time ----

    @staticmethod
    def window(ahead, at, most):
        before, last, hits = ahead
        pages = hits + 2
        if pages == 2:
            pages = 2 if abs(at - before) == 1 else 1
        else:
            pages = next(size for size in (4, 8, 16, 32, 64, 128) if size >= pages)
        return max(min(pages, most), last // 2)

    def read(self, p, page, area, slot):
        most, found = 1 << self.o['cluster'], None
        if self.o['device'] == 'disk':
            at, pages = slot.number + 1, 1
            if most > 1:
                pages = self.window(self.ahead, at, most)
                self.ahead = [self.ahead[0] if self.ahead[2] else at, pages, 0]
            slots = [lambda i=i: self.slots.get(i - 1) for i in range(max(at // pages * pages, 1), at // pages * pages + pages)]
        else:
            of = area.ahead if area else p.ahead
            before, pages = of[0], 1
            if most > 1:
                pages = self.window(of, page, most)
                of[:] = [page, pages, 0]
            low = page if page == before + 1 else page - pages + 1 if before == page + 1 else page - (pages - 1) // 2
            around = [at for at in range(low, low + pages) if at // 512 == page // 512 and (area is None or p.areas.get(at) is area)]
            slots = [lambda at=at: p.pages[at].frame if at in p.pages and p.pages[at].state == 'swap' else None for at in around]
        for one in slots:
            one = one()
            if one is None or one.page is not None or not one.users or one.memory or self.slots.get(one.number) is not one:
                continue
            try:
                frame = self.read_slot(p, one, one is not slot)
            except NoFrame:
                if one is slot:
                    raise
                continue
            if one is slot:
                found = frame
                self.pinned.append(frame)
        self.pinned.remove(found)
        self.drain()
        return found

    def read_slot(self, p, slot, ahead):
        self.who = p
        frame = self.asking('ahead' if ahead else 'user', super().own_frame)
        if slot.page is not None or not slot.users:
            self.real_give(frame.at, 0)
            self.count_anon(-1)
            raise NoFrame
        frame.charged = bool(self.limit)
        self.charged_user += frame.charged
        self.add(frame, p)
        self.again(frame, slot.shadow, slot.working)
        frame.slot, slot.page, frame.dirty, frame.maps, frame.ra = slot, frame, False, 0, ahead
        self.enlist(frame)
        p.count['swap_ins'] += 1
        p.count['swap_ra'] += ahead
        return frame

    def hit(self, p, page, area, frame):
        was, frame.ra = frame.ra, False
        p.count['swap_ra_hits'] += was
        if self.slow and self.o['device'] == 'disk':
            self.ahead[2] += was
        elif self.slow:
            of = area.ahead if area else p.ahead
            of[0], of[2] = page, min(of[2] + was, 63)

    def fault(self, p, page, write):
        e = p.pages.get(page)
        if e and e.state == 'own' and e.clean and write:  # no fault: the processor sets a bit
            e.clean = False
            e.frame.dirty = True
        self.asker = self.who = p
        kept = {name: p.count[name] for name in ('minor_faults', 'major_faults', 'swap_ins', 'thp_fallbacks')}
        try:
            e = p.pages.get(page)
            if e and e.state == 'swap':
                self.above(p, page)
                self.table(p, 0, page)
                self.swap_in(p, page, write, p.areas.get(page))
                self.note(p)
                self.shoot(p, page, page + 1)
                was = True
            else:
                was = super().fault(p, page, write)
        except Killed:
            p.count.update(kept)
            raise
        e = p.pages.get(page) or p.huge.get(page // 512 * 512)
        if e:
            e.accessed = True
            if write and e.block is not None and e.state == 'own':
                e.block.stored.add(page % 512 if e.frame is None else e.frame - e.block.at)
            if self.o['reclaim'] == 'lru' and e.state in ('own', 'forked', 'cache', 'cachew'):
                area = p.areas.get(page)
                used = e.block or e.frame if e.state in ('own', 'forked') else self.files[area.file]['folios'][page + area.offset]
                self.unlist(used)
                self.put(used, 'a', False)
        return was

    def first_touch(self, p, page, area, write):
        self.who = p
        self.wanted = page + area.offset if area and area.file else None
        self.major_memory = bool(area and area.file and self.files[area.file]['shared'] and (area.file, self.wanted) in self.out)
        self.held = []
        try:
            super().first_touch(p, page, area, write)
        finally:
            for _ in self.held:
                self.pinned.pop()
            self.held = []
            self.wanted = None
        if self.major_memory:
            p.count['minor_faults'] -= 1
            p.count['major_faults'] += 1
            p.count['swap_ins'] += 1

    wanted, held = None, ()

    def cache(self, name, i):
        f = self.files[name]
        ahead = self.wanted is not None and i != self.wanted
        warm = self.wanted is None
        frames = self.buddy.take
        page = FilePage(None, name, i)
        page.shared = f['shared']
        page.charged = bool(self.limit) and not warm

        def take(order, kind):
            self.way = 'warm' if warm else 'ahead' if ahead else 'user'
            try:
                at = frames(order, kind)
            finally:
                self.way = None
            page.at = at
            return at
        self.buddy.take = lambda order, kind: take(order, kind) if page.at is None and kind == MOVABLE else frames(order, kind)
        try:
            super().cache(name, i)
        except NoFrame:
            if warm or ahead:
                return
            raise
        finally:
            self.buddy.take = frames
        f.setdefault('folios', {})[i] = page
        self.charged_user += page.charged
        self.add(page, None if warm else self.who)
        mark, slot = self.shadows.pop((name, i), None), self.out.pop((name, i), None)
        if mark:
            self.again(page, *mark)
        if slot:
            self.again(page, slot.shadow, slot.working)
            self.free_slot(slot)
        self.enlist(page)
        if i == self.wanted:
            self.pinned.append(page)
            self.held = [page]

    def need_file(self, name, shared):
        super().need_file(name, shared)
        self.files[name].setdefault('folios', {})

    def drop_file(self, name):
        f = self.files.get(name)
        if f and f['shared'] and f['areas'] == 1:
            for i, page in list(f['folios'].items()):
                self.unlist(page)
                self.charged_user -= page.charged
            for key in [k for k in self.out if k[0] == name]:
                self.free_slot(self.out.pop(key))
        super().drop_file(name)

    def soil(self, name, i):
        super().soil(name, i)
        page = self.files[name]['folios'].get(i)
        if page and not page.shared:
            page.dirty = True

    def clean(self, name, i):
        if i in self.files[name].get('dirty', ()):
            self.files[name]['folios'][i].dirty = False
        super().clean(name, i)


class Program(naive.Program):
    def __init__(self, name, rows):
        super().__init__(name, rows)
        self.killed = set()

    def process(self, computer, pid):
        p = self.by_pid.get(pid)
        if p is not None and getattr(p, 'killed', False):
            self.killed.add(pid)
            del self.by_pid[pid]
        if pid in self.killed:
            return None
        p = super().process(computer, pid)
        computer.asker = p
        return p

    def event(self, computer, row):
        self.current = [None, None]
        if self.process(computer, row['pid']) is None:
            if row['op'] == 'fork':
                self.indices.setdefault(row['arg'], len(self.indices))
                self.killed.add(row['arg'])
            return
        try:
            super().event(computer, row)
        except Killed as killed:
            raise Beyond from killed

    def visit(self, computer):
        rows = self.next_visit(computer)
        if self.process(computer, self.pid) is None:
            return 0
        after = self.at
        p = self.process(computer, self.pid)
        kept = {name: p.count[name] for name in ('fetches', 'loads', 'stores')}
        self.next_visit = lambda computer: rows
        try:
            n = super().visit(computer)
        except Killed:
            p.count.update(kept)
            computer.end(p)
            self.killed.add(self.pid)
            del self.by_pid[self.pid]
            n = 0
        finally:
            del self.next_visit
        self.at = after
        return n

    def finish(self, computer):
        if not self.by_pid and self.at == 0 and not self.killed:
            self.process(computer, self.first)
        for row in self.rows[self.at:]:
            self.event(computer, row)
        for index in sorted(self.by_pid, key=lambda pid: self.indices[pid]):
            if not getattr(self.by_pid[index], 'killed', False):
                computer.end(self.by_pid[index])


def draw(r):
    o = naive.draw(r)
    o.update(thp='never', kernel=0, memory=16 << 20, limit=0, swap=r.choice((0, 16, 60, 200, 4000)) * PAGE, reclaim='linux', swappiness=r.choice((60, 60, 0, 100, 200)))
    o.update({'2m': 0, '1g': 0})
    if r.random() < 0.6:
        o['limit'] = r.choice((30, 40, 60, 90, 150))
    else:
        o['memory'] = 4 << 20
        o['kernel'] = r.choice((2700, 3000, 3300)) << 10
    o.update(device=r.choice(('sync', 'sync', 'ssd', 'disk')), latency=r.choice((0, 3, 40, 1000)), cluster=r.choice((3, 3, 0, 1, 5)))
    if r.random() < 0.4:  # with huge pages
        o.update(thp=r.choice(('always', 'always', 'madvise')), memory=32 << 20, kernel=0, limit=r.choice((600, 900, 1300, 1700)),
                 swap=r.choice((0, 600, 1100, 4000)) * PAGE, rate=r.choice((10 ** 9, 3, 10)))
        for tlb in 'itlb', 'dtlb', 'stlb':  # where none takes a size, it counts what of a visit is left at its end, when reclaim may have changed it
            o[tlb] = r.choice(([(8, 4, (0, 1, 2))], [(3, 3, (0, 1, 2))], [(2, 2, (0,)), (2, 1, (1,))]))
    if r.random() < 0.3:
        o['reclaim'] = r.choice(('fifo', 'lru', 'clock'))
    return o


def compare(pagewalk, seed, folder):
    r = random.Random(seed)
    o = draw(r)
    rows = [naive.make_program(r, k) for k in range(r.choice((1, 1, 2, 3)))]
    o['adj'] = {f'p{k}.csv': r.choice((0, 0, 0, -1000, 300, -200)) for k in range(len(rows))}
    paths = []
    for k, program in enumerate(rows):
        path = f'{folder}/p{k}.csv'
        paths.append(f'{path};oom_score_adj={o["adj"][f"p{k}.csv"]}')
        with open(path, 'w', newline='') as out:
            table = csv.writer(out)
            table.writerow(naive.HEAD)
            for row in program:
                size = row['size'] if row['size'] else ''
                table.writerow([row['op'], row['addr'] if size != '' else '', size, row['pid'], row['arg'], row['name'],
                                row['offset'] if row['name'].startswith('/') else ''])
    try:
        computer = run(o, [Program(f'p{k}.csv', program) for k, program in enumerate(rows)])
    except NoFrame:
        computer = None
    except Beyond:
        return False, 'beyond'
    words = naive.options(o)
    words[words.index('--reclaim') + 1] = o['reclaim']
    words[words.index('--oom') + 1] = 'badness'
    words += ['--swap-device', o['device'], '--page-cluster', str(o['cluster'])]
    words += ['--swap-latency', str(o['latency'])] if o['device'] != 'sync' else []
    words += ['--swappiness', str(o['swappiness']), '--swap', str(o['swap']) if o['swap'] else 'none']
    words += ['--group-limit', str(o['limit'] * PAGE)] if o['limit'] else []
    out = Path(folder) / 'out'
    done = subprocess.run([pagewalk, 'system', '-q', '--audit', *paths, *words, '-o', str(out)], stderr=subprocess.PIPE, text=True, check=False)
    if computer is None or done.returncode:
        same = computer is None and done.returncode == 1 and 'no page frame is left' in done.stderr
        return (not same and f'{o}: frames ran out for {"one" if computer else "the naive one"} only: {done.stderr}'), 'full' if same else ''
    wrong, notes = naive.differences(computer, out, o)
    row = next(csv.DictReader(open(out / 'system.csv', newline='')))
    more = []
    for name in ('swap_ins', 'swap_outs', 'refaults', 'activations', 'swap_ra', 'swap_ra_hits', 'thp_swap_outs'):
        n = sum(p.count[name] for p in computer.processes)
        if str(n) != row[name]:
            more.append(f'{name}: {row[name]}, naive {n}')
        notes += f' {name}' if n else ''
    for name, n in (('oom_kills', len(computer.kills)), ('direct_reclaims', computer.direct), ('swap_waits', computer.waits), ('swap_bytes', computer.swap_peak * PAGE)):
        if str(n) != row[name]:
            more.append(f'{name}: {row[name]}, naive {n}')
        notes += f' {name}' if n else ''
    points = defaultdict(list)
    for event in csv.DictReader(open(out / 'events.csv', newline='')):
        if event['event'] == 'kill':
            points[event['kill']].append(int(event['points']))
    if [sorted(p) for p in points.values()] != computer.kills:
        more.append(f'points: {dict(points)}, naive {computer.kills}')
    if more:
        wrong = (wrong or str(o)) + '\n  ' + '\n  '.join(more)
    return wrong, notes + f' {o["reclaim"]}'


def run(o, programs):
    naive.Computer, kept = Computer, naive.Computer
    try:
        return naive.run(o, programs)
    finally:
        naive.Computer = kept


def main():
    pagewalk = sys.argv[1] if len(sys.argv) > 1 else os.environ['PAGEWALK']
    n = int(sys.argv[2]) if len(sys.argv) > 2 else 150
    first = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    seen, failed = defaultdict(int), 0
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(first, first + n):
            wrong, notes = compare(pagewalk, seed, folder)
            for note in notes.split():
                seen[note] += 1
            if wrong:
                print(f'seed {seed}: {wrong}')
                failed += 1
    print(f'{n} mixes, {failed} wrong; with ' + ', '.join(f'{name} {count}' for name, count in sorted(seen.items())))
    for name in ('swap_ins', 'swap_outs', 'refaults', 'activations', 'oom_kills'):
        if n >= 100 and seen[name] < n // 50:
            print(f'too few mixes had {name}')
            failed += 1
    sys.exit(1 if failed else 0)


if __name__ == '__main__':
    main()
