#!/usr/bin/env python3
"""`pagewalk system` against the naive kernel (naive_kernel.py) on mixes of recorded programs, which a decoder that was written
apart reads (oracle_decoder.py). A trace keeps visits, not accesses: the naive kernel takes their touches, and of accesses only
how many there are.

usage: naive_samples.py PAGEWALK SAMPLES [ACCESSES]     of each sample; all of them if it is not given"""
import subprocess
import sys
import tempfile
from pathlib import Path

import naive_kernel as naive
import oracle_decoder as decoder

MAP, UNMAP, FORK, EXEC, EXIT, PROTECT, DISCARD, MOVE, KREAD, KWRITE, TSTART, TEND, BACKING, ADVISE = 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 18
PAGE = naive.PAGE
MIXES = [
    (('gzip', 'tree'), {'memory': 64 << 20, 'thp': 'never', 'quantum': 100000, 'cold': False, 'asid': 6,
                        'itlb': [(64, 8, (0, 1, 2))], 'dtlb': [(64, 4, (0, 1, 2))], 'stlb': [(1536, 12, (0, 1, 2))]}),
    (('hashjoin', 'gzip', 'bfs'), {'memory': 1 << 30, 'thp': 'always', 'quantum': 30000, 'cold': True, 'asid': 0, 'rate': 100000,
                                   'itlb': [(8, 8, (0,)), (4, 4, (1,))], 'dtlb': [(64, 4, (0,)), (32, 4, (1,))], 'stlb': [(512, 4, (0, 1))]}),
    (('python3', 'sort'), {'memory': 512 << 20, 'thp': 'always', 'quantum': 1000, 'cold': False, 'asid': None, 'rate': 20000,
                           'kernel': 1 << 20, 'itlb': [(32, 4, (0, 1, 2))], 'dtlb': [(16, 16, (0, 1, 2))], 'stlb': []}),
]


def rights_of(bits):
    return ''.join(letter if bits >> i & 1 else '-' for i, letter in enumerate('rwx')) + ('s' if bits & 8 else 'p')


class Recorded:
    """A recorded program, as naive_kernel.Program."""

    def __init__(self, name, path):
        self.name = name
        self.by_pid = {}
        self.index = 0
        self.map = None       # the last, which waits for its file
        self.at = 0
        self.feed = self.read(path)
        self.visits = []

    def read(self, path):
        """Lists of (events before it, touches, accesses); the last has no touches."""
        _, blocks, _, _ = decoder.read_trace(path)
        left = []
        for block in blocks:
            block.read_core()
            block.read_counts()
            k = 0
            for _, _, stream, c, o, flag, i in block.visits():
                while k < block.n_events and block.events[k][0] <= i:
                    left.append(block.events[k])
                    k += 1
                yield left, (stream, c, o, flag, block.folded[i]), block.fetches[i] + block.loads[i] + block.stores[i]
                left = []
            left = left + block.events[k:]
        yield left, None, 0

    def peek(self):
        if not self.visits:
            self.visits.append(next(self.feed))
        return self.visits[0]

    def more(self):
        return self.peek()[1] is not None

    @property
    def first(self):
        return 0

    def process(self, computer, index):
        if index not in self.by_pid:
            self.by_pid[index] = computer.begin(self.name, index)
        return self.by_pid[index]

    def settle(self, computer):
        if self.map is None:
            return
        (_, _, start, size, bits, text), inode, offset = self.map
        self.map = None
        p, first, end = self.process(computer, self.index), start // PAGE, (start + size + PAGE - 1) // PAGE
        text = text.decode()
        area = naive.Area(rights_of(bits))
        if text and not text.startswith('['):
            area.file, area.offset, area.kind = f'{inode} {text}', offset // PAGE - first, 'file'
            computer.need_file(area.file, False)
        elif bits & 8:
            area.file, area.offset, area.kind = f'{self.name} {id(self)} {start}', -first, 'shared'
            computer.need_file(area.file, True)
        elif text == '[stack]' or bits & 32:
            area.kind = 'stack'
        elif text.startswith('[') and text != '[heap]':
            area.kind = 'special'
        computer.map(p, first, end, area)

    def event(self, computer, e):
        _, kind, a, b, c, text = e
        if kind == BACKING:
            if self.map:
                self.map = self.map[0], b, a
            self.settle(computer)
            return
        self.settle(computer)
        first, end = a // PAGE, (a + b + PAGE - 1) // PAGE
        if kind == decoder.PROCESS_SWITCH:
            self.index = b
            return
        if kind not in (MAP, UNMAP, FORK, EXEC, EXIT, PROTECT, DISCARD, MOVE, KREAD, KWRITE, TSTART, TEND, ADVISE):
            return
        p = self.process(computer, self.index)
        if kind == MAP:
            self.map = e, 0, 0
        elif kind == UNMAP:
            computer.unmap(p, first, end)
        elif kind == PROTECT:
            computer.protect(p, first, end, rights_of(c))
        elif kind == DISCARD:
            computer.discard(p, first, end)
        elif kind in (KREAD, KWRITE) and b:
            for page in range(first, (a + b - 1) // PAGE + 1):
                computer.fault(p, page, kind == KWRITE)
        elif kind == TSTART and b:  # else nobody started it: it is the first
            computer.start_thread(p, a)
        elif kind == TEND:
            computer.end_thread(p, a)
        elif kind == EXIT:
            computer.end(p)
            del self.by_pid[self.index]
        elif kind in (MOVE, FORK, EXEC, ADVISE):
            raise SystemExit(f'{self.name}: an event of kind {kind}, which no sample of a mix has')

    def visit(self, computer):
        events, (stream, c, o, flag, folded), accesses = self.visits.pop(0)
        self.at += 1
        for e in events:
            self.event(computer, e)
        self.settle(computer)
        p = self.process(computer, self.index)
        computer.switch(p)
        mask = (1 << 52) - 1
        for k, (code, key, wrote) in enumerate(decoder.pattern(stream, c, o, flag, folded)):
            page = key & mask
            if code:
                computer.fault(p, page, False)
                computer.look_up(p, True, page)
                continue
            late = wrote and k == 0 and not flag & 2  # of the new page a load came first
            computer.fault(p, page, wrote and not late)
            computer.look_up(p, False, page)
            if late and computer.fault(p, page, True):
                computer.look_up(p, False, page)
        return accesses

    def finish(self, computer):
        if not self.by_pid and self.at == 0:
            self.process(computer, 0)
        for e in self.peek()[0]:
            self.event(computer, e)
        self.settle(computer)
        for index in sorted(self.by_pid):
            computer.end(self.by_pid[index])


def main():
    pagewalk, samples = sys.argv[1], Path(sys.argv[2])
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for names, machine in MIXES:
            o = {'kernel': 0, 'rate': 10 ** 9, **machine}
            paths = [str(samples / f'{name}.pwt') for name in names]
            if len(sys.argv) > 3:
                for k, name in enumerate(names):
                    cut = f'{folder}/{name}.pwt'
                    subprocess.run([pagewalk, 'convert', '-q', '--limit', sys.argv[3], paths[k], '-o', cut], check=True)
                    paths[k] = cut
            out = Path(folder) / 'out'
            subprocess.run([pagewalk, 'system', '-q', *paths, *naive.options(o), '--layout', 'recorded', '-o', str(out)], check=True)
            computer = naive.run(o, [Recorded(name, path) for name, path in zip(names, paths)])
            wrong, notes = naive.differences(computer, out, o, ('fetches', 'loads', 'stores'))
            failed += wrong is not None
            faults = sum(p.count['minor_faults'] for p in computer.processes)
            print(f'{" + ".join(names)}: {faults} minor faults; {notes or "no huge pages"}: {"WRONG " + wrong if wrong else "the same"}', flush=True)
            if faults < 100:
                sys.exit('too few faults to tell anything')
    sys.exit(1 if failed else 0)


if __name__ == '__main__':
    main()
