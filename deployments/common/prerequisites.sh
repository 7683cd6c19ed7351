#!/usr/bin/env bash
# Makes sure that a C compiler is there (for SQLite, LMDB and libsecp256k1), installing it from Debian's
# packages when this user may, and otherwise saying what is missing.
set -euo pipefail

if ! command -v cargo >/dev/null; then
  echo "missing: the Rust toolchain (cargo). Install it from https://rustup.rs" >&2
  exit 1
fi
if command -v cc >/dev/null; then
  exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing a C compiler: apt-get install gcc libc6-dev" >&2
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq gcc libc6-dev
else
  echo "missing: a C compiler (cc). On Debian: apt-get install gcc libc6-dev" >&2
  exit 1
fi
