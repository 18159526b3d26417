#!/usr/bin/env bash
# `pagewalk system` against the naive kernel on three mixes of samples (naive_samples.py): so many accesses of each, as the
# naive kernel takes some minutes for all of them. Needs $PAGEWALK and $PW_SOURCE.
set -eu
: "${PAGEWALK:?the command under test}" "${PW_SOURCE:?the source tree}"
command -v python3 >/dev/null || { echo "python3 is not installed: nothing to compare with"; exit 77; }
exec python3 "$PW_SOURCE/tests/property/naive_samples.py" "$PAGEWALK" "$PW_SOURCE/traces/samples" 500K
