#!/usr/bin/env bash
# Who may use whom, by includes and by symbols; layers.py says more. Needs $PW_SOURCE and $PW_BUILD.
set -eu
exec python3 "$(dirname "$0")/layers.py" "${PW_SOURCE:?the source tree}" "${PW_BUILD:?the build folder}"
