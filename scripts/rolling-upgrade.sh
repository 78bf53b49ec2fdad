#!/bin/sh
# From another version to this one, node by node, under load for longer than the tests take: scripts/rolling-upgrade.sh [COMMIT] [SECONDS]
# SECONDS of load before each node, 20 if not said; COMMIT as the test has it, if not said.
set -eu
cd "$(dirname "$0")/.."
[ -z "${1:-}" ] || export OMNIKV_UPGRADE_FROM="$1"
export OMNIKV_UPGRADE_STEP_S="${2:-20}"
exec npx --no-install vitest run --mode all test/e2e/rolling-upgrade
