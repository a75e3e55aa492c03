#!/usr/bin/env bash
# scripts/venv.sh runtime|dev: makes .venv hold what requirements/<name>.txt locks, with hashes, by plain pip.
# Does nothing when the lock, and the Python that made .venv, are the ones of last time: the stamp in .venv says so.
set -euo pipefail

wanted="${1:?usage: scripts/venv.sh runtime|dev}"
python="${PYTHON:-python3}"
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
  printf 'ecsportal: %s\n' "$1" >&2
  exit 1
}

command -v "$python" >/dev/null ||
  fail "there is no '$python' here; install Python 3.11 or newer, or name it: make PYTHON=python3.12 demo"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  fail "needs Python 3.11 or newer and '$python' is $("$python" -V 2>&1); name another: make PYTHON=python3.12 demo"

# A directory that was moved, or whose Python was removed, is made anew.
if ! .venv/bin/python -c 'import sys, pathlib; sys.exit(pathlib.Path(sys.prefix).resolve() != pathlib.Path(".venv").resolve())' 2>/dev/null; then
  echo "Creating .venv ..."
  "$python" -m venv --clear .venv ||
    fail "'$python -m venv' does not work; on Debian and Ubuntu install the package python3-venv."
fi

# stamp_of NAME: what .venv/.installed-NAME must say for NAME to be installed as it is locked now.
stamp_of() {
  .venv/bin/python - "requirements/$1.txt" <<'PY'
import hashlib, pathlib, platform, sys
print(platform.python_version(), hashlib.sha256(pathlib.Path(sys.argv[1]).read_bytes()).hexdigest())
PY
}

installed() { [ "$(cat ".venv/.installed-$1" 2>/dev/null)" = "$(stamp_of "$1")" ]; }

# The development lock holds everything the runtime lock holds, in the same versions.
if installed dev || installed "$wanted"; then exit 0; fi

echo "Installing requirements/$wanted.txt ..."
.venv/bin/python -m pip install -qq --disable-pip-version-check --no-input --require-hashes \
  -r "requirements/$wanted.txt" ||
  fail "pip could not install requirements/$wanted.txt; its message is above."
stamp_of "$wanted" >".venv/.installed-$wanted"
