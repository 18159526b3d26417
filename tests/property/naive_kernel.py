#!/usr/bin/env python3
"""A naive Linux: `pagewalk system` written again from docs/system.md, access by access, with dictionaries, and held against it
on random mixes of random programs: faults, copies, frames, tables, huge pages, slab objects, free blocks by order and type,
TLBs whose entries have sizes, walks, switches.

usage: naive_kernel.py PAGEWALK [SEEDS [FIRST]]     the environment's PAGEWALK if it is not given"""
import csv
import os
import random
import subprocess
import sys
import tempfile
from collections import OrderedDict, defaultdict
from pathlib import Path

PAGE = 4096
UNMOVABLE, MOVABLE, RECLAIMABLE = 0, 1, 2
FALLBACK = {UNMOVABLE: (RECLAIMABLE, MOVABLE), MOVABLE: (RECLAIMABLE, UNMOVABLE), RECLAIMABLE: (UNMOVABLE, MOVABLE)}
# objects in a slab, pages of a slab, type
SLABS = {
    'task_struct': (7, 8, UNMOVABLE), 'mm_struct': (20, 8, UNMOVABLE), 'signal_cache': (14, 4, UNMOVABLE),
    'sighand_cache': (15, 8, UNMOVABLE), 'files_cache': (23, 4, UNMOVABLE), 'vm_area_struct': (21, 1, UNMOVABLE),
    'anon_vma': (39, 1, UNMOVABLE), 'anon_vma_chain': (64, 1, UNMOVABLE), 'pid': (21, 1, UNMOVABLE),
    'maple_node': (16, 1, UNMOVABLE), 'filp': (21, 1, UNMOVABLE), 'dentry': (21, 1, RECLAIMABLE),
    'inode_cache': (13, 2, RECLAIMABLE), 'shmem_inode': (21, 4, RECLAIMABLE), 'radix_tree_node': (14, 2, RECLAIMABLE)}


class NoFrame(Exception):
    pass


class Bus(Exception):
    """No huge page is left of those set aside."""


class Buddy:
    """Free blocks as lists of first frames, the first to be taken at the front."""

    def __init__(self, frames, reserved, keep):
        self.n, self.keep = frames, keep
        self.lists = {(order, kind): [] for order in range(11) for kind in range(3)}
        self.block_type = [MOVABLE] * (frames // 512 + 1)
        self.owner = ['kernel'] * frames  # None: free; else the type that asked, or kernel
        self.free = 0
        at = reserved
        while at < frames:
            order = 10
            while at % (1 << order) or at + (1 << order) > frames:
                order -= 1
            self.lists[order, MOVABLE].append(at)
            self.owner[at:at + (1 << order)] = [None] * (1 << order)
            self.free += 1 << order
            at += 1 << order

    def cut(self, at, has, order, kind):
        while has > order:
            has -= 1
            self.lists[has, kind].insert(0, at + (1 << has))
        return at

    def own(self, order, kind):
        for has in range(order, 11):
            if self.lists[has, kind]:
                return self.cut(self.lists[has, kind].pop(0), has, order, kind)
        return None

    def other(self, order, kind):
        for of in FALLBACK[kind]:
            if self.lists[order, of]:
                return of
        return None

    def claim(self, order, kind):
        for has in range(10, (max(order, 4) if kind == MOVABLE else order) - 1, -1):
            of = self.other(has, kind)
            if of is None:
                continue
            at = self.lists[has, of][0]
            if has >= 9:
                self.lists[has, of].pop(0)
                for block in range(at // 512, (at + (1 << has)) // 512):
                    self.block_type[block] = kind
                return self.cut(at, has, order, kind)
            first = at // 512 * 512
            owners = [self.owner[f] if f < self.n else 'none' for f in range(first, first + 512)]
            alike = owners.count(None)
            if kind == MOVABLE:
                alike += owners.count(MOVABLE)
            elif self.block_type[first // 512] == MOVABLE:
                alike += 512 - owners.count(None) - owners.count(MOVABLE)
            if alike < 256:
                continue
            inside = sorted((start, o, t) for (o, t), starts in self.lists.items() for start in starts if start // 512 * 512 == first and o < 9)
            for start, o, t in inside:
                self.lists[o, t].remove(start)
                self.lists[o, kind].insert(0, start)
            self.block_type[first // 512] = kind
            return self.own(order, kind)
        return None

    def steal(self, order, kind):
        for has in range(order, 11):
            of = self.other(has, kind)
            if of is not None:
                return self.cut(self.lists[has, of].pop(0), has, order, of)
        return None

    def take(self, order, kind):
        if self.free < 1 << order or self.free - ((1 << order) - 1) <= self.keep:
            raise NoFrame
        for way in self.own, self.claim, self.steal:
            at = way(order, kind)
            if at is not None:
                self.owner[at:at + (1 << order)] = [kind] * (1 << order)
                self.free -= 1 << order
                return at
        raise NoFrame

    def give(self, at, order):
        self.owner[at:at + (1 << order)] = [None] * (1 << order)
        self.free += 1 << order
        while order < 10:
            buddy = at ^ 1 << order
            kind = next((k for k in range(3) if buddy in self.lists[order, k]), None)
            if kind is None:
                break
            self.lists[order, kind].remove(buddy)
            at &= ~(1 << order)
            order += 1
        self.lists[order, self.block_type[at // 512]].insert(0, at)


class Slab:
    def __init__(self, buddy, name):
        self.buddy, (self.most, self.pages, self.kind) = buddy, SLABS[name]
        self.slabs = []  # [first frame, objects], the oldest first
        self.now = self.peak = self.slab_peak = 0

    def take(self):
        slab = next((s for s in self.slabs if s[1] < self.most), None)
        if slab is None:
            frame = self.buddy.take(self.pages.bit_length() - 1, self.kind)
            slab = next((s for s in self.slabs if s[1] < self.most), None)  # of who was killed for the frame
            if slab is None:
                slab = [frame, 0]
                self.slabs.append(slab)
            else:
                self.buddy.give(frame, self.pages.bit_length() - 1)
        slab[1] += 1
        self.now += 1
        self.peak, self.slab_peak = max(self.peak, self.now), max(self.slab_peak, len(self.slabs))
        return slab

    def give(self, slab):
        slab[1] -= 1
        self.now -= 1
        if slab[1] == 0:
            self.slabs.remove(next(s for s in self.slabs if s is slab))
            self.buddy.give(slab[0], self.pages.bit_length() - 1)


class Tlb:
    """Arrays of (entries, ways, sizes); LRU."""

    def __init__(self, arrays):
        self.arrays = [(entries // ways, ways, sizes, defaultdict(OrderedDict)) for entries, ways, sizes in arrays]
        self.misses = 0

    def touch(self, space, number, size):
        for sets, ways, sizes, rows in self.arrays:
            if size not in sizes:
                continue
            row = rows[number % sets]
            key = space, number, size
            hit = key in row
            if hit:
                row.move_to_end(key)
            else:
                if len(row) == ways:
                    row.popitem(last=False)
                row[key] = True
                self.misses += 1
            return hit
        self.misses += 1
        return False

    def drop(self, gone):
        for _, _, _, rows in self.arrays:
            for row in rows.values():
                for key in [k for k in row if gone(*k)]:
                    del row[key]


class Area:
    def __init__(self, rights, file=None, offset=0, kind='anon', advice=''):
        self.rights, self.file, self.offset, self.kind, self.advice = rights, file, offset, kind, advice
        self.anon = None  # kernel objects once it has faulted anonymously
        self.ahead = [0, 0, 4]  # of what is read from swap: page, window, hits
        self.pool, self.owner = None, False  # base pages of its huge pages set aside; are they reserved for this process?
        self.vma = None


class Pte:
    accessed = True  # as a fault makes it

    def __init__(self, state, frame=None, block=None):
        self.state, self.frame, self.block = state, frame, block  # zero, cache, cachew, own, forked
        self.exclusive = self.clean = False  # of swap: shared by no fork; not written since it came from there


class Block:
    """2 MiB of frames; who maps them, as a count of pages."""

    def __init__(self, at):
        self.at, self.maps = at, 0


class PoolPage:
    def __init__(self, span):
        self.span, self.maps = span, 1


class Frame:
    def __init__(self, at):
        self.at, self.maps = at, 0


class Process:
    def __init__(self, name, index):
        self.name, self.index = name, index
        self.count = defaultdict(int)
        self.areas = {}   # page -> Area
        self.pages = {}   # page -> Pte
        self.huge = {}    # first page -> Pte of 2 MiB
        self.pool = {}    # first page -> Pte whose block is a PoolPage
        self.reserved = {}  # first page -> base pages
        self.tables = {}  # (level, prefix) -> frame; 0: leaves
        self.aside = {}   # first page of a huge mapping -> frame of its leaf table
        self.maples = []
        self.threads = {}
        self.no_thp = False
        self.lives = True
        self.ahead = [0, 0, 4]  # as an area has it
        self.peak = self.table_peak = self.pool_peak = 0


class Computer:
    def __init__(self, o):
        self.o = o
        frames = o['memory'] // PAGE
        reserved = (frames * 64 + PAGE - 1) // PAGE + o['kernel'] // PAGE
        managed = frames - reserved
        kib = min(max(int((16 * managed * 4) ** 0.5), 128), 262144)
        low = kib // 4
        if o['thp'] != 'never':
            low = max(low, min(5632, managed // 20))
        self.high = low + 2 * max(low // 4, managed * 10 // 10000)
        self.buddy = Buddy(frames, reserved, 0)
        self.slabs = {name: Slab(self.buddy, name) for name in SLABS}
        self.pools = {}   # base pages of a page -> [free, reserved]
        for span, n in ((262144, o.get('1g', 0)), (512, o.get('2m', 0))):
            self.pools[span] = [n, 0]
            for _ in range(n):
                self.set_aside(span)
        self.buddy.keep = low
        self.pool_used = self.pool_peak = 0
        self.files = {}   # name -> {'end', 'pages', 'nodes', objects}
        self.anon = self.anon_peak = self.file = self.file_peak = self.tables = self.table_peak = 0
        self.zero = None
        self.thp = self.thp_peak = 0
        self.itlb, self.dtlb, self.stlb = Tlb(o['itlb']), Tlb(o['dtlb']), Tlb(o['stlb'])
        self.asids, self.next_asid, self.flushes, self.switches = [None] * (o['asid'] or 0), 0, 0, 0
        self.space = None
        self.spaces = 0
        self.next_scan, self.scanned = 10 * o['rate'], [0, 0]  # khugepaged: when; process and page
        self.running = None
        self.processes = []
        self.clock = self.writebacks = 0
        self.dirty = []  # (since, file, index), the oldest first

    # ---- huge pages set aside ----

    def set_aside(self, span):
        if span == 512:
            self.buddy.take(9, MOVABLE)
            return
        tops = set(self.buddy.lists[10, MOVABLE])
        first = max(f for f in range(0, self.buddy.n - span + 1, span) if all(b in tops for b in range(f, f + span, 1024)))
        for b in range(first, first + span, 1024):
            self.buddy.lists[10, MOVABLE].remove(b)
        self.buddy.owner[first:first + span] = [MOVABLE] * span
        self.buddy.free -= span

    def map_pool(self, p, start, end, area, span):
        self.unmap(p, start, end)
        n = (end - start + span - 1) // span
        pool = self.pools[span]
        if start % span or pool[0] - pool[1] < n:
            p.count['hugetlb_fails'] += 1
            self.map(p, start, end, area)
            return
        area.pool, area.owner = span, area.rights[3] == 'p'
        pool[1] += n
        if not area.owner:
            self.files[area.file]['pool'] = [span, n, {}]
        self.map(p, start, start + n * span, area)
        if area.owner:
            p.reserved.update({start + k * span: span for k in range(n)})

    def pool_at(self, p, page):
        for span in 512, 262144:
            first = page // span * span
            if first in p.pool and p.pool[first].block.span == span:
                return first
        return None

    def take_pool(self, span, reserved):
        pool = self.pools[span]
        if pool[0] - (0 if reserved else pool[1]) == 0:
            raise Bus
        pool[0] -= 1
        pool[1] -= reserved
        self.pool_used += span
        self.pool_peak = max(self.pool_peak, self.pool_used)
        return PoolPage(span)

    def give_pool(self, page):
        page.maps -= 1
        if page.maps == 0:
            self.pools[page.span][0] += 1
            self.pool_used -= page.span
        return page.maps == 0

    def drop_pool(self, p, first):
        page = p.pool.pop(first).block
        area = p.areas.get(first)
        if self.give_pool(page) and area is not None and area.owner:
            p.reserved[first] = page.span
            self.pools[page.span][1] += 1

    def unreserve(self, p, start, end):
        for first in [f for f in p.reserved if start <= f < end]:
            self.pools[p.reserved.pop(first)][1] -= 1

    def widen(self, p, start, end):
        for_start, for_end = p.areas.get(start), p.areas.get(end - 1)
        if end > start and for_start is not None and for_start.pool:
            start = start // for_start.pool * for_start.pool
        if end > start and for_end is not None and for_end.pool:
            end = (end + for_end.pool - 1) // for_end.pool * for_end.pool
        return start, end

    def fault_pool(self, p, page, area, write):
        span = area.pool
        first = page // span * span
        e = p.pool.get(first)
        if e is None:
            self.table(p, 2, first)
            if span == 512:
                self.table(p, 1, first)
            if (0 if span == 512 else 1, first // span) in p.tables:
                return None
        if area.rights[3] == 'p':
            self.need_anon(p, area)
        if e is None:
            self.first_of_pool(p, first, area, write)
        elif area.rights[3] == 'p' and e.block.maps > 1:
            copy = self.take_pool(span, False)
            self.give_pool(e.block)
            p.pool[first] = Pte('own', None, copy)
            p.count['copies'] += span
        else:
            e.state = 'own' if area.rights[3] == 'p' else 'cachew'
        p.count['minor_faults'] += 1
        p.pool_peak = max(p.pool_peak, sum(x.block.span for x in p.pool.values()))
        return first

    def first_of_pool(self, p, first, area, write):
        span = area.pool
        if area.rights[3] == 'p':
            page = self.take_pool(span, first in p.reserved)
            p.reserved.pop(first, None)
            state = 'own' if write else 'forked'
        else:
            pages, index = self.files[area.file]['pool'][2], (first + area.offset) // span
            if index not in pages:
                pages[index] = self.take_pool(span, True)
            page = pages[index]
            page.maps += 1
            state = 'cachew' if area.rights[1] == 'w' else 'cache'
        p.pool[first] = Pte(state, None, page)
        p.count['hugetlb_faults'] += 1

    # ---- the kernel's objects ----

    def object(self, name):
        return name, self.slabs[name].take()

    def free_object(self, thing):
        self.slabs[thing[0]].give(thing[1])

    def stack(self):
        return [self.buddy.take(0, UNMOVABLE) for _ in range(4)]

    # ---- processes ----

    def begin(self, name, index, parent=None):
        p = Process(name, index)
        self.processes.append(p)
        p.objects = [self.object('task_struct')]
        p.stack = self.stack()
        p.objects += [self.object(n) for n in ('files_cache', 'sighand_cache', 'signal_cache', 'mm_struct')]
        p.space = self.spaces
        self.spaces += 1
        self.table(p, 3, 0)
        if parent:
            self.fork(parent, p)
        p.objects.append(self.object('pid'))
        self.note(p)
        return p

    def end(self, p):
        self.note(p)
        for tid in list(p.threads):
            self.end_thread(p, tid)
        self.clear(p, root=True)
        for name in ('mm_struct', 'signal_cache', 'sighand_cache', 'files_cache', 'pid'):
            self.free_object(next(thing for thing in p.objects if thing[0] == name))
        for frame in p.stack:
            self.buddy.give(frame, 0)
        self.free_object(p.objects[0])
        p.lives = False

    def start_thread(self, p, tid):
        p.threads[tid] = self.object('task_struct'), self.stack(), self.object('pid')

    def end_thread(self, p, tid):
        if tid in p.threads:
            task, stack, pid = p.threads.pop(tid)
            self.free_object(pid)
            for frame in stack:
                self.buddy.give(frame, 0)
            self.free_object(task)

    def clear(self, p, root):
        for first in list(p.pool):
            self.drop_pool(p, first)
        for page in sorted(list(p.pages) + list(p.huge)):
            if page in p.huge:
                self.unmap_huge(p, page)
            else:
                self.forget(p, page)
        for key in sorted(p.tables, key=self.behind):
            if root or key[0] != 3:
                self.free_table(p, key)
        self.unreserve(p, 0, 1 << 52)
        for first in self.runs(p):
            area = p.areas[first]
            for at in [k for k, a in p.areas.items() if a is area]:
                del p.areas[at]
            self.free_area(p, area)
            self.fix_maples(p)

    def exec(self, p):
        self.clear(p, root=False)
        p.no_thp = False
        p.space = self.spaces
        self.spaces += 1

    # ---- page tables ----

    def table(self, p, level, page):
        key = level, page >> 9 * (level + 1)
        if key not in p.tables:
            p.tables[key] = self.buddy.take(0, UNMOVABLE)
            self.count_tables(1)
            self.note(p)

    def above(self, p, page):
        for level in 2, 1:
            self.table(p, level, page)

    def free_table(self, p, key):
        self.buddy.give(p.tables.pop(key), 0)
        self.count_tables(-1)

    def count_tables(self, n):
        self.tables += n
        self.table_peak = max(self.table_peak, self.tables)

    def note(self, p):
        own = sum(1 for e in p.pages.values() if e.state != 'zero') + 512 * sum(1 for e in p.huge.values() if e.state != 'zero')
        p.peak = max(p.peak, own)
        p.table_peak = max(p.table_peak, len(p.tables) + len(p.aside))

    def prune(self, p, start, end):
        """Tables under [start, end) that no area needs."""
        for key in sorted((k for k in p.tables if k[0] < 3), key=self.behind):
            level, first, last = key[0], key[1] << 9 * (key[0] + 1), (key[1] + 1 << 9 * (key[0] + 1)) - 1
            if first >= end or last < start:
                continue
            if any(first <= page <= last for page in p.areas) or any(first <= page <= last for page in p.pages):
                continue
            if level and any(first <= k[1] << 9 * (k[0] + 1) <= last for k in p.tables if k[0] < level):
                continue
            if level and any(first <= h <= last for h in list(p.huge) + list(p.pool)):
                continue
            self.free_table(p, key)

    @staticmethod
    def behind(key):
        """By address, a table after those under it."""
        return key[1] + 1 << 9 * (key[0] + 1), key[0]

    # ---- frames ----

    def count_anon(self, n):
        self.anon += n
        self.anon_peak = max(self.anon_peak, self.anon)

    def own_frame(self):
        frame = Frame(self.buddy.take(0, MOVABLE))
        frame.maps = 1
        self.count_anon(1)
        return frame

    def let_go(self, holder, n=1):
        holder.maps -= n
        if holder.maps == 0:
            block = isinstance(holder, Block)
            self.buddy.give(holder.at, 9 if block else 0)
            self.count_anon(-512 if block else -1)

    def forget(self, p, page):
        e = p.pages.pop(page, None)
        if e and e.state in ('own', 'forked'):
            self.let_go(e.block or e.frame)

    def count_thp(self, block, n):
        was = getattr(block, 'huge', 0)
        block.huge = was + n
        self.thp += 512 * ((block.huge > 0) - (was > 0))
        self.thp_peak = max(self.thp_peak, self.thp)

    # ---- areas ----

    def runs(self, p):
        """First pages of the areas, which are runs of one Area."""
        return [page for page in sorted(p.areas) if page - 1 not in p.areas or p.areas[page - 1] is not p.areas[page]]

    def fix_maples(self, p):
        need = (len(self.runs(p)) + 11) // 12
        while len(p.maples) < need:
            p.maples.append(self.object('maple_node'))
        while len(p.maples) > need:
            self.free_object(p.maples.pop())

    def free_area(self, p, area):
        self.free_object(area.vma)
        for thing in area.anon or ():
            self.free_object(thing)
        self.drop_file(area.file)

    def new_area(self, p, area):
        area.vma = self.object('vm_area_struct')
        if area.file:
            self.files[area.file]['areas'] += 1

    def need_anon(self, p, area):
        if area and area.anon is None:
            area.anon = [self.object('anon_vma'), self.object('anon_vma_chain')]

    def divide(self, p, page):
        area = p.areas.get(page)
        if area is None or p.areas.get(page - 1) is not area:
            return
        if page % 512 and page // 512 * 512 in p.huge:
            self.split(p, page // 512 * 512)
        new = Area(area.rights, area.file, area.offset, area.kind, area.advice)
        new.pool, new.owner, new.ahead = area.pool, area.owner, list(area.ahead)
        self.new_area(p, new)
        at = page
        while p.areas.get(at) is area:
            p.areas[at] = new
            at += 1
        self.fix_maples(p)
        if area.anon is not None:
            self.need_anon(p, new)

    def alike(self, a, b):
        if len(a.rights) > 4 or len(b.rights) > 4:  # of huge pages set aside
            return False
        return 'stack' not in (a.kind, b.kind) and (a.rights, a.file, a.offset, a.advice) == (b.rights, b.file, b.offset, b.advice)

    def unite(self, p, page):
        area, before = p.areas.get(page), p.areas.get(page - 1)
        if area is None or before is None or area is before or not self.alike(area, before):
            return
        keep, gone = (area, before) if area.anon and not before.anon else (before, area)
        for at in [k for k, a in p.areas.items() if a is gone]:
            p.areas[at] = keep
        self.free_area(p, gone)
        self.fix_maples(p)

    def drop(self, p, start, end):
        for first in [f for f, e in p.pool.items() if start <= f and f + e.block.span <= end]:
            self.drop_pool(p, first)
        for first in sorted({k // 512 * 512 for k in list(p.pages) + list(p.huge)}):
            if first >= end or first + 512 <= start:
                continue
            if first in p.huge and start <= first and first + 512 <= end:
                self.unmap_huge(p, first)
                continue
            if first in p.huge:
                self.split(p, first)
            for page in range(max(start, first), min(end, first + 512)):
                self.forget(p, page)

    def unmap(self, p, start, end):
        start, end = self.widen(p, start, end)
        inside = any(start <= page < end for page in p.areas)
        self.drop(p, start, end)
        if inside:
            self.divide(p, start)
            self.divide(p, end)
            self.unreserve(p, start, end)
            for area in dict.fromkeys(p.areas[k] for k in sorted(p.areas) if start <= k < end):
                for at in [k for k, a in p.areas.items() if a is area]:
                    del p.areas[at]
                self.free_area(p, area)
                self.fix_maples(p)
        self.prune(p, start, end)
        self.shoot(p, start, end)

    def map(self, p, start, end, area):
        self.unmap(p, start, end)
        near = [a for a in (p.areas.get(start - 1), p.areas.get(end)) if a and self.alike(a, area)]
        if near:  # it is a part of its neighbour
            area = near[0]
        else:
            self.new_area(p, area)
        for page in range(start, end):
            p.areas[page] = area
        self.fix_maples(p)
        self.unite(p, end)
        if area.file and area.kind == 'file':
            self.warm(area, start, end)

    def change(self, p, start, end, how):
        start, end = self.widen(p, start, end)
        at = start
        while at < end:
            area = p.areas.get(at)
            if area is None:
                at += 1
                continue
            stop = at
            while stop < end and p.areas.get(stop) is area:
                stop += 1
            probe = Area(area.rights, area.file, area.offset, area.kind, area.advice)
            how(probe)
            if (probe.rights, probe.advice) != (area.rights, area.advice):
                self.divide(p, at)
                self.divide(p, stop)
                how(p.areas[at])
                self.unite(p, at)
                self.unite(p, stop)
            at = stop

    def protect(self, p, start, end, rights):
        self.change(p, start, end, lambda area: setattr(area, 'rights', rights[:3] + area.rights[3:]))
        self.shoot(p, start, end)

    def discard(self, p, start, end):
        parts, at = [], start  # what each area has of it
        while at < end:
            stop = at + 1
            while stop < end and p.areas.get(stop) is p.areas.get(at):
                stop += 1
            parts.append((at, stop))
            at = stop
        for at, stop in parts:
            self.drop(p, at, stop)
            if at in p.areas:
                for key in [k for k in p.tables if k[0] == 0]:
                    first = key[1] << 9
                    if at <= first and first + 512 <= stop and not any(first <= x < first + 512 for x in p.pages):
                        self.free_table(p, key)
        self.shoot(p, start, end)

    def scan(self):
        """khugepaged: the next eight ranges that may be huge."""
        left, starved, n = 8, False, len(self.processes)
        for _ in range(n + 1):
            p = self.processes[self.scanned[0] % n]
            while p.lives and left and not starved:
                area_first = next((f for f in self.runs(p) if self.last_of(p, f) >= self.scanned[1]), None)
                if area_first is None:
                    break
                last = self.last_of(p, area_first)
                first = (max(area_first, self.scanned[1]) + 511) // 512 * 512
                self.scanned[1] = last + 1
                if first + 511 > last or not self.may_be_huge(p, first, p.areas[area_first]):
                    continue
                self.scanned[1] = first + 512
                left -= 1
                starved = self.collapse(p, first)
            if not left or starved:
                break
            self.scanned = [(self.scanned[0] + 1) % n, 0]
        self.next_scan += (60 if starved else 10) * self.o['rate']

    @staticmethod
    def last_of(p, first):
        last = first
        while p.areas.get(last + 1) is p.areas[first]:
            last += 1
        return last

    def collapse(self, p, first):
        """True when there is no block."""
        own = [e for e in (p.pages.get(first + i) for i in range(512)) if e and e.state in ('own', 'forked')]
        shared = sum(1 for e in own if e.block is None and e.frame.maps > 1)
        if not own or shared > 256:
            return False
        try:
            block = self.take_block()
        except NoFrame:
            return True
        for i in range(512):
            self.forget(p, first + i)
        p.aside[first] = p.tables.pop((0, first >> 9))
        p.huge[first] = Pte('own', None, block)
        self.count_thp(block, 1)
        p.count['copies'] += len(own)
        p.count['thp_collapses'] += 1
        self.note(p)
        self.shoot(p, first, first + 512)
        return False

    def move(self, p, start, pages, to):
        at = start
        while at < start + pages:
            first, target = at // 512 * 512, at - start + to
            pooled = self.pool_at(p, at)
            if pooled is not None:
                at = self.move_pool(p, pooled, at, start + pages, target)
                continue
            if (0, first >> 9) not in p.tables and first not in p.huge:
                at = first + 512
                continue
            n = min(start + pages - at, 512 - at % 512, 512 - target % 512)
            there = (0, target >> 9) in p.tables or target // 512 * 512 in p.huge
            if first in p.huge and n == 512 and target % 512 == 0 and not there:
                self.above(p, target)
                p.aside[target] = self.buddy.take(0, UNMOVABLE)
                p.huge[target] = p.huge.pop(first)
                self.count_tables(1)
                self.buddy.give(p.aside.pop(first), 0)
                self.count_tables(-1)
                at += 512
                continue
            if first in p.huge:
                self.split(p, first)
                continue
            if self.pool_at(p, target) is not None:
                self.drop_pool(p, self.pool_at(p, target))
            if target // 512 * 512 in p.huge:
                self.split(p, target // 512 * 512)
            self.above(p, target)
            self.table(p, 0, target)
            for i in range(n):
                self.forget(p, target + i)
                if at + i not in p.pages:
                    continue
                e, source, area = p.pages.pop(at + i), p.areas.get(at + i), p.areas.get(target + i)
                kept = e.state not in ('cache', 'cachew') or (area and source and area.file is not None and area.file == source.file
                                                             and area.offset + target == source.offset + at)
                if kept:
                    p.pages[target + i] = e
            if n == 512:
                self.free_table(p, (0, at >> 9))
            at += n
        self.note(p)
        self.shoot(p, start, start + pages)
        self.shoot(p, to, to + pages)

    def move_pool(self, p, first, at, end, to):
        span, area = p.pool[first].block.span, p.areas.get(to)
        fits = at == first and first + span <= end and to % span == 0 and area is not None and area.pool == span and p.areas.get(to + span - 1) is area
        if fits and self.pool_at(p, to) is None and to not in p.huge:
            self.table(p, 2, to)
            if span == 512:
                self.table(p, 1, to)
            if (0 if span == 512 else 1, to // span) not in p.tables:
                self.unreserve(p, to, to + span)
                p.pool[to] = p.pool.pop(first)
                return first + span
        self.drop_pool(p, first)
        return first + span

    # ---- files ----

    def need_file(self, name, shared):
        if name not in self.files:
            self.files[name] = {'end': 0, 'pages': {}, 'nodes': {}, 'areas': 0, 'shared': shared, 'objects': [
                self.object(n) for n in (('shmem_inode' if shared else 'inode_cache'), 'dentry', 'filp')]}

    def drop_file(self, name):
        if name is None:
            return
        f = self.files[name]
        f['areas'] -= 1
        if f['areas'] or not f['shared']:
            return
        if 'pool' in f:
            span, n, pages = f['pool']
            for page in pages.values():
                self.give_pool(page)
            self.pools[span][1] -= n - len(pages)
        for node in sorted(f['nodes']):
            for i in range(node * 64, node * 64 + 64):
                if i in f['pages']:
                    self.buddy.give(f['pages'][i], 0)
                    self.file -= 1
            self.free_object(f['nodes'][node])
        for thing in f['objects']:
            self.free_object(thing)
        del self.files[name]

    def cache(self, name, i):
        f = self.files[name]
        frame = self.buddy.take(0, MOVABLE)
        if i // 64 not in f['nodes']:
            f['nodes'][i // 64] = self.object('radix_tree_node')
        f['pages'][i] = frame
        f['end'] = max(f['end'], i + 1)
        self.file += 1
        self.file_peak = max(self.file_peak, self.file)

    def warm(self, area, start, end):
        f = self.files[area.file]
        f['end'] = max(f['end'], end + area.offset)
        for i in range(start + area.offset, end + area.offset):
            if self.o['cold'] or self.buddy.free <= self.high:
                break
            if i not in f['pages']:
                self.cache(area.file, i)

    # ---- faults ----

    def may_be_huge(self, p, page, area):
        first = page // 512 * 512
        if self.o['thp'] == 'never' or p.no_thp or area is None or area.file or area.rights[3] == 's':
            return False
        if len(area.rights) > 4 or area.advice == 'nohugepage' or (self.o['thp'] == 'madvise' and area.advice != 'hugepage'):
            return False
        return p.areas.get(first) is area and p.areas.get(first + 511) is area

    def split(self, p, first):
        e = p.huge.pop(first)
        p.tables[0, first >> 9] = p.aside.pop(first)
        for i in range(512):
            p.pages[first + i] = Pte(e.state, None if e.state == 'zero' else e.block.at + i, e.block)
            p.pages[first + i].accessed = e.accessed
        if e.state != 'zero':
            self.count_thp(e.block, -1)
        p.count['thp_splits'] += 1
        self.shoot(p, first, first + 512)

    def unmap_huge(self, p, first):
        e = p.huge.pop(first)
        self.buddy.give(p.aside.pop(first), 0)
        self.count_tables(-1)
        if e.state != 'zero':
            self.count_thp(e.block, -1)
            self.let_go(e.block, 512)

    def take_block(self, advised=True):
        self.advised = advised
        block = Block(self.buddy.take(9, MOVABLE))
        block.maps = 512
        self.count_anon(512)
        return block

    def put_huge(self, p, first, e):
        self.above(p, first)
        p.aside[first] = self.buddy.take(0, UNMOVABLE)
        self.count_tables(1)
        p.huge[first] = e
        if e.state != 'zero':
            self.count_thp(e.block, 1)
        self.note(p)

    def fault(self, p, page, write):
        """True when it was one."""
        area = p.areas.get(page)
        first = page // 512 * 512
        pooled = self.pool_at(p, page)
        e = p.pool.get(pooled) or p.huge.get(first) or p.pages.get(page)
        if e and (not write or e.state in ('own', 'cachew')):
            return False
        if area is None:  # a stack grows
            above = next((k for k in sorted(p.areas) if k > page), None)
            if above is not None and p.areas[above].kind == 'stack':
                area = p.areas[above]
                for at in range(page, above):
                    p.areas[at] = area
        pooled = self.fault_pool(p, page, area, write) if area is not None and area.pool else None
        if pooled is not None:
            self.note(p)
            self.shoot(p, pooled, pooled + area.pool)
            return True
        self.above(p, page)
        done = False
        if e is None and self.may_be_huge(p, page, area) and (0, first >> 9) not in p.tables:
            done = self.fault_huge(p, first, area, write)
        elif first in p.huge:
            done = self.write_huge(p, first, area)
        if not done:
            self.table(p, 0, page)
            e = p.pages.get(page)
            if e is None:
                self.first_touch(p, page, area, write)
            else:
                self.write_present(p, page, area, e)
        self.note(p)
        self.shoot(p, first if done else page, first + 512 if done else page + 1)
        return True

    def fault_huge(self, p, first, area, write):
        self.need_anon(p, area)
        try:
            if write:
                e = Pte('own', None, self.take_block(area.advice == 'hugepage'))
            else:
                if self.zero is None:
                    self.zero = self.buddy.take(9, UNMOVABLE)
                e = Pte('zero')
        except NoFrame:
            p.count['thp_fallbacks'] += 1
            return False
        self.put_huge(p, first, e)
        p.count['minor_faults'] += 1
        p.count['thp_faults'] += write
        return True

    def write_huge(self, p, first, area):
        e = p.huge[first]
        if e.state == 'forked' and e.block.maps == 512:
            e.state = 'own'
            p.count['minor_faults'] += 1
            return True
        if e.state == 'zero':
            self.need_anon(p, area)
            try:
                e.block = self.take_block(area.advice == 'hugepage')
                e.state = 'own'
                self.count_thp(e.block, 1)
                p.count['minor_faults'] += 1
                p.count['thp_faults'] += 1
                return True
            except NoFrame:
                p.count['thp_fallbacks'] += 1
        self.split(p, first)
        return False

    def put_own(self, p, page, area, copied):
        self.need_anon(p, area)
        frame = self.own_frame()
        self.forget(p, page)
        p.pages[page] = Pte('own', frame)
        p.count['copies'] += copied

    def first_touch(self, p, page, area, write):
        p.count['minor_faults'] += 1
        if area is not None and area.kind == 'special':  # the kernel's own pages: there, and nobody's
            p.pages[page] = Pte('zero')
            return
        if area is None or area.file is None:
            if write:
                self.put_own(p, page, area, False)
            else:
                p.pages[page] = Pte('zero')
                self.need_anon(p, area)
            return
        f, i = self.files[area.file], page + area.offset
        if i not in f['pages']:
            if not f['shared']:
                p.count['minor_faults'] -= 1
                p.count['major_faults'] += 1
            start = max(0, i - 16)
            for k in ([i] if f['shared'] else range(start, min(start + 32, max(f['end'], i + 1)))):
                if k not in f['pages']:
                    try:
                        self.cache(area.file, k)
                    except NoFrame:
                        if k <= i:
                            raise
                        break
        shared = area.rights[3] == 's'
        if write and not shared:
            self.put_own(p, page, area, True)
            return
        if write:
            self.soil(area.file, i)
        state = 'cachew' if (f['shared'] and area.rights[1] == 'w') or (write and shared) else 'cache'
        if write:
            p.pages[page] = Pte(state)
            return
        slot = page % 512
        begin = page
        while p.areas.get(begin - 1) is area and begin - 1 >= page - slot:
            begin -= 1
        low = max(page - slot % 16, begin)
        for at in range(low, min(low + 16, page - slot + 512)):
            if p.areas.get(at) is area and at not in p.pages and at + area.offset in f['pages']:
                p.pages[at] = Pte(state)

    def write_present(self, p, page, area, e):
        p.count['minor_faults'] += 1
        if area and area.rights[3] == 's' and e.state == 'cache':
            self.soil(area.file, page + area.offset)
            e.state = 'cachew'
        elif e.state == 'forked' and self.alone(p, page, e):
            e.state = 'own'
        else:
            self.put_own(p, page, area, e.state != 'zero')

    def soil(self, name, i):
        f = self.files[name]
        if not f['shared'] and i not in f.setdefault('dirty', set()):
            f['dirty'].add(i)
            self.dirty.append((self.clock, name, i))

    def write_back(self):
        while self.dirty and self.dirty[0][0] + 30 * self.o['rate'] <= self.clock:
            self.clean(*self.dirty[0][1:])

    def clean(self, name, i):
        if i not in self.files[name].get('dirty', ()):
            return
        self.dirty = [d for d in self.dirty if d[1:] != (name, i)]
        self.files[name]['dirty'].discard(i)
        self.writebacks += 1
        for p in self.processes:
            for page, area in list(p.areas.items()) if p.lives else []:
                if area.file == name and page + area.offset == i and area.rights[3] == 's' and page in p.pages and p.pages[page].state == 'cachew':
                    p.pages[page].state = 'cache'
                    self.shoot(p, page, page + 1)

    def alone(self, p, page, e):
        if e.block is None:
            return e.frame.maps == 1
        first = page - (e.frame - e.block.at)
        mine = [p.pages.get(first + i) for i in range(512)]
        return e.block.maps == sum(1 for m in mine if m and m.block is e.block)

    def fork(self, parent, child):
        new = {}
        for first in self.runs(parent):
            area = parent.areas[first]
            twin = new[area] = Area(area.rights, area.file, area.offset, area.kind, area.advice)
            twin.pool, twin.ahead = area.pool, list(area.ahead)
            self.new_area(child, twin)
            for at in [k for k, a in parent.areas.items() if a is area]:
                child.areas[at] = twin
            self.fix_maples(child)
            if area.anon is not None:
                self.need_anon(child, twin)
        child.no_thp = parent.no_thp
        for at in sorted(list(parent.pages) + list(parent.huge) + list(parent.pool)):
            area = parent.areas.get(at)
            if area and (area.anon is None or area.rights[3] == 's'):
                continue
            if at in parent.pool:
                e = parent.pool[at]
                e.state = 'forked' if e.state == 'own' else e.state
                self.table(child, 2, at)
                if e.block.span == 512:
                    self.table(child, 1, at)
                e.block.maps += 1
                child.pool[at] = Pte(e.state, None, e.block)
                child.pool_peak = max(child.pool_peak, sum(x.block.span for x in child.pool.values()))
                continue
            if at in parent.huge:
                e = parent.huge[at]
                e.state = 'forked' if e.state == 'own' else e.state
                if e.block:
                    e.block.maps += 512
                twin = Pte(e.state, None, e.block)
                twin.accessed = False
                self.put_huge(child, at, twin)
                continue
            if at not in parent.pages:
                continue
            self.above(child, at)
            self.table(child, 0, at)
            e = parent.pages.get(at)
            if e is None:  # room for the table was made of it
                continue
            if e.state in ('own', 'forked'):
                e.state = 'forked'
                (e.block or e.frame).maps += 1
            child.pages[at] = Pte(e.state, e.frame, e.block)
            child.pages[at].accessed = False
        self.shoot(parent, 0, 1 << 36)

    # ---- TLBs ----

    def shoot(self, p, start, end):
        space = self.tag_of(p)
        if space is None:
            return
        for tlb in self.itlb, self.dtlb, self.stlb:
            tlb.drop(lambda s, number, size: s == space and number << 9 * size < end and (number + 1) << 9 * size > start)

    def tag_of(self, p):
        if self.o['asid'] is None:
            return p.space
        if self.o['asid'] == 0:
            return 0 if self.space == p.space else None
        return self.asids.index(p.space) if p.space in self.asids else None

    def switch(self, p):
        if self.running is p and self.space == p.space:
            return
        if self.running is not p:
            if self.running is not None:
                self.switches += 1
                self.flushes += self.o['asid'] == 0
            self.running = p
        self.space = p.space
        if self.o['asid'] == 0:
            self.empty(0)
        elif self.o['asid'] is not None and p.space not in self.asids:
            slot = self.next_asid
            self.next_asid = (slot + 1) % len(self.asids)
            self.flushes += self.asids[slot] is not None
            self.asids[slot] = p.space
            self.empty(slot)

    def empty(self, space):
        for tlb in self.itlb, self.dtlb, self.stlb:
            tlb.drop(lambda s, number, size: s == space)

    def look_up(self, p, code, page):
        size = 1 if page // 512 * 512 in p.huge else 0
        if self.pool_at(p, page) is not None:
            size = 2 if p.pool[self.pool_at(p, page)].block.span > 512 else 1
        number, space = page >> 9 * size, self.tag_of(p)
        first = self.itlb if code else self.dtlb
        if first.arrays and first.touch(space, number, size):
            return
        if not self.stlb.arrays or not self.stlb.touch(space, number, size):
            p.count['walks'] += 1
            p.count['walk_refs'] += 4 - size

    def access(self, p, op, page):
        if op == 'I':
            self.fault(p, page, False)
            self.look_up(p, True, page)
            p.count['fetches'] += 1
            return 1
        if op in 'RM':
            p.count['loads'] += 1
        if op in 'WM':
            p.count['stores'] += 1
        self.fault(p, page, op in 'WM')
        for _ in range(2 if op == 'M' else 1):
            self.look_up(p, False, page)
        return 2 if op == 'M' else 1


# ---- programs ----

class Program:
    def __init__(self, name, rows):
        self.name, self.rows, self.at = name, rows, 0
        self.first = self.pid = rows[0]['pid']
        self.by_pid, self.current = {}, [None, None]
        self.indices = {self.first: 0}
        self.maps = 0

    def process(self, computer, pid):
        index = self.indices.setdefault(pid, len(self.indices))
        if pid not in self.by_pid:
            self.by_pid[pid] = computer.begin(self.name, index)
        return self.by_pid[pid]

    def event(self, computer, row):
        pid, op = row['pid'], row['op']
        p = self.process(computer, pid)
        start, end = row['addr'] // PAGE, (row['addr'] + row['size'] + PAGE - 1) // PAGE
        self.current = [None, None]
        if op == 'map':
            shared = row['arg'][3] == 's'
            area = Area(row['arg'])
            if row['name'].startswith('/'):
                computer.need_file(row['name'], False)
                area.file, area.offset, area.kind = row['name'], row['offset'] // PAGE - start, 'file'
            elif shared:
                area.file, area.offset, area.kind = f'{self.name} {id(self)} {self.maps}', -start, 'shared'
                computer.need_file(area.file, True)
            elif row['name'] == '[stack]':
                area.kind = 'stack'
            self.maps += 1
            if len(row['arg']) > 4:
                computer.map_pool(p, start, end, area, 512 if row['arg'][4] == 'h' else 262144)
            else:
                computer.map(p, start, end, area)
        elif op == 'unmap':
            computer.unmap(p, start, end)
        elif op == 'discard':
            computer.discard(p, start, end)
        elif op == 'protect':
            computer.protect(p, start, end, row['arg'])
        elif op == 'move':
            to = row['arg'] // PAGE
            if abs(to - start) >= end - start:
                computer.move(p, start, end - start, to)
        elif op == 'advise' and row['arg'].startswith('thp'):
            p.no_thp = row['arg'] == 'thp-off'
        elif op == 'advise' and row['arg'] in ('populate-read', 'populate-write', 'lock'):
            for page in range(start, end):
                area = p.areas.get(page)
                if area is None:
                    continue
                write = row['arg'] == 'populate-write' or (row['arg'] == 'lock' and area.rights[1] == 'w' and area.rights[3] == 'p')
                if area.rights[1 if write else 0] == '-':
                    continue
                try:
                    computer.fault(p, page, write)
                except Bus:  # the system call fails
                    break
        elif op == 'advise' and row['arg'] == 'sync':
            for page in range(start, end):
                area = p.areas.get(page)
                if area is not None and area.kind == 'file' and area.rights[3] == 's':
                    computer.clean(area.file, page + area.offset)
        elif op == 'advise':
            computer.change(p, start, end, lambda area: setattr(area, 'advice', row['arg']))
        elif op == 'fork':
            self.indices.setdefault(row['arg'], len(self.indices))
            self.by_pid[row['arg']] = computer.begin(self.name, self.indices[row['arg']], p)
        elif op == 'exec':
            computer.exec(p)
        elif op == 'exit':
            computer.end(p)
            del self.by_pid[pid]
        elif op.startswith('kernel'):
            for page in range(start, end):
                try:
                    computer.fault(p, page, op == 'kernel-write')
                except Bus:
                    break

    def more(self):
        return any(row['op'] in 'RWMI' for row in self.rows[self.at:])

    def next_visit(self, computer):
        """Events, then the accesses that stay on the two pages."""
        rows = []
        while self.at < len(self.rows):
            row = self.rows[self.at]
            if row['op'] not in 'RWMI':
                if rows:
                    break
                self.event(computer, row)
                self.at += 1
                continue
            page, code, switched = row['addr'] // PAGE, row['op'] == 'I', row['pid'] != self.pid
            if rows and (switched or self.current[code] != page):
                break
            if switched:
                self.pid, self.current = row['pid'], [None, None]
            self.current[code] = page
            rows.append(row)
            self.at += 1
        return rows

    def visit(self, computer):
        """How many accesses. Of the page that stays, a visit tells only that a touch stored: then the store comes first."""
        rows, n = self.next_visit(computer), 0
        p = self.process(computer, self.pid)
        computer.switch(p)
        touches = []  # accesses on one page in a row
        for row in rows:
            if touches and (touches[-1][0]['op'] == 'I') == (row['op'] == 'I'):
                touches[-1].append(row)
            else:
                touches.append([row])
        for k, touch in enumerate(touches):
            if k and touch[0]['op'] != 'I':
                first = k == 1  # the data page's first touch; the second stands for all behind it
                wrote = any(row['op'] in 'WM' for later in (touches[k:k + 1] if first else touches[k:]) for row in later)
                computer.fault(p, touch[0]['addr'] // PAGE, wrote)
            for row in touch:
                n += computer.access(p, row['op'], row['addr'] // PAGE)
        return n

    def finish(self, computer):
        if not self.by_pid and self.at == 0:
            self.process(computer, self.first)
        for row in self.rows[self.at:]:
            self.event(computer, row)
        for index in sorted(self.by_pid, key=lambda pid: self.indices[pid]):
            computer.end(self.by_pid[index])


def run(o, programs):
    computer = Computer(o)
    clock, at = 0, len(programs) - 1
    alive = list(range(len(programs)))
    while alive:
        order = sorted(alive, key=lambda k: (k - at - 1) % len(programs))
        at = order[0]
        program, made = programs[at], 0
        if not program.by_pid and program.at == 0:
            program.process(computer, program.first)
        while program.more() and made < o['quantum']:
            try:
                n = program.visit(computer)
            except Bus:
                raise Bus(computer.processes.index(computer.running)) from None
            made += n
            clock += n
            computer.clock = clock
            computer.write_back()
            if clock >= computer.next_scan and o['thp'] != 'never':
                computer.scan()
        if not program.more():
            program.finish(computer)
            alive.remove(at)
    return computer


# ---- random mixes ----

HEAD = ['op', 'addr', 'size', 'pid', 'arg', 'name', 'offset']
BASES = [0x40000000, 0x40200000, 0x40600000, 0x7f0000000000, 0x10000]


def make_program(r, number):
    rows, pids, mapped = [], [0], {0: []}
    files = ['/lib/a', '/lib/b', f'/only/{number}']

    def put(op, pid, addr=0, size=0, arg='', name='', offset=0):
        rows.append({'op': op, 'addr': addr, 'size': size, 'pid': pid, 'arg': arg, 'name': name, 'offset': offset})

    def new_map(pid):
        base, pages = r.choice(BASES) + PAGE * r.choice((0, 0, 1, 5, 512, 700)), r.choice((1, 2, 4, 17, 40, 512, 1024, 1100))
        kind, rights = r.random(), r.choice(('rw-p', 'rw-p', 'rw-p', 'r--p', 'r-xp', 'rw-s', 'rw-s'))
        if kind < 0.3:
            put('map', pid, base, pages * PAGE, rights, r.choice(files), PAGE * r.choice((0, 0, 3, 16)))
        else:
            rights = 'rw-s' if rights == 'rw-s' else 'rw-p'
            put('map', pid, base, pages * PAGE, rights, r.choice(('', '', '[heap]')) if rights == 'rw-p' else '')
        mapped[pid].append((base, pages, rights))

    def new_pool_map(pid):
        size = r.choice('hhhhH')
        base = r.choice(BASES[:4] if size == 'h' else (0x40000000, 0x80000000)) // (512 * PAGE) * 512 * PAGE + PAGE * r.choice((0, 0, 0, 512, 7))
        pages, rights = r.choice((40, 512, 1024, 1100)), r.choice(('rw-p', 'rw-p', 'r--p', 'rw-s'))
        put('map', pid, base, pages * PAGE, rights + size)
        mapped[pid].append((base, pages, rights + size))

    new_map(0)
    for _ in range(r.choice((20, 60, 150))):
        pid = r.choice(pids)
        areas = mapped[pid]
        what = r.random()
        base, pages, rights = r.choice(areas) if areas else (0x10000, 4, 'rw-p')
        first = r.randrange(pages)
        part = PAGE * first, PAGE * (r.choice((1, 3, pages)) if r.random() < 0.7 else 512)
        if what < 0.62:
            for _ in range(r.choice((1, 1, 2, 6))):
                page = base + PAGE * (r.randrange(pages) if r.random() < 0.95 else pages + 3)
                op = r.choice('RRI') if rights[1] != 'w' else r.choice('RWWMI')
                put(op, pid, page + r.randrange(4000), 4)
        elif what < 0.70:
            new_map(pid) if r.random() < 0.75 else new_pool_map(pid)
        elif what < 0.75:
            put('unmap', pid, base + part[0], part[1])
        elif what < 0.80:
            put('discard', pid, base + part[0], part[1])
        elif what < 0.83:
            put('protect', pid, base + part[0], part[1], r.choice(('rw-p', 'rwxp')))
        elif what < 0.88:
            put('advise', pid, base, pages * PAGE, r.choice(('hugepage', 'hugepage', 'nohugepage')))
            if r.random() < 0.3:
                put('advise', pid, base + part[0], part[1], r.choice(('populate-read', 'populate-write', 'lock', 'sync')))
        elif what < 0.89:
            put('advise', pid, arg=r.choice(('thp-off', 'thp-on')))
        elif what < 0.90:
            to = r.choice(BASES) + PAGE * r.choice((0, 3, 512, 1024))
            if r.random() < 0.8:
                put('unmap', pid, to, part[1])
                put('map', pid, to, part[1], rights)
                areas.append((to, part[1] // PAGE, rights))
            put('move', pid, base + part[0], part[1], to)
        elif what < 0.92:
            put(r.choice(('kernel-read', 'kernel-write')) if rights[1] == 'w' else 'kernel-read', pid, base + part[0], 5000)
        elif what < 0.96 and len(mapped) < 5:
            child = len(mapped)
            put('fork', pid, arg=child)
            pids.append(child)
            mapped[child] = list(areas)
        elif what < 0.98 and len(pids) > 1:
            put('exit', pid)
            pids.remove(pid)
        elif what < 0.985:
            put('exec', pid)
            mapped[pid] = []
            new_map(pid)
    put('R', pids[0], mapped[pids[0]][-1][0] if mapped[pids[0]] else 0x10000, 4)
    return rows


def draw(r):
    sizes = [[(8, 4, (0, 1, 2))], [(2, 2, (0,)), (2, 1, (1,))], [(4, 1, (0,))], [(3, 3, (0, 1, 2))], []]
    gigantic = r.random() < 0.04
    memory = (2100 if gigantic else r.choice((8, 16, 64))) << 20
    return {'memory': memory, '2m': r.choice((0, 1, 2) if memory == 8 << 20 else (0, 2, 4)), '1g': int(gigantic), 'kernel': r.choice((0, 1 << 20)), 'thp': r.choice(('never', 'madvise', 'always', 'always')),
            'quantum': r.choice((1, 3, 20, 1000)), 'cold': r.random() < 0.4, 'asid': r.choice((None, 0, 1, 2, 6)),
            'rate': r.choice((10 ** 9, 3, 3, 10)), 'itlb': r.choice(sizes), 'dtlb': r.choice(sizes), 'stlb': r.choice(sizes)}


def spec(arrays):
    names = '4K', '2M', '1G'
    parts = [f'{e}:{w}' + ('' if len(s) == 3 else '@' + '&'.join(names[i] for i in s)) for e, w, s in arrays]
    return '/'.join(parts) if parts else 'none'


def options(o):
    """The same computer for pagewalk."""
    return ['--memory', str(o['memory']), '--kernel', str(o['kernel']), '--thp', o['thp'], '--quantum', str(o['quantum']), '--page-cache',
            'cold' if o['cold'] else 'warm', '--asid', 'on' if o['asid'] is None else 'off' if o['asid'] == 0 else str(o['asid']), '--itlb',
            spec(o['itlb']), '--reclaim', 'none', '--oom', 'stop', '--dtlb', spec(o['dtlb']), '--stlb', spec(o['stlb']), '--rate', str(o['rate']), '--every', '1T', '--no-charts', '--by', 'region', '--hugetlb', f"2M={o.get('2m', 0)}&1G={o.get('1g', 0)}"]


def differences(naive, out, o, without=()):
    """What the CSV files in the folder say otherwise, or None; and what there was."""
    read = {name: list(csv.DictReader(open(out / f'{name}.csv', newline=''))) for name in ('system', 'processes', 'slabs', 'buddy', 'regions')}
    wrong = []

    def check(what, got, want):
        if str(want) != got:
            wrong.append(f'{what}: {got}, naive {want}')

    row = read['system'][0]
    sums = defaultdict(int)
    for p in naive.processes:
        for name, n in p.count.items():
            sums[name] += n
    names = ('fetches', 'loads', 'stores', 'walks', 'walk_refs', 'minor_faults', 'major_faults', 'copies', 'thp_faults', 'thp_fallbacks',
             'thp_splits', 'thp_collapses', 'hugetlb_faults', 'hugetlb_fails')
    names = [name for name in names if name not in without]
    for name in names:
        check(name, row[name], sums[name])
    for name, tlb in (('itlb_misses', naive.itlb), ('dtlb_misses', naive.dtlb), ('stlb_misses', naive.stlb)):
        check(name, row[name], tlb.misses if tlb.arrays else 0)
    for name, n in (('table_bytes', naive.table_peak), ('anon_bytes', naive.anon_peak), ('file_bytes', naive.file_peak), ('thp_bytes', naive.thp_peak),
                    ('hugetlb_bytes', naive.pool_peak)):
        check(name, row[name], n * PAGE)
    check('context_switches', row['context_switches'], naive.switches)
    check('asid_flushes', row['asid_flushes'], naive.flushes)
    check('writebacks', row['writebacks'], naive.writebacks)
    sums['writebacks'] = naive.writebacks
    check('processes', str(len(read['processes'])), len(naive.processes))
    for k, (got, p) in enumerate(zip(read['processes'], naive.processes)):
        for name in names:
            check(f'process {k}: {name}', got[name], p.count[name])
        check(f'process {k}: resident', got['resident_bytes'], p.peak * PAGE)
        check(f'process {k}: tables', got['table_bytes'], p.table_peak * PAGE)
        check(f'process {k}: huge pages set aside', got['hugetlb_bytes'], p.pool_peak * PAGE)
        check(f'process {k}: index', got['process'], p.index)
        of_it = [row for row in read['regions'] if (row['name'], row['process']) == (got['name'], got['process'])]
        for name in set(names) & {'walks', 'walk_refs', 'minor_faults', 'major_faults', 'thp_faults', 'thp_fallbacks'}:
            check(f'regions of process {k}: {name}', str(sum(int(row[name]) for row in of_it)), got[name])
    for got in read['slabs']:
        if got['cache'] in naive.slabs:
            slab = naive.slabs[got['cache']]
            for name, n in (('objects', slab.now), ('slabs', len(slab.slabs)), ('objects_peak', slab.peak), ('slabs_peak', slab.slab_peak)):
                check(f'{got["cache"]}: {name}', got[name], n)
    for got in read['buddy']:
        kind = ('unmovable', 'movable', 'reclaimable').index(got['type'])
        check(f'blocks of order {got["order"]}, {got["type"]}', got['blocks'], len(naive.buddy.lists[int(got['order']), kind]))
    notes = [name for name in ('hugetlb_faults', 'hugetlb_fails', 'writebacks', 'thp_faults', 'thp_splits', 'thp_fallbacks', 'thp_collapses', 'copies', 'major_faults') if sums[name]]
    return (f'{o}\n  ' + '\n  '.join(wrong[:12]) if wrong else None), ' '.join(notes)


def compare(pagewalk, seed, folder):
    r = random.Random(seed)
    o = draw(r)
    rows = [make_program(r, k) for k in range(r.choice((1, 2, 3)))]
    paths = []
    for k, program in enumerate(rows):
        paths.append(f'{folder}/p{k}.csv')
        with open(paths[-1], 'w', newline='') as out:
            table = csv.writer(out)
            table.writerow(HEAD)
            for row in program:
                size = row['size'] if row['size'] else ''
                table.writerow([row['op'], row['addr'] if size != '' else '', size, row['pid'], row['arg'], row['name'],
                                row['offset'] if row['name'].startswith('/') else ''])
    try:
        naive = run(o, [Program(f'p{k}.csv', program) for k, program in enumerate(rows)])
    except NoFrame:
        naive = None
    except Bus as bus:
        naive = bus
    out = Path(folder) / 'out'
    audited = ['--audit'] if o['memory'] <= 16 << 20 else []  # the whole computer, after each event and each fault
    done = subprocess.run([pagewalk, 'system', '-q', *audited, *paths, *options(o), '-o', str(out)], stderr=subprocess.PIPE, text=True,
                          check=False)
    if isinstance(naive, Bus):
        rows = [] if done.returncode else list(csv.DictReader(open(out / 'processes.csv', newline='')))
        ended = [k for k, row in enumerate(rows) if row['ended'] == 'sigbus']
        same = naive.args[0] in ended or 'no page frame is left' in done.stderr  # which came later
        return (not same and f'{o}\n  SIGBUS of process {naive.args[0]}: {ended} {done.stderr}'), 'sigbus' if same else ''
    if naive is None or done.returncode:
        same = naive is None and done.returncode == 1 and 'no page frame is left' in done.stderr
        return (not same and f'frames ran out for {"one" if naive else "the naive one"} only: {done.stderr}'), 'full' if same else ''
    return differences(naive, out, o)


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
                if failed == 5:
                    break
    print(f'{n} mixes, {failed} wrong; with ' + ', '.join(f'{name} {k}' for name, k in sorted(seen.items())))
    enough = n < 100 or all(seen[name] >= n // 50 for name in ('hugetlb_faults', 'hugetlb_fails', 'writebacks', 'thp_faults', 'thp_splits', 'thp_fallbacks', 'thp_collapses', 'copies', 'major_faults'))
    sys.exit(1 if failed or not enough else 0)


if __name__ == '__main__':
    main()
