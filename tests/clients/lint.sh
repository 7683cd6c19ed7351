#!/usr/bin/env bash
# Whether the tests of clients parse. What they import is not looked for, so npm's registry is not asked.
set -euo pipefail
cd "$(dirname "$0")"

if ! command -v node >/dev/null; then
  echo "the tests of clients are not read: they need Node.js"
  exit
fi
for file in *.js; do
  node --check "$file"
done
