#!/bin/sh
# relpack.sh COMMAND …: runs the relpack that was built for this machine.
set -eu
here=$(CDPATH='' cd "$(dirname "$0")" && pwd -P)
machine=$(uname -m)
relpack="$here/$machine/relpack"
if [ -x "$relpack" ]; then
  exec "$relpack" "$@"
fi
has=
for program in "$here"/*/relpack; do
  if [ -x "$program" ]; then
    program=${program%/relpack}
    has="$has ${program##*/}"
  fi
done
echo " !     this buildpack has no relpack for $machine; it has:${has:- none}" >&2
exit 1
