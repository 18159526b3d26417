#!/usr/bin/env bash
# Who may include whom: reads every #include line of cmd/ and lib/ and fails where an arrow runs uphill.
#
#   cmd -> lib/pagewalk.h and its own headers
#   base -> nothing but libc; trace, elf, space, memory, sweep, mmu, report -> base
#   os -> space, memory, mmu/geometry; engine -> os, sweep, mmu, memory; witness -> engine, os, space, mmu, elf
#   record -> trace, elf; judge -> record, space; ask -> all
#
# Everybody may include pagewalk.h. Then it breaks each rule on a copy, to show that it can fail.
# Needs $PW_SOURCE, the source tree.
set -u
: "${PW_SOURCE:?the source tree}"

# Small headers that rooms of one floor may share all the same: "room header reason". None so far.
exceptions=''

# Libraries, by the rooms that alone use them: "header room …".
libraries='zstd.h trace
xxhash.h trace
archive.h trace
archive_entry.h trace
zlib.h trace elf
libelf.h elf
libiberty/demangle.h elf
gelf.h elf
cyaml/cyaml.h cmd'

# check FOLDER: prints a line for each wrong include; true when there is none.
check() {
  # shellcheck disable=SC2016 # the $ are awk's
  (cd "$1" && find cmd lib -name '*.[ch]' -print | sort | exceptions=$exceptions libraries=$libraries xargs awk '
    BEGIN {
      below["base"] = " "
      below["trace"] = below["elf"] = below["space"] = below["memory"] = below["sweep"] = below["mmu"] = below["report"] = " base "
      below["os"] = " space memory mmu/geometry.h base "
      below["engine"] = " os sweep mmu memory base "
      below["witness"] = " engine os space mmu elf base "
      below["record"] = " trace elf base "
      below["judge"] = " record space base "
      below["ask"] = " witness judge record engine report trace os sweep space memory mmu elf base "
      n = split(ENVIRON["exceptions"], line, "\n")
      for (i = 1; i <= n; i++) { split(line[i], word, " "); allowed[word[1] " " word[2]] = 1 }
      n = split(ENVIRON["libraries"], line, "\n")
      for (i = 1; i <= n; i++) { header = line[i]; sub(/ .*/, "", header); owner[header] = substr(line[i], length(header) + 1) " " }
    }
    function wrong(why) { printf "%s:%d: %s: %s\n", FILENAME, FNR, header, why; bad = 1 }
    FNR == 1 {
      files++
      n = split(FILENAME, part, "/")
      room = part[1] == "cmd" ? "cmd" : n == 2 ? "lib" : part[2]
      if (room != "cmd" && room != "lib" && !(room in below)) { header = room; wrong("a room without a place in this test") }
    }
    /^[ \t]*#[ \t]*include/ {
      includes++
      header = $0
      sub(/^[ \t]*#[ \t]*include[ \t]*/, "", header)
      if (header ~ /^</) {
        sub(/^</, "", header); sub(/>.*/, "", header)
        if (header ~ /^(base|trace|mmu|memory|sweep|engine|attribute|report|elf)\// || header == "pagewalk.h") wrong("our own header in angle brackets")
        else if (header in owner && index(owner[header], " " room " ") == 0) wrong("only" owner[header] "may use this library")
        next
      }
      if (header !~ /^"/) { wrong("neither a file nor a system header"); next }
      sub(/^"/, "", header); sub(/".*/, "", header)
      if (header == "pagewalk.h") next
      if (header ~ /\.\./) { wrong("a path that climbs"); next }
      to = header ~ /\// ? header : ""
      sub(/\/.*/, "", to)
      if (room == "cmd") {
        if (to != "") wrong("the command sees lib/pagewalk.h only")
      } else if (room == "lib") {
        if (to == "" && header !~ /^(run|namer|naming|launch)\.h$/) wrong("no header of lib/ itself that this test knows")
        else if (to != "" && !(to in below)) wrong("no room of that name")
      } else if (to != room && index(below[room], " " to " ") == 0 && !((room " " header) in allowed)) {
        wrong(room " must not include this")
      }
    }
    END {
      if (files < 50 || includes < 200) { print "only " files + 0 " files and " includes + 0 " includes were seen"; bad = 1 }
      exit bad
    }')
}

failures=0
check "$PW_SOURCE" || failures=1

# can_fail FILE LINE: the line in that file of a copy must be noticed, and named.
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
can_fail() {
  local found
  rm -rf "$dir/copy" && mkdir "$dir/copy" && cp -r "$PW_SOURCE/cmd" "$PW_SOURCE/lib" "$dir/copy" || exit 1
  mkdir -p "$(dirname "$dir/copy/$1")"
  printf '%s\n' "$2" >> "$dir/copy/$1"
  if found=$(check "$dir/copy"); then
    echo "FAIL $2 in $1 was not noticed"
    failures=$((failures + 1))
  elif [[ $found != *"$1:"* ]]; then
    echo "FAIL $2 in $1: the complaint is about something else: $found"
    failures=$((failures + 1))
  fi
}
if ((failures == 0)); then
  can_fail cmd/main.c '#include "base/alloc.h"'
  can_fail cmd/main.c '#include "../lib/pagewalk.h"'
  can_fail cmd/main.c '#include <zstd.h>'
  can_fail lib/base/alloc.c '#include "mmu/tlb.h"'
  can_fail lib/base/block.h '  #  include "trace/visits.h"'
  can_fail lib/base/error.c '#include <xxhash.h>'
  can_fail lib/report/csv.c '#include "mmu/tlb.h"'
  can_fail lib/trace/visits.c '#include "memory/memory.h"'
  can_fail lib/trace/visits.c '#include "engine/model.h"'
  can_fail lib/trace/visits.c '#include "elf/object.h"'
  can_fail lib/elf/object.c '#include "trace/trace.h"'
  can_fail lib/elf/object.c '#include <zstd.h>'
  can_fail lib/mmu/tlb.c '#include <zlib.h>'
  can_fail lib/trace/visits.c '#include "../engine/part.h"'
  can_fail lib/mmu/tlb.c '#include "os/pages.h"'
  can_fail lib/mmu/tlb.h '#include <os/pages.h>'
  can_fail lib/memory/memory.c '#include "mmu/tlb.h"'
  can_fail lib/memory/memory.c '#include "trace/trace.h"'
  can_fail lib/ask/grid.c '#include "trace/trace.h"'
  can_fail lib/ask/grid.c '#include "report/charts.h"'
  can_fail lib/sweep/family.c '#include "engine/model.h"'
  can_fail lib/engine/direct.c '#include "trace/trace.h"'
  can_fail lib/os/linux/mm.c '#include "memory/memory.h"'
  can_fail lib/engine/model.h '#include "witness/who.h"'
  can_fail lib/witness/who.c '#include "report/csvread.h"'
  can_fail lib/ask/run.c '#include "options.h"'
  can_fail lib/ask/run.c '#include PW_HEADER'
  can_fail lib/attic/new.c '#include "pagewalk.h"'
fi
[ "$failures" -eq 0 ]
