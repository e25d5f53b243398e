#!/bin/sh
# What a hook for git runs: a program of .venv. Where that is missing, how to get it; in a linked
# work tree it is, until `make setup` has been there.
[ -x "$1" ] || {
  echo "there is no $1 in $(pwd): make setup" >&2
  exit 1
}
exec "$@"
