#!/usr/bin/env bash
# Licences, bans and sources of all dependencies, by cargo-deny; it is built once into target/tools when
# the machine has none. The advisory database lives on GitHub, so advisories are checked only on request
# (DENY_ADVISORIES=1), as the hosted workflow does.
set -euo pipefail

version=0.20.2
tools=target/tools
deny=$(command -v cargo-deny || true)
if [ -z "$deny" ]; then
  deny=$tools/bin/cargo-deny
  if [ ! -x "$deny" ]; then
    echo "building cargo-deny $version into $tools, once" >&2
    cargo install --quiet --debug cargo-deny --version "$version" --locked --no-default-features --root "$tools"
  fi
fi
checks=(licenses bans sources)
if [ "${DENY_ADVISORIES:-0}" = 1 ]; then checks+=(advisories); fi
"$deny" --log-level error check "${checks[@]}"
