#!/usr/bin/env bash
# Fuzzes each target, or those that are named, for FUZZ_SECONDS (60). What is new in them is kept under
# target/fuzz/corpus for the next time, what fails in fuzz/artifacts with the command that shows it again.
# cargo-fuzz is built once into target/tools when the machine has none.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.13.2
tools=target/tools
seconds=${FUZZ_SECONDS:-60}
# Far above what any target needs: more is a defect.
memory_mb=1024
input_seconds=10

export PATH="$PATH:$PWD/$tools/bin"
if ! command -v cargo-fuzz >/dev/null; then
  echo "building cargo-fuzz $version into $tools, once" >&2
  cargo install --quiet --debug cargo-fuzz --version "$version" --locked --root "$tools"
fi
if ! command -v c++ >/dev/null; then
  echo "missing: a C++ compiler (c++) for the fuzzing engine. On Debian: apt-get install g++" >&2
  exit 1
fi
# The sanitizers and the coverage that the engine is guided by are behind flags which stable compilers have, but hide.
export RUSTC_BOOTSTRAP=1
targets=("$@")
if [ ${#targets[@]} = 0 ]; then
  mapfile -t targets < <(cargo fuzz list)
fi
failed=()
for target in "${targets[@]}"; do
  found=target/fuzz/corpus/$target
  mkdir -p "$found"
  cargo fuzz run --target-dir target/fuzz "$target" "$found" "fuzz/corpus/$target" -- \
    -max_total_time="$seconds" -timeout="$input_seconds" -rss_limit_mb="$memory_mb" \
    -print_final_stats=1 -print_funcs=0 -verbosity=0 || failed+=("$target")
done
if [ ${#failed[@]} != 0 ]; then
  echo "failed: ${failed[*]}" >&2
  exit 1
fi
echo "${#targets[@]} targets passed, ${seconds} s each"
