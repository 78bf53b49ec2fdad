#!/bin/sh
# Node 3 of the local cluster, in this terminal. More flags may follow: sh run3.sh --help
ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
exec sh "$ROOT/scripts/omnikv.sh" server --node 3 --data-dir "$ROOT/data/node3" --allow-faults "$@"
