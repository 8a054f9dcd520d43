#!/bin/sh
# Runs one browser check: run.sh SCRIPT.mjs ARGUMENTS…
# Exit code 77 (skipped, with the reason) where node, npm packages or chromium are absent.
set -u
here=$(cd "$(dirname "$0")" && pwd)

skip() {
  echo "skipped: $1; the pages were not looked at in a browser"
  exit 77
}

command -v node >/dev/null 2>&1 || skip "node is not installed (apt-get install nodejs npm)"
# The packages need Node 18, which is what Debian 12 has; an older one would fail with a riddle.
[ "$(node -p 'process.versions.node.split(".")[0] >= 18')" = true ] ||
  skip "node $(node --version) is older than 18"
chromium=${CUPEL_CHROMIUM:-$(command -v chromium || true)}
[ -n "$chromium" ] && [ -x "$chromium" ] || skip "chromium is not installed (apt-get install chromium)"
export CUPEL_CHROMIUM="$chromium"

# npm writes the inner lock file last: it is missing or old until an installation is complete.
installed="$here/node_modules/.package-lock.json"
if [ ! -f "$installed" ] || [ "$here/package-lock.json" -nt "$installed" ]; then
  command -v npm >/dev/null 2>&1 || skip "npm is not installed (apt-get install npm)"
  (cd "$here" && npm ci --ignore-scripts --no-progress >/dev/null 2>&1 && touch "$installed") ||
    skip "npm could not fetch playwright-core and axe-core"
fi
script=$1
shift
exec node "$here/$script" "$@"
