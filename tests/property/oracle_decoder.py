#!/usr/bin/env python3
"""A second reader of .pwt, written from docs/trace-format.md alone, to hold that page to its word.

It shares nothing with pagewalk: the Python standard library, its own XXH64, and the zstd command for
the compressed columns. It checks everything the page asks of a reader and refuses the rest.

    oracle_decoder.py totals FILE [BLOCKS]    totals as NAME=VALUE lines
    oracle_decoder.py touches FILE [BLOCKS]   the replayed touches in the oracle's text form
    oracle_decoder.py compare FILE RAW        FILE against the raw accesses it was made from (csv or Lackey)

BLOCKS limits how many blocks are expanded to visits; the container is always checked whole.
"""
import struct
import subprocess
import sys

SKIPPABLE = 0x184D2A5E
BLOCK, INDEX, END = 0x424B4C42, 0x58444E49, 0x21444E45
MASK = (1 << 64) - 1
P1, P2, P3, P4, P5 = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63,
                      0x27D4EB2F165667C5)
KINDS = 1
ADVICE = 2
FAMILY = 4
THREAD_SWITCH, PROCESS_SWITCH = 1, 2


class Refused(Exception):
    pass


def need(condition, why):
    if not condition:
        raise Refused(why)


# ---- XXH64 with seed 0 ----

def rotate(x, n):
    return (x << n | x >> (64 - n)) & MASK


def mix(acc, lane):
    acc = (acc + lane * P2) & MASK
    return (acc << 31 | acc >> 33) * P1 & MASK


def xxh64(data):
    at, size = 0, len(data)
    if size >= 32:
        stripes = size // 32
        a, b, c, d = (P1 + P2) & MASK, P2, 0, -P1 & MASK
        for w, x, y, z in struct.iter_unpack('<4Q', data[:stripes * 32]):
            a, b, c, d = mix(a, w), mix(b, x), mix(c, y), mix(d, z)
        h = (rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18)) & MASK
        for acc in (a, b, c, d):
            h = ((h ^ mix(0, acc)) * P1 + P4) & MASK
        at = stripes * 32
    else:
        h = P5
    h = (h + size) & MASK
    while at + 8 <= size:
        h = (rotate(h ^ mix(0, int.from_bytes(data[at:at + 8], 'little')), 27) * P1 + P4) & MASK
        at += 8
    if at + 4 <= size:
        h = (rotate(h ^ int.from_bytes(data[at:at + 4], 'little') * P1 & MASK, 23) * P2 + P3) & MASK
        at += 4
    for byte in data[at:]:
        h = rotate(h ^ byte * P5 & MASK, 11) * P1 & MASK
    h = (h ^ h >> 33) * P2 & MASK
    h = (h ^ h >> 29) * P3 & MASK
    return h ^ h >> 32


# ---- container ----

class Reader:
    """Takes numbers off a string of bytes and knows where it stands."""

    def __init__(self, data, what):
        self.data, self.at, self.what = data, 0, what

    def take(self, n):
        need(self.at + n <= len(self.data), f'{self.what}: ends at byte {len(self.data)}, too early')
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), 'little')

    def leb128(self):
        if self.at < len(self.data) and self.data[self.at] < 128:  # as most are
            self.at += 1
            return self.data[self.at - 1]
        value = 0
        for i in range(10):
            byte = self.number(1)
            value |= (byte & 127) << 7 * i
            if byte < 128:
                need(value <= MASK, f'{self.what}: a LEB128 number over 64 bits')
                return value
        raise Refused(f'{self.what}: a LEB128 number over ten bytes')

    def done(self):
        need(self.at == len(self.data), f'{self.what}: {len(self.data) - self.at} bytes left over')


def skippable(file):
    """The payload of the next skippable frame and the frame's checksum."""
    start = file.at
    need(file.number(4) == SKIPPABLE, f'byte {start}: not a skippable frame')
    size = file.number(4)
    need(size >= 8, f'byte {start}: a frame too short for its checksum')
    payload = file.take(size - 8)
    checksum = file.number(8)
    need(xxh64(file.data[start:file.at - 8]) == checksum, f'byte {start}: header checksum')
    return Reader(payload, f'frame at byte {start}'), checksum


def read_file_header(file):
    header, _ = skippable(file)
    need(file.at <= 1 << 20, 'file header over 1 MiB')
    need(header.take(8) == b'pagewalk', 'not a .pwt file')
    need(header.number(2) <= 1, 'a newer version')
    header.number(2)
    need(header.number(4) == 12, 'base pages that are not 4 KiB')
    features = header.number(8)
    need(features & ~(KINDS | ADVICE | FAMILY) == 0, 'a required feature that is not known')
    header.number(8)
    texts = [header.take(header.number(4)).decode('utf-8') for _ in range(4)]
    header.done()
    return dict(zip(('source', 'command', 'date', 'creator'), texts)), features


def decompress(stored):
    done = subprocess.run(['zstd', '-dcq'], input=stored, stdout=subprocess.PIPE, check=False)
    need(done.returncode == 0, 'zstd refuses a column frame')
    return done.stdout


class Block:
    """One block: header fields at once, columns when asked for."""

    def __init__(self, file, header, checksum, offset, features):
        self.offset, self.checksum = offset, checksum
        self.has_kinds, self.has_advice, self.has_family = features & KINDS, features & ADVICE, features & FAMILY
        self.n_visits, self.n_pages, self.n_events = (header.number(4) for _ in range(3))
        self.thread, self.process, zero = header.number(8), header.number(4), header.number(4)
        self.totals = [header.number(8) for _ in range(3)]
        self.first_access = header.number(8)
        parts = [(header.number(4), header.number(4), header.number(8)) for _ in range(3)]
        header.done()
        need(zero == 0, f'block at {offset}: a reserved field is not 0')
        need(self.n_visits <= 65536 and self.n_events <= 65536 and self.n_pages <= self.n_visits,
             f'block at {offset}: counts out of range')
        need(self.n_visits or self.n_events, f'block at {offset}: empty')
        self.stored = []
        for stored_bytes, plain_bytes, check in parts:
            stored = file.take(stored_bytes)
            need(plain_bytes <= 24 << 20, f'block at {offset}: column over 24 MiB')
            need(xxh64(stored) == check or not stored, f'block at {offset}: column checksum')
            self.stored.append((stored, plain_bytes))

    def columns(self, which):
        stored, plain_bytes = self.stored[which]
        plain = decompress(stored) if stored else b''
        need(len(plain) == plain_bytes, f'block at {self.offset}: plain_bytes is {plain_bytes}, not {len(plain)}')
        return Reader(plain, f'block at {self.offset}, column {which}')

    def read_core(self):
        core, n = self.columns(0), self.n_visits
        self.flags = core.take(n)
        if self.has_kinds:
            self.read_kinds(self.flags)
        low, high = core.take(n), core.take(n)
        self.keys = []
        for i in range(self.n_pages):
            self.keys.append(core.leb128() + (self.keys[-1] + 1 if i else 0))
        need(not self.keys or self.keys[-1] <= MASK, 'a page key over 64 bits')
        self.events, at = [], 0
        for _ in range(self.n_events):
            at += core.leb128()
            need(at <= n, 'an event behind the last visit')
            kind, a, b, c = (core.leb128() for _ in range(4))
            size = core.leb128()
            need(size <= 4096, 'an event text over 4096 bytes')
            need(1 <= kind <= 17 or (kind == 18 and self.has_advice) or (kind == 19 and self.has_family), f'an event of unknown kind {kind}')
            self.events.append((at, kind, a, b, c, core.take(size)))
        core.done()
        self.pages = []
        index = [0, 0]
        need(max(self.flags, default=0) < 64, 'unknown flag bits')
        for flag, lo, hi in zip(self.flags, low, high):
            z, stream = lo | hi << 8, flag & 1
            index[stream] = (index[stream] + (-(z + 1) // 2 if z & 1 else z // 2)) % 65536
            self.pages.append(index[stream])
        need(max(self.pages, default=-1) < self.n_pages, 'a page index outside the dictionary')
        need(len(set(self.pages)) == self.n_pages, 'a dictionary entry that no visit uses')

    def read_kinds(self, numbers):
        table = self.columns(1)
        kinds = []
        for _ in range(table.leb128()):
            kind = [table.number(1)] + [table.leb128() for _ in range(4)]
            need(max(kind[1:]) < 65536, 'a count of a kind over 65535')
            kinds.append(kind)
        if len(kinds) > 256:
            numbers = [lo | hi << 8 for lo, hi in zip(numbers, table.take(self.n_visits))]
        table.done()
        need(len(kinds) <= self.n_visits, 'more kinds than visits')
        need(not numbers or max(numbers) < len(kinds), 'a kind outside the table')
        self.flags, *self.counts = zip(*(kinds[number] for number in numbers)) if numbers else [()] * 5

    def read_counts(self):
        if self.has_kinds:
            self.fetches, self.loads, self.stores, self.folded = self.counts
            need([sum(c) for c in self.counts[:3]] == self.totals, f'block at {self.offset}: totals')
            return
        n, counts = self.n_visits, self.columns(1)
        columns = [list(counts.take(n)) for _ in range(4)]
        for column in columns:
            for i, value in enumerate(column):
                if value == 255:
                    column[i] = counts.number(2)
                    need(column[i] >= 255, 'an escape under 255')
        counts.done()
        self.fetches, self.loads, self.stores, self.folded = columns
        need([sum(c) for c in columns[:3]] == self.totals, f'block at {self.offset}: totals')

    def read_sides(self):
        """The (offset, pc) of each visit, or None."""
        if not self.stored[2][0]:
            need(self.stored[2][1] == 0, f'block at {self.offset}: side columns without a frame')
            return None
        n, sides, result, last = self.n_visits, self.columns(2), [], 0
        low, high = sides.take(n), sides.take(n)
        need(max(high, default=0) < 16, 'a side offset outside the page')
        for flag, page, lo, hi in zip(self.flags, self.pages, low, high):
            offset = lo | hi << 8
            if flag & 1:
                last = (self.keys[page] << 12 & MASK) + offset
            else:
                z = sides.leb128()
                last = (last + (-(z + 1) // 2 if z & 1 else z // 2)) & MASK
            result.append((offset, last))
        sides.done()
        return result

    def visits(self):
        """Yields (thread, process, is_code, C, O or None, flags, visit number)."""
        thread, process = self.thread, self.process
        last, event = [None, None], 0
        for i, flag in enumerate(self.flags):
            while event < self.n_events and self.events[event][0] <= i:
                _, kind, a, b, _, _ = self.events[event]
                if kind == THREAD_SWITCH:
                    thread = a
                elif kind == PROCESS_SWITCH:
                    process = b
                last = [None, None]
                event += 1
            stream = flag & 1
            last[stream] = self.keys[self.pages[i]]
            other = last[1 - stream]
            if other is None and flag & 12:
                raise Refused(f'block at {self.offset}: visit {i} lacks its O')
            yield thread, process, stream, last[stream], other, flag, i


def read_trace(path):
    with open(path, 'rb') as f:
        file = Reader(f.read(), path)
    header, features = read_file_header(file)
    blocks, accesses, checksums = [], 0, b''
    while True:
        offset = file.at
        frame, checksum = skippable(file)
        kind = frame.number(4)
        if kind != BLOCK:
            break
        block = Block(file, frame, checksum, offset, features)
        need(block.first_access == accesses, f'block at {offset}: first_access')
        accesses += sum(block.totals)
        checksums += struct.pack('<Q', checksum)
        blocks.append(block)
    need(kind == INDEX, f'byte {offset}: neither a block nor the index')
    index_at, first_visit = offset, 0
    need(frame.number(4) == len(blocks), 'index: number of blocks')
    for block in blocks:
        need([frame.number(8) for _ in range(3)] == [block.offset, block.first_access, first_visit],
             f'index: entry of the block at {block.offset}')
        first_visit += block.n_visits
    frame.done()
    need(len(file.data) - file.at == 96, 'the end frame is not the last 96 bytes')
    end, _ = skippable(file)
    file.done()
    need(end.number(4) == END, 'no end frame')
    processes = end.number(4)
    totals = [end.number(8) for _ in range(3)]
    need(processes >= 1, 'end: no process')
    need(totals == [sum(b.totals[i] for b in blocks) for i in range(3)], 'end: totals')
    need([end.number(8) for _ in range(3)] == [first_visit, sum(b.n_events for b in blocks), len(blocks)],
         'end: visits, events, blocks')
    need(end.number(8) == index_at, 'end: place of the index')
    need(end.number(8) == xxh64(checksums), 'end: checksum of checksums')
    need(end.number(8) == 0, 'end: a reserved field is not 0')
    end.done()
    return header, blocks, totals, processes


# ---- what is done with a trace ----

def print_totals(path, limit):
    header, blocks, totals, processes = read_trace(path)
    pages, threads = set(), set()
    for block in blocks[:limit]:
        block.read_core()
        block.read_counts()
        block.read_sides()
        for thread, process, _, _, _, _, _ in block.visits():
            threads.add(thread)
            need(process < processes, 'a process index that the end does not count')
        need(all(key >> 52 < processes for key in block.keys), 'a page of a process that the end does not count')
        pages.update(block.keys)
    rows = dict(zip(('fetches', 'loads', 'stores'), totals))
    rows = {'accesses': sum(totals), **rows, 'visits': sum(b.n_visits for b in blocks),
            'events': sum(b.n_events for b in blocks), 'blocks': len(blocks), 'processes': processes,
            'pages': len(pages), 'threads': len(threads), **header}
    for name, value in rows.items():
        print(f'{name}={value}')


def pattern(stream, c, o, flag, folded=0):
    """The touches of a visit as (is code, page key, stored): C, O, C, O, with 2 more for each fold."""
    count, stored = (flag >> 2 & 3) + 1, [flag >> 4 & 1, flag >> 5 & 1]
    touches, data_touch = [], 0
    for i in range(count + 2 * folded):
        code = stream if i % 2 == 0 else 1 - stream
        wrote = 0 if code else stored[min(data_touch, 1)]
        data_touch += 1 - code
        touches.append((code, o if i % 2 else c, wrote))
    return touches


def print_touches(path, limit):
    _, blocks, _, _ = read_trace(path)
    out = ['addr,op,size,pid,tid']
    for block in blocks[:limit]:
        block.read_core()
        for thread, _, stream, c, o, flag, _ in block.visits():
            for code, key, wrote in pattern(stream, c, o, flag):
                page = key & (1 << 52) - 1
                out.append(f'0x{page << 12:x},{"I" if code else "S" if wrote else "L"},1,{key >> 52},{thread}')
        sys.stdout.write('\n'.join(out) + '\n')
        out = []
        sys.stdout.flush()
    print(f'accesses={sum(sum(b.totals) for b in blocks[:limit])}', file=sys.stderr)


def raw_touches(path):
    """The raw accesses of a csv (addr,op,size,pid,tid) or Lackey text, split by page: (op, pid, page)."""
    with open(path, encoding='ascii') as lines:
        for line in lines:
            if line.startswith(('addr', '==', 'SB')) or not line.strip():
                continue
            if line.startswith('0x'):
                addr, op, size, pid, _ = line.strip().split(',')
            else:
                op, rest = line.split()
                (addr, size), pid = rest.split(','), 0
            addr, size = int(addr, 16), int(size) or 1
            for kind in 'LS' if op == 'M' else op:
                for page in range(addr >> 12, (addr + size - 1 >> 12) + 1):
                    yield kind, int(pid), page


def add_turn(turns, turn):
    if not turns or turns[-1] != turn:
        turns.append(turn)


def compare(path, raw):
    """A trace must tell the same turns (pages in the order they take over, code and data kept apart) and
    the same number of fetches, loads and stores of every page as the raw accesses it was made from."""
    _, blocks, _, _ = read_trace(path)
    names = {0: None}
    turns, counts, raw_turns, raw_counts, stored, raw_stored = [], {}, [], {}, set(), set()
    processes = {}
    for block in blocks:
        block.read_core()
        block.read_counts()
        names.update({b: a for _, kind, a, b, _, _ in block.events if kind == PROCESS_SWITCH})
        for _, process, stream, c, o, flag, i in block.visits():
            for code, key, wrote in pattern(stream, c, o, flag, block.folded[i]):
                need(key >> 52 == process, 'a page of a process that does not run')
                add_turn(turns, (code, key))
                if wrote:
                    stored.add(key)
            code_page, data_page = (c, o) if stream else (o, c)
            for op, page, n in (('I', code_page, block.fetches[i]), ('L', data_page, block.loads[i]),
                                ('S', data_page, block.stores[i])):
                if n:
                    counts[op, page] = counts.get((op, page), 0) + n
    for op, pid, page in raw_touches(raw):
        process = processes.setdefault(pid, len(processes))
        key = process << 52 | page & (1 << 52) - 1
        add_turn(raw_turns, (int(op == 'I'), key))
        raw_counts[op, key] = raw_counts.get((op, key), 0) + 1
        if op == 'S':
            raw_stored.add(key)
    for i, (got, want) in enumerate(zip(turns, raw_turns)):
        need(got == want, f'turn {i} is {got}, raw {want}')
    need(len(turns) == len(raw_turns), f'{len(turns)} turns, raw {len(raw_turns)}')
    need(counts == raw_counts, 'the accesses of a page differ')
    need(stored == raw_stored, 'the pages stored to differ')
    print(f'{len(turns)} turns, {len(counts)} counts agree')


def main(argv):
    if len(argv) < 3 or argv[1] not in ('totals', 'touches', 'compare'):
        sys.exit(__doc__)
    try:
        if argv[1] == 'compare':
            compare(argv[2], argv[3])
        else:
            limit = int(argv[3]) if len(argv) > 3 else None
            (print_totals if argv[1] == 'totals' else print_touches)(argv[2], limit)
    except (Refused, UnicodeDecodeError) as refused:
        sys.exit(f'oracle_decoder: {argv[2]}: {refused}')


if __name__ == '__main__':
    main(sys.argv)
