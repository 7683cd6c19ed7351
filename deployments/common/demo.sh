#!/usr/bin/env bash
# Starts the laboratory, waits until it has written its configuration, and points `bigbrotr run` at it.
# Both stop together on Ctrl-C. Usage: demo.sh DIR
set -euo pipefail

directory=${1:?usage: demo.sh DIR}
relays=${RELAYS:-60}
rm -rf "$directory"
mkdir -p "$directory"

target/release/fleet --relays "$relays" --config-dir "$directory" &
fleet=$!
trap 'kill "$fleet" 2>/dev/null || true; wait "$fleet" 2>/dev/null || true' EXIT

until [ -e "$directory/config/brotr.yaml" ]; do
  kill -0 "$fleet" 2>/dev/null || { echo "the laboratory stopped before it was ready" >&2; exit 1; }
  sleep 0.2
done

target/release/bigbrotr run \
  --config "$directory/config" --relay-config "$directory/relay-config" --data-dir "$directory/data"
