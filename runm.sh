#!/bin/sh
# The management prompt. More flags may follow: sh runm.sh --help
exec sh "$(dirname -- "$0")/scripts/omnikv.sh" manage "$@"
