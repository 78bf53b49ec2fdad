#!/bin/sh
# Makes a checkout ready to run: installs what is missing, builds what is stale. Says what it does on stderr, nothing
# when there is nothing to do. Safe to run from several terminals at once: one works, the others wait for it.
set -eu
ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
STATE=$ROOT/.omnikv
LOCK=$STATE/build.lock
INSTALLED=$ROOT/node_modules/.omnikv-installed
BUILT=$ROOT/dist/.built

say() { printf 'omnikv: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}

check_node() {
  command -v node >/dev/null 2>&1 ||
    die 'Node.js is not installed (no "node" in PATH): install Node 20.19 or newer, https://nodejs.org'
  version=$(node --version)
  numbers=${version#v}
  major=${numbers%%.*}
  rest=${numbers#*.}
  minor=${rest%%.*}
  if [ "$major" -lt 20 ] || { [ "$major" -eq 20 ] && [ "$minor" -lt 19 ]; }; then
    die "Node 20.19 or newer is needed, this is $version ($(command -v node))"
  fi
}

# Newer than file $1: any of the other arguments, or anything in them.
newer() {
  reference=$1
  shift
  [ ! -e "$reference" ] || [ -n "$(find "$@" -newer "$reference" 2>/dev/null | head -n 1)" ]
}

must_install() { newer "$INSTALLED" "$ROOT/package-lock.json"; }
must_build() {
  newer "$BUILT" "$ROOT/src" "$ROOT/package-lock.json" "$ROOT/tsconfig.json" "$ROOT/tsconfig.build.json" \
    "$ROOT/scripts/build-library.mjs" "$ROOT/scripts/build-page.mjs"
}

# After an "npm install" by hand everything may be there already: compare with what npm says it installed.
already_installed() {
  node -e '
    const { readFileSync } = require("node:fs");
    const packages = (file) => JSON.parse(readFileSync(file, "utf8")).packages;
    const have = packages("node_modules/.package-lock.json");
    for (const [path, { version, optional, link }] of Object.entries(packages("package-lock.json"))) {
      if (path !== "" && !link && !optional && have[path]?.version !== version) process.exit(1);
    }
  ' 2>/dev/null
}

# A lock whose owner is gone is moved away first: that can succeed for one waiter only.
break_dead_lock() {
  owner=$(cat "$LOCK/pid" 2>/dev/null || true)
  if [ -n "$owner" ]; then
    kill -0 "$owner" 2>/dev/null && return 0
  elif [ "$waited" -lt 10 ]; then
    return 0 # Its owner may be about to write its id.
  fi
  mv "$LOCK" "$LOCK.dead.$$" 2>/dev/null && rm -rf "$LOCK.dead.$$"
  return 0
}

lock() {
  mkdir -p "$STATE"
  waited=0
  until mkdir "$LOCK" 2>/dev/null; do
    [ "$waited" -ne 3 ] || say 'waiting for another terminal that installs or builds'
    break_dead_lock
    sleep 1
    waited=$((waited + 1))
  done
  trap 'rm -rf "$LOCK"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  echo $$ >"$LOCK/pid"
}

install() {
  if ! already_installed; then
    command -v npm >/dev/null 2>&1 || die 'npm is not installed (no "npm" in PATH): it comes with Node.js'
    say 'installing dependencies (npm ci) ...'
    npm ci --no-audit --no-fund --loglevel=error >&2 || die 'npm ci failed, see above'
  fi
  touch "$INSTALLED"
}

build() {
  say 'building ...'
  mkdir -p "$ROOT/dist"
  # Stamped with the time before the build: what is edited during it counts as newer.
  touch "$BUILT.begin"
  node "$ROOT/node_modules/typescript/bin/tsc" -p "$ROOT/tsconfig.build.json" >&2 ||
    die 'the build failed, see above'
  node "$ROOT/scripts/build-library.mjs" >&2 || die 'the library could not be bundled, see above'
  node "$ROOT/scripts/build-page.mjs" >&2 || die 'the page could not be bundled, see above'
  mv "$BUILT.begin" "$BUILT"
}

check_node
if must_install || must_build; then
  cd "$ROOT"
  lock
  # Somebody else may have done it meanwhile.
  if must_install; then install; fi
  if must_build; then build; fi
fi
