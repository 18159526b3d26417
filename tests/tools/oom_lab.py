#!/usr/bin/env python3
"""Whom the kernel kills when a memory cgroup is full, against whom `pagewalk system` says it will: predicted first. Root only; a
cgroup of its own, removed afterwards, also what an earlier run that was killed has left.

usage: oom_lab.py PAGEWALK GROWER [FIRST [N]]    GROWER: grower.c; exit 77 where the kernel cannot be asked"""
import csv
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

PAGE, PREFIX = 4096, 'oom-pagewalk-'
# pages of the limit, then each process: pages that it takes in its turn, oom_score_adj; who grows until `kills` are dead
SCENARIOS = [
    (8192, [(3000, 0), (2000, 0), (1000, 0)], 1, 1), (8192, [(3000, 0), (2000, 0), (1000, 0)], 2, 1),
    (8192, [(1000, 0), (2000, 0), (3000, 0)], 0, 1), (8192, [(4000, 0), (100, 0)], 1, 1), (8192, [(4200, 0), (100, 0)], 1, 1),
    (4096, [(900, 0), (800, 0), (700, 0), (600, 0)], 3, 1), (4096, [(900, 0), (800, 0), (700, 0), (600, 0)], 0, 1),
    (12288, [(6000, 0), (3000, 0), (2000, 0)], 2, 2), (12288, [(5000, 0), (4000, 0), (2000, 0)], 1, 2),
    (8192, [(500, 0), (500, 0), (500, 0), (500, 0), (2500, 0)], 0, 1), (8192, [(2600, 0), (2500, 0), (2400, 0)], 2, 1),
    (2048, [(600, 0), (400, 0), (200, 0)], 2, 2), (16384, [(9000, 0), (4000, 0)], 1, 1), (16384, [(7000, 0), (4000, 0)], 1, 1),
    (8192, [(2000, 0)], 0, 1),
    (8192, [(3000, 0), (2000, 300), (1000, 0)], 2, 1), (8192, [(3000, 0), (2000, 0), (1000, 500)], 1, 1), (8192, [(3000, 500), (2000, 0), (1000, 900)], 1, 1),
    (8192, [(3000, 0), (2000, 0), (1000, 0), (50, 1000)], 1, 2), (4096, [(1000, 100), (1000, 200), (1000, 300)], 0, 2),
    (4096, [(1500, 0), (1000, 200), (500, 300)], 2, 1), (12288, [(6000, 0), (3000, 500), (1000, 400)], 2, 2), (8192, [(4000, 100), (2000, 400), (1000, 0)], 2, 2),
    (16384, [(8000, 0), (4000, 200), (2000, 300)], 1, 1), (2048, [(700, 50), (500, 200), (300, 0)], 2, 2),
    # of such as only some systems let one set
    (8192, [(4000, -500), (2000, 0), (1000, 0)], 2, 1), (8192, [(4000, -1000), (2000, 0), (1000, 0)], 2, 1), (8192, [(4000, -1000), (2000, -300), (1000, 0)], 1, 1),
    (4096, [(1500, -200), (1000, 0), (500, 100)], 2, 1), (12288, [(6000, -400), (3000, 100), (1000, 0)], 2, 2)]


def lab_root():
    for line in open('/proc/self/mounts', encoding='ascii', errors='replace'):
        _, place, kind, options = line.split()[:4]
        if kind == 'cgroup' and 'memory' in options.split(','):
            return Path(place), False
        if kind == 'cgroup2' and 'memory' in (Path(place) / 'cgroup.subtree_control').read_text().split():
            return Path(place), True
    return None, False


def remove(group):
    for _ in range(100):
        for pid in (group / 'cgroup.procs').read_text().split() if group.exists() else ():
            os.kill(int(pid), signal.SIGKILL)
        try:
            group.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            os.sched_yield()
            signal.sigtimedwait([], 0.02)


def predict(pagewalk, folder, limit, processes, grower, kills):
    """The victims in their order, by their places; and how far the best was from the next, in pages."""
    quantum = max(pages for pages, _ in processes)
    turns, words = (limit + quantum - 1) // quantum + 2, []
    for place, (pages, adj) in enumerate(processes):
        path = folder / f'{place}.csv'
        grows = turns * quantum if place == grower else pages
        with open(path, 'w', encoding='ascii') as out:
            out.write('op,addr,size,pid,arg\nmap,0x40000000,0x40000000,,rw-p\n')
            for turn in range(turns):
                for k in range(quantum):
                    page = k if turn == 0 else pages + (turn - 1) * quantum + k
                    if page >= (pages if turn == 0 else grows):
                        page = k % 2  # there since its first turn: two in turns, or it were one long visit
                    out.write(f'W,{0x40000000 + PAGE * page},1,,\n')
        words.append(f'{path};oom_score_adj={adj};name=p{place}')
    out = folder / 'out'
    subprocess.run([pagewalk, 'system', '-q', *words, '--memory', '256M', '--kernel', '0', '--thp', 'never', '--group-limit', str(limit * PAGE),
                    '--quantum', str(quantum), '--no-charts', '-o', str(out)], check=True)
    victims, apart = [], []
    rows = [row for row in csv.DictReader(open(out / 'events.csv', newline='', encoding='ascii')) if row['event'] == 'kill']
    for kill in range(min(kills, len({row['kill'] for row in rows}))):
        of = [row for row in rows if row['kill'] == str(kill)]
        victims.append(int(next(row['name'] for row in of if row['victim'] == '1')[1:]))
        points = sorted((int(row['points']) for row in of), reverse=True)
        apart.append(points[0] - points[1] if len(points) > 1 else points[0])
    return victims, min(apart, default=0)


def start(grower, group, second, adj):
    def join():
        (group / 'cgroup.procs').write_text(str(os.getpid()), encoding='ascii')
        Path('/proc/self/oom_score_adj').write_text(str(adj), encoding='ascii')
    return subprocess.Popen([grower], stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=join)


def take(process, pages):
    """False: it is dead."""
    while pages:
        n = min(pages, 32)
        try:
            process.stdin.write(b'p' * n)
            process.stdin.flush()
        except BrokenPipeError:
            return False
        if len(process.stdout.read(n)) < n:
            return False
        pages -= n
    return True


def killed_count(group, second):
    """How many the kernel says it has killed in the group."""
    words = (group / ('memory.events' if second else 'memory.oom_control')).read_text(encoding='ascii').split()
    return int(words[words.index('oom_kill') + 1])


def gone(running, group, second):
    """The places of the dead, in the order they stand in, once as many are gone as the kernel has killed: one that was killed takes a while to die."""
    while True:
        count = killed_count(group, second)
        dead = [place for place, process in enumerate(running) if process.poll() is not None]
        if len(dead) >= count:
            return dead
        signal.sigtimedwait([], 0.001)


def measure_once(grower_path, root, second, limit, processes, grower, kills):
    group = root / f'{PREFIX}{os.getpid()}'
    group.mkdir()
    running, victims = [], []
    try:
        if second:
            (group / 'memory.swap.max').write_text('0', encoding='ascii')
            (group / 'memory.max').write_text(str(limit * PAGE), encoding='ascii')
        else:
            (group / 'memory.limit_in_bytes').write_text(str(limit * PAGE), encoding='ascii')
            (group / 'memory.swappiness').write_text('0', encoding='ascii')
            both = group / 'memory.memsw.limit_in_bytes'
            if both.exists():
                both.write_text(str(limit * PAGE), encoding='ascii')
        running = [start(grower_path, group, second, adj) for _, adj in processes]
        for process, (pages, _) in zip(running, processes):
            take(process, pages)
        for _ in range(4 * limit // 32):
            if not take(running[grower], 32):
                running[grower].wait()
            dead = [place for place in gone(running, group, second) if place not in victims]
            victims += dead
            if len(dead) > 1:  # their order is not known
                return None
            if len(victims) >= kills or grower in victims:
                break
    finally:
        for process in running:
            process.kill()
            process.wait()
            process.stdout.close()
            try:
                process.stdin.close()
            except BrokenPipeError:
                pass
        remove(group)
    return victims


def measure(*words):
    """As once; again where the kernel killed another one before the first was gone, so that their order is not known."""
    for _ in range(20):
        victims = measure_once(*words)
        if victims is not None:
            return victims
    return None


def may_be_negative():
    child = os.fork()
    if child == 0:
        try:
            Path('/proc/self/oom_score_adj').write_text('-1', encoding='ascii')
            os._exit(0)
        except OSError:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def main():
    pagewalk, grower_path = sys.argv[1], sys.argv[2]
    first, n = int(sys.argv[3]) if len(sys.argv) > 3 else 0, int(sys.argv[4]) if len(sys.argv) > 4 else len(SCENARIOS)
    root, second = lab_root()
    if root is None or os.geteuid() != 0 or not os.access(root, os.W_OK):
        print('the running kernel cannot be asked here: it needs root, and a memory cgroup')
        sys.exit(77)
    if len(open('/proc/swaps', encoding='ascii', errors='replace').readlines()) > 1:
        print('the running kernel cannot be asked here: swap is on, and would take part')
        sys.exit(77)
    for left in root.glob(f'{PREFIX}*'):
        if not Path(f'/proc/{left.name[len(PREFIX):]}').exists():
            remove(left)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    # on one processor, whose batches of charges and of counted pages are then the only ones: more of them blur what the kernel compares
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
    wrong = close = left_out = done = unjudged = 0
    negative = may_be_negative()
    print('limit,processes,grower,apart,predicted,killed')
    for limit, processes, grower, kills in SCENARIOS[first:first + n]:
        if any(adj < 0 for _, adj in processes) and not negative:
            left_out += 1
            continue
        done += 1
        with tempfile.TemporaryDirectory() as folder:
            predicted, apart = predict(pagewalk, Path(folder), limit, processes, grower, kills)
        try:
            killed = measure(grower_path, root, second, limit, processes, grower, kills)
        except PermissionError as error:
            print(f'the running kernel cannot be asked here: {error}')
            sys.exit(77)
        print(f'{limit},{" ".join(f"{pages}:{adj}" for pages, adj in processes)},{grower},{apart},{" ".join(map(str, predicted))},{" ".join(map(str, killed or []))}', flush=True)
        close += apart <= 64
        wrong += killed is not None and predicted != killed
        unjudged += killed is None
    print(f'{done} scenarios, {wrong} with another victim; {unjudged} unjudged, where it killed two at once in all of 20 runs; in {close} the candidates are within 64 pages; {left_out} left out, whose oom_score_adj below 0 is not allowed here')
    sys.exit(1 if wrong or unjudged else 0)


if __name__ == '__main__':
    main()
