#!/usr/bin/env bash
# Formatting and clippy for the fuzz targets, which no other build of the repository compiles. A stable compiler will do.
set -euo pipefail
cd "$(dirname "$0")"

cargo fmt --check
if ! command -v c++ >/dev/null; then
  echo "the fuzz targets are not compiled: the fuzzing engine needs a C++ compiler"
  exit
fi
cargo clippy --locked --all-targets --target-dir ../target/fuzz -- -D warnings
