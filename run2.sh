#!/bin/sh
# Node 2 of the local cluster, in this terminal. More flags may follow: sh run2.sh --help
ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
exec sh "$ROOT/scripts/omnikv.sh" server --node 2 --data-dir "$ROOT/data/node2" --allow-faults "$@"
