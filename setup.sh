#!/bin/sh
# What `make setup` does: `sh setup.sh PYTHON VENV` from this directory. What is missing is said in
# one line, and how to get it, before anything is done.
python=$1
venv=$2

demand() { # what to say where the command fails
  why=$1
  shift
  "$@" >/dev/null 2>&1 || { echo "$why" >&2; exit 1; }
}
writable() { # the directory itself, or the one that it will stand in
  if [ -e "$1" ]; then [ -d "$1" ] && [ -w "$1" ]; else writable "$(dirname "$1")"; fi
}
pip_install() {
  set -- -e '.[dev]'
  for plugin in plugins/*/pyproject.toml; do set -- "$@" -e "$(dirname "$plugin")"; done
  # Relative: pip divides it at spaces, and the checkout's path may have some.
  PIP_CONSTRAINT=constraints.txt "$venv/bin/python" -m pip install --quiet \
    --disable-pip-version-check "$@"
}

demand "git is missing (Debian: apt install git)" command -v git
demand "$python is missing (Debian: apt install python3 python3-venv); another: make PYTHON=…" \
  command -v "$python"
demand "Python 3.11 or newer is needed, and $python is older; another: make PYTHON=python3.12" \
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'
demand "$python makes no virtual environments (Debian: apt install python3-venv)" \
  "$python" -c 'import ensurepip, venv'
demand "$venv can't be made, its directory is not writable; another: make VENV=~/venv" \
  writable "$venv"

demand "$venv is a link, and what it points to would be emptied; another: make VENV=~/venv" \
  test ! -L "$venv"

echo "setting up $venv (a minute, once)"
# Anew: what stands there may be of another Python, or of one that is gone.
"$python" -m venv --clear "$venv" || exit 1
log=$venv/pip.log
pip_install >"$log" 2>&1 && exit
found=$(grep -m 1 -E 'connection broken by|ERROR:' "$log" || tail -n 1 "$log")
found=$(echo "$found" | sed 's/.*connection broken by //; s/^ *//')
echo "pip failed; does it reach a package index (PIP_INDEX_URL, HTTPS_PROXY)? $found ($log)" >&2
exit 1
