#!/usr/bin/env bash
# The loop over the stretches of a block exists once: what an account lent is walked step by step in lib/engine/stretch.c
# alone; lib/os writes it. Then it breaks the rule on a copy, to show that it can fail. Needs $PW_SOURCE, the source tree.
set -u
: "${PW_SOURCE:?the source tree}"
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT

# check FOLDER: prints each line that walks the steps of a block elsewhere; true when there is none.
check() {
  ! (cd "$1" && grep -rnE '(->|\.)(n_steps|steps\[)' cmd lib --include='*.[ch]' |
    grep -vE '^lib/os/|^lib/engine/stretch\.c:|^lib/record/code_runs?(_take)?\.[ch]:')
}

check "$PW_SOURCE" || { echo "these walk the steps of a block; take stretches instead (lib/engine/stretch.h)"; exit 1; }
grep -q 'n_steps' "$PW_SOURCE/lib/engine/stretch.c" || { echo "the loop has moved, and this test does not know where to"; exit 1; }

mkdir -p "$copy/cmd" "$copy/lib/engine" "$copy/lib/witness"
echo 'while (s->next < b->n_steps) take(&b->steps[s->next++]);' >"$copy/lib/engine/stretch.c"
check "$copy" || { echo "lib/engine/stretch.c may walk the steps, and the test says it may not"; exit 1; }
for file in lib/engine/direct.c lib/witness/heat.c cmd/info.c; do
  for line in 'for (size_t i = 0; i < b->n_steps; i++) take(i);' 'take(paged.steps[0]);'; do
    echo "$line" >"$copy/$file"
    check "$copy" >/dev/null && { echo "$file walks the steps of a block, and the test does not see it"; exit 1; }
    rm "$copy/$file"
  done
done
exit 0
