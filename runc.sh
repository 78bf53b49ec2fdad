#!/bin/sh
# The client prompt. More flags may follow: sh runc.sh --help
exec sh "$(dirname -- "$0")/scripts/omnikv.sh" client "$@"
