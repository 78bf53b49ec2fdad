#!/bin/sh
# Node 1 of the local cluster, in this terminal. More flags may follow: sh run1.sh --help
ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
exec sh "$ROOT/scripts/omnikv.sh" server --node 1 --data-dir "$ROOT/data/node1" --allow-faults "$@"
