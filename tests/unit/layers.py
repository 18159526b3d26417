#!/usr/bin/env python3
"""Who may use whom: reads every #include of cmd/ and lib/ and every symbol of the built library, and fails
where an arrow runs uphill, where two files, structs or include guards share a name, and where a function
is too long. Then it breaks each rule on a copy in memory, to show that it can fail.

usage: layers.py SOURCE BUILD"""
import re
import subprocess
import sys
from pathlib import Path

# A room and the rooms, or single files of a room, that it may use besides itself.
BELOW = {
    "base": "",
    "trace": "base", "elf": "base", "space": "base", "memory": "base", "sweep": "base", "mmu": "base", "report": "base",
    "os": "space memory mmu/geometry base",
    "engine": "os sweep mmu memory base",
    "witness": "engine os space mmu elf base",
    "record": "trace elf base",
    "judge": "record space base",
    "ask": "witness judge record engine report trace os sweep space memory mmu elf base",
}
BELOW = {room: set(below.split()) for room, below in BELOW.items()}

# Libraries, and the rooms that alone use them.
LIBRARIES = {
    "zstd.h": "trace", "xxhash.h": "trace base", "archive.h": "trace", "archive_entry.h": "trace", "zlib.h": "trace elf",
    "libelf.h": "elf", "gelf.h": "elf", "libiberty/demangle.h": "elf", "cyaml/cyaml.h": "cmd",
}

# A function has at most so many lines; a hot loop may be longer and says so here.
MOST_LINES = 60
HOT_LOOPS = set()

FOUND_AT_LEAST = {"files": 150, "includes": 600, "symbols": 300}


def room_of(path):
    part = path.split("/")
    return "cmd" if part[0] == "cmd" else part[1] if len(part) > 2 else "lib"


def may(room, to_room, to_stem):
    return room == to_room or to_room in BELOW[room] or f"{to_room}/{to_stem}" in BELOW[room]


def check_includes(files):
    rooms = {room_of(path) for path in files} - {"cmd", "lib"}
    wrong = [f"{room}: a room without a place in this test" for room in sorted(rooms - set(BELOW))]
    for path, text in sorted(files.items()):
        room = room_of(path)
        for number, line in enumerate(text.split("\n"), 1):
            if not re.match(r"\s*#\s*include\b", line):
                continue
            where = f"{path}:{number}: {line.strip()}"
            match = re.match(r'\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', line)
            if not match:
                wrong.append(f"{where}: neither a file nor a system header")
            elif match[2]:
                header = match[2]
                if header == "pagewalk.h" or header.split("/")[0] in BELOW:
                    wrong.append(f"{where}: a header of our own in angle brackets")
                elif header in LIBRARIES and room not in LIBRARIES[header].split():
                    wrong.append(f"{where}: only {LIBRARIES[header]} may use this library")
            elif match[1] != "pagewalk.h":
                to, slash, rest = match[1].partition("/")
                stem = re.sub(r"\.h$", "", rest)
                if ".." in match[1]:
                    wrong.append(f"{where}: a path that climbs")
                elif room == "cmd":
                    if slash:
                        wrong.append(f"{where}: the command sees lib/pagewalk.h only")
                elif not slash or room not in BELOW or to not in BELOW or not may(room, to, stem):
                    wrong.append(f"{where}: {room} must not use this")
    return wrong


def check_symbols(objects, files):
    """objects: {path of the source: (names defined, names used)}, of lib and cmd."""
    public = set(re.findall(r"\bpw_\w+", files["lib/pagewalk.h"]))
    home = {name: path for path, (defined, _) in objects.items() if path.startswith("lib/") for name in defined}
    wrong = []
    for path, (_, used) in sorted(objects.items()):
        room = room_of(path)
        for name in sorted(used):
            to = home.get(name)
            if to is None:
                continue
            if room == "cmd":
                if name not in public:
                    wrong.append(f"{path} uses {name}, which lib/pagewalk.h does not have")
            elif not may(room, room_of(to), Path(to).stem):
                wrong.append(f"{path} uses {name} of {to}: {room} must not use this")
    return wrong


def check_names(files):
    wrong = []
    seen = {}
    def once(kind, name, path):
        other = seen.setdefault((kind, name), path)
        if other != path:
            wrong.append(f"{kind} {name}: both {other} and {path} have it")
    for path, text in sorted(files.items()):
        once("file", Path(path).name, path)
        if path.endswith(".h"):
            for guard in re.findall(r"^#ifndef (PW_\w+_H)$", text, re.M):
                once("guard", guard, path)
        code = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        for kind, name in re.findall(r"\b(struct|union|enum)\s+(\w+)\s*\{", code):
            once(kind, name, path)
    return wrong


def check_lengths(files):
    wrong = []
    for path, text in sorted(files.items()):
        name, start = "", None
        for number, line in enumerate(text.split("\n"), 1):
            if line == "{":
                start = number
            elif line.startswith("}") and start:
                if number - start > MOST_LINES and name not in HOT_LOOPS:
                    wrong.append(f"{path}:{start}: {name} has {number - start} lines")
                start = None
            elif start is None and (match := re.match(r"[a-z].*?\b(\w+)\(", line)):
                name = match[1]
    return wrong


def read_objects(build, source):
    """What nm says of the library's and the command's object files."""
    objects = {}
    for target, top in (("libpagewalk", "lib"), ("pagewalk", "cmd")):
        folder = Path(build, "CMakeFiles", target + ".dir", top)
        for path in sorted(folder.rglob("*.o")):
            name = top + "/" + str(path.relative_to(folder))[:-2]
            if not Path(source, name).exists():
                continue
            lines = subprocess.run(["nm", str(path)], check=True, capture_output=True, text=True).stdout.split("\n")
            words = [line.split()[-2:] for line in lines if line.strip()]
            objects[name] = ({w for k, w in words if k in "TDBRCVW"}, {w for k, w in words if k == "U"})
    return objects


def check(files, objects):
    return check_includes(files) + check_symbols(objects, files) + check_names(files) + check_lengths(files)


def seen(files, path, lines):
    """Is it noticed when these lines are added to a file?"""
    text = files.get(path, "") + "\n" + lines + "\n"
    alone = {path: text}
    wrong = check_includes(alone) + check_lengths(alone)
    if not wrong: # names are of all files together
        wrong = check_names({**files, path: text})
    return any(path in complaint or room_of(path) in complaint for complaint in wrong)


def main():
    source, build = sys.argv[1:]
    files = {str(p.relative_to(source)): p.read_text() for top in ("cmd", "lib") for p in Path(source, top).rglob("*.[ch]")}
    objects = read_objects(build, source)
    found = {"files": len(files), "includes": sum(len(re.findall(r"^\s*#\s*include", t, re.M)) for t in files.values()),
             "symbols": sum(len(used) for _, used in objects.values())}
    complaints = [f"only {found[what]} {what} were seen" for what in found if found[what] < FOUND_AT_LEAST[what]]
    complaints += check(files, objects)
    for complaint in complaints:
        print(complaint)
    if complaints:
        return 1

    breaches = [("cmd/main.c", '#include "base/alloc.h"'), ("cmd/main.c", '#include "../lib/pagewalk.h"'),
                ("cmd/main.c", "#include <zstd.h>"), ("lib/base/alloc.c", '#include "mmu/tlb.h"'),
                ("lib/base/block.h", '  #  include "trace/visits.h"'), ("lib/base/error.c", "#include <libelf.h>"),
                ("lib/report/csv.c", '#include "mmu/tlb.h"'), ("lib/trace/visits.c", '#include "memory/memory.h"'),
                ("lib/trace/visits.c", '#include "../engine/model.h"'), ("lib/elf/object.c", '#include "trace/format.h"'),
                ("lib/elf/object.c", "#include <zstd.h>"), ("lib/mmu/tlb.h", "#include <memory/memory.h>"),
                ("lib/mmu/tlb.c", '#include "os/pages.h"'), ("lib/memory/memory.c", '#include "os/os.h"'),
                ("lib/sweep/family.c", '#include "engine/model.h"'), ("lib/os/pages.c", '#include "engine/model.h"'),
                ("lib/os/pages.c", '#include "mmu/tlb.h"'), ("lib/os/linux/mm.c", '#include "judge/procfs.h"'),
                ("lib/engine/direct.c", '#include "trace/format.h"'), ("lib/engine/direct.c", '#include "witness/who.h"'),
                ("lib/space/spaces.c", '#include "os/os.h"'), ("lib/judge/drain.c", '#include "os/linux/mm.h"'),
                ("lib/witness/who.c", '#include "report/csvread.h"'), ("lib/record/image.c", '#include "judge/drain.h"'),
                ("lib/ask/run.c", '#include "options.h"'), ("lib/ask/run.c", "#include PW_HEADER"),
                ("lib/attic/new.c", '#include "pagewalk.h"'),
                ("lib/os/pages.c", "static int long_one(int x)\n{\n" + "  x++;\n" * 61 + "}"),
                ("lib/os/pages.c", "struct pw_range { int again; };"), ("lib/trace/again.h", "#ifndef PW_ALLOC_H"),
                ("lib/trace/alloc.c", "")]
    unseen = [f"{line!r} in {path} was not noticed" for path, line in breaches if not seen(files, path, line)]
    uses = [("lib/base/alloc.c", "pw_run"), ("lib/trace/source.c", "pw_list_entry"), ("lib/os/pages.c", "pw_tlb_policy_find"),
            ("lib/report/csv.c", "pw_geometry_parse"), ("cmd/main.c", "pw_malloc")]
    for path, name in uses:
        defined, used = objects[path]
        said = check_symbols({**objects, path: (defined, used | {name})}, files)
        if not any(path in complaint and name in complaint for complaint in said):
            unseen.append(f"the symbol {name} in {path} was not noticed")
    for line in unseen:
        print("FAIL", line)
    return 1 if unseen else 0


sys.exit(main())
