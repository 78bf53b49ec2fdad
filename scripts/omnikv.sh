#!/bin/sh
# omnikv out of a checkout, from any directory: makes it ready first, then becomes the program.
HERE=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
sh "$HERE/ensure-ready.sh" || exit
exec node --enable-source-maps "$HERE/../dist/bin/omnikv.js" "$@"
