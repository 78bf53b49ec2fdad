#!/bin/sh
# omnikv out of a checkout, from any directory: makes it ready first, then becomes the program.
HERE=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
sh "$HERE/ensure-ready.sh" || exit
# The flags: src/server/launch/node-flags.ts says why.
exec node --enable-source-maps --max-semi-space-size=4 "$HERE/../dist/bin/omnikv.js" "$@"
