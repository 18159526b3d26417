#!/usr/bin/env bash
# `pagewalk system` against a naive kernel that was written apart, on random mixes of random programs (naive_reclaim.py).
# Needs $PAGEWALK and $PW_SOURCE.
set -eu
: "${PAGEWALK:?the command under test}" "${PW_SOURCE:?the source tree}"
command -v python3 >/dev/null || { echo "python3 is not installed: nothing to compare with"; exit 77; }
exec python3 "$PW_SOURCE/tests/property/naive_reclaim.py" "$PAGEWALK" "${NAIVE_MIXES:-250}"
