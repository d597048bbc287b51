#!/usr/bin/env bash
# Install everything on a Debian or Ubuntu machine with Python 3.11 or newer, and run every test; with --quick,
# without the longest; with other arguments, what pytest makes of them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

install() {
    local as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo)
    "${as_root[@]}" apt-get update -q
    "${as_root[@]}" apt-get install -q -y --no-install-recommends "$@"
}

python="${PYTHON:-python3}"
"$python" -c 'import venv, ensurepip' 2>/dev/null || install python3-venv

# The browser tests drive a Chromium that is already on the machine; the fonts make formulas measurable.
found=""
for browser in chromium chromium-browser google-chrome; do
    if command -v "$browser" >/dev/null; then found="$browser"; fi
done
[ -n "$found" ] || install chromium fonts-dejavu-core

# Lint, format and types are tests too (tests/test_house.py).
"$python" -m venv .venv
.venv/bin/pip install -q -e '.[test]'
pytest=(.venv/bin/python -m pytest)
[ "${1:-}" != --quick ] && [ "${1:-}" != --note-slow ] || exec "${pytest[@]}" -n auto --maxprocesses 4 --dist worksteal "$@" \
    --ignore tests/e2e --ignore tests/benchmarks
[ $# -eq 0 ] || exec "${pytest[@]}" "$@"
"${pytest[@]}" -n auto --maxprocesses 4 --dist worksteal --ignore tests/e2e --ignore tests/benchmarks
exec "${pytest[@]}" tests/e2e tests/benchmarks # one at a time: they drive one server, and measure
