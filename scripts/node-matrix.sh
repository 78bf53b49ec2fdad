#!/bin/sh
# The tests with each version of Node.js that is promised: scripts/node-matrix.sh [TEST …]; NODES="20 24" takes fewer versions.
# Without tests named, those that meet Node.js itself: files, sockets, TLS, processes, native code. The versions come from the npm
# registry (packages named "node" carry the binaries) and are kept outside of the checkout. Exit status 1: one failed.
set -u
cd "$(dirname "$0")/.."
cache="${XDG_CACHE_HOME:-$HOME/.cache}/omnikv/node"
[ $# -gt 0 ] || set -- test/machine test/storage test/links test/embed test/client/admin test/server/process \
  test/e2e/three-programs.test.ts test/e2e/one-shot.slow.test.ts test/e2e/tls.slow.test.ts test/e2e/watches.test.ts
sh scripts/ensure-ready.sh || exit 1
table=""
failed=0
for version in ${NODES:-20 22 24}; do
  folder="$cache/$version"
  if [ ! -x "$folder/node_modules/node/bin/node" ]; then
    mkdir -p "$folder" && npm install --silent --no-audit --no-fund --prefix "$folder" "node@$version" || {
      table="$table\nNode.js $version: could not be had" failed=1
      continue
    }
  fi
  node="$folder/node_modules/node/bin/node"
  exact=$("$node" --version)
  echo "== Node.js $exact"
  # Programs that tests start are started by this one's own path.
  if PATH="$folder/node_modules/node/bin:$PATH" "$node" node_modules/vitest/vitest.mjs run --mode all "$@"; then
    table="$table\nNode.js $exact: passed"
  else
    table="$table\nNode.js $exact: FAILED" failed=1
  fi
done
printf '%b\n' "$table"
exit "$failed"
