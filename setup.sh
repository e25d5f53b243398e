#!/bin/sh
# What `make setup` does: `sh setup.sh VENV [PYTHON]` from this directory. Where all is installed as
# the files say, nothing. What is missing is said in one line, and how to get it, before anything is
# done.
venv=$1
python=${2:-python3}
mark=$venv/made-for # whoever has it was made by us, and holds its lock during the set-up
ready=$venv/ready   # as old as the set-up's begin: what has changed since is newer
another="another: make VENV=~/venv"

refuse() {
  echo "$1" >&2
  exit 1
}
demand() { # what to say where the command fails
  why=$1
  shift
  "$@" >/dev/null 2>&1 || refuse "$why"
}
writable() { # the directory itself, or the one that it will stand in
  if [ -e "$1" ]; then [ -d "$1" ] && [ -w "$1" ]; else writable "$(dirname "$1")"; fi
}
is_ours() { # what is to be emptied: of us, or where nobody has anything else
  # In this order: the mark is the first that another set-up puts there, maybe in this moment.
  [ -z "$(ls -A "$venv" 2>/dev/null)" ] || [ -e "$mark" ] \
    || { [ "$venv" = .venv ] && [ -e "$venv/pyvenv.cfg" ]; }
}
base_of() { # Python: what a virtual environment of it depends on
  "$1" -ISc 'import sys; print(*sys.version_info[:2], sys.base_prefix)' 2>/dev/null
}
purpose() { # Python: programs and the editable install name these paths
  pwd -P
  (cd "$venv" && pwd -P)
  base_of "$1"
}
is_ready() {
  [ -e "$ready" ] || return
  [ "$(purpose "$venv/bin/python")" = "$(cat "$mark" 2>/dev/null)" ] || return
  [ -z "$asked" ] || [ "$(base_of "$asked")" = "$(base_of "$venv/bin/python")" ] || return
  [ -z "$(find setup.sh pyproject.toml constraints.txt plugins/*/pyproject.toml -newer "$ready")" ]
}
pip_install() {
  set -- -e '.[dev]'
  for plugin in plugins/*/pyproject.toml; do set -- "$@" -e "$(dirname "$plugin")"; done
  # Relative: pip divides it at spaces, and the checkout's path may have some.
  PIP_CONSTRAINT=constraints.txt PIP_REQUIRE_VIRTUALENV=1 PIP_QUIET=0 "$venv/bin/python" -m pip \
    install --disable-pip-version-check --progress-bar off "$@"
}
why_pip_failed() { # its log
  index=$(sed -n '/^Looking in indexes: /{s///p;q}' "$1")
  found=$(grep -m 1 -E 'connection broken by|ERROR:' "$1" || tail -n 1 "$1")
  found=$(echo "$found" | sed "s/.*connection broken by //; s/^ *//; s/<[^<>]* at 0x[0-9a-f]*>: //")
  echo "pip failed; does it reach ${index:-https://pypi.org/simple}" \
    "(PIP_INDEX_URL, HTTPS_PROXY)? $found ($1)"
}

asked=$2
is_ready && exit

demand "git is missing (Debian: apt install git)" command -v git
demand "flock is missing (Debian: apt install util-linux)" command -v flock
demand "$python is missing (Debian: apt install python3 python3-venv); another: make PYTHON=…" \
  command -v "$python"
demand "Python 3.11 or newer is needed, and $python is older; another: make PYTHON=python3.12" \
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'
demand "$python makes no virtual environments (Debian: apt install python3-venv)" \
  "$python" -c 'import ensurepip, venv'
demand "$venv is a link, and what it points to would be emptied; $another" test ! -L "$venv"
demand "$venv is a file; $another" test ! -e "$venv" -o -d "$venv"
demand "$venv can't be made, its directory is not writable; $another" writable "$venv"
demand "$venv was not made by make setup, and would be emptied: remove it yourself; $another" is_ours

# Not one inside what is emptied here, as `python3` is where that is activated.
python=$("$python" -c 'import sys; print(sys._base_executable)')
mkdir -p "$venv" && exec 9>>"$mark" || exit
if ! flock --nonblock 9; then
  echo "waiting for another set-up of $venv"
  flock 9
  is_ready && exit
fi
echo "setting up $venv (a minute, once)"
# Anew: what stands there may be of another Python or checkout, or of one that is gone.
rm -f "$ready"
find "$venv" -mindepth 1 -maxdepth 1 ! -name "${mark##*/}" -exec rm -rf {} +
"$python" -m venv "$venv" || exit
purpose "$python" >"$mark"
log=$venv/pip.log
pip_install >"$log" 2>&1 || refuse "$(why_pip_failed "$log")"
touch -r "$mark" "$ready"
