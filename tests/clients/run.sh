#!/usr/bin/env bash
# Clients that we did not write, against the program that was built last: `run.sh` for all files, `run.sh ndk` for one.
# Packages are installed as package-lock.json has them, once, into target/clients, where the tests run too: nothing is
# written to this folder.
set -euo pipefail
cd "$(dirname "$0")/../.."

schemata=@nostrability/schemata@0.3.2
schemata_integrity=sha512-KlMsA53phra3UY91eQskh+J7DXjaWrNW2Bm57dYOozwIEcT6o+RmHRAzwaMkxffk2RBQWVSJoynhL323gmRogw==
work=target/clients

for tool in node npm; do
  command -v "$tool" >/dev/null || { echo "missing: $tool. Install Node.js 20.14 or later from https://nodejs.org" >&2; exit 1; }
done
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 14) ? 0 : 1)' ||
  { echo "missing: Node.js 20.14 or later; this is $(node --version)" >&2; exit 1; }

mkdir -p "$work"
if ! cmp -s tests/clients/package-lock.json "$work/package-lock.json" || [ ! -d "$work/node_modules" ]; then
  cp tests/clients/package.json tests/clients/package-lock.json "$work/"
  # Without scripts: nothing of these packages runs before a test asks for it.
  (cd "$work" && npm ci --ignore-scripts --no-audit --no-fund) || { rm -f "$work/package-lock.json"; exit 1; }
fi
if [ ! -d "$work/schemata" ]; then
  # Only its JSON is wanted, and not the tools for building it that it depends on.
  packed=$(cd "$work" && npm pack --json "$schemata" |
    node -e 'const [it] = JSON.parse(require("fs").readFileSync(0)); console.log(it.integrity, it.filename)')
  [ "${packed% *}" = "$schemata_integrity" ] || { echo "$schemata is not what it was: ${packed% *}" >&2; exit 1; }
  mkdir -p "$work/schemata.new"
  tar -xzf "$work/${packed#* }" -C "$work/schemata.new" --strip-components=1
  mv "$work/schemata.new" "$work/schemata"
fi

rm -f "$work"/*.js
cp tests/clients/*.js "$work/"
export BIGBROTR="$PWD/target/debug/bigbrotr" SCHEMATA="$PWD/$work/schemata"
cd "$work"
tests=("${@/%/.test.js}")
[ ${#tests[@]} != 0 ] || tests=(*.test.js)
# Node 20 has WebSocket behind a flag. NDK leaves timers behind, for which no test has to wait.
exec node --experimental-websocket --test --test-force-exit --test-reporter=spec "${tests[@]}"
