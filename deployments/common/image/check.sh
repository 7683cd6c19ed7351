#!/usr/bin/env bash
# Runs an image as the stacks do: read-only, without capabilities, as nobody in particular, and here without a network.
# It has to start, become healthy, keep its archive in the volume, and end well when asked to.
# Usage: check.sh IMAGE [DEPLOYMENT]; CONTAINERS=podman where that is what the machine has.
set -euo pipefail

image=${1:?usage: check.sh IMAGE [DEPLOYMENT]}
deployment=${2:-bigbrotr}
containers=${CONTAINERS:-docker}
# Health checks of a container that has just begun, a second apart.
patience=60

fail() { echo "check.sh: $*" >&2; exit 1; }
expect() { [ "$2" = "$3" ] || fail "$1 is '$2', and not '$3'"; }

closed=(--network none --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges)
once() { "$containers" run --rm "${closed[@]}" "$@"; }

expect user "$(once --entrypoint /usr/bin/id "$image" -u)" 1000
expect name "$(once --entrypoint /usr/bin/id "$image" -un)" "$deployment"
once "$image" --version
once "$image" check-config >/dev/null || fail "the settings in the image are not accepted"
"$containers" inspect --type image "$image" | grep --quiet Healthcheck ||
  fail "no health check: Podman and Buildah keep it with --format docker"

# Without the settings of the stack it is a whole archive on its own.
container=$("$containers" run --detach "${closed[@]}" "$image" run --config /tmp/none --relay-config /tmp/none)
trap '"$containers" rm --force --volumes "$container" >/dev/null' EXIT
inside() { "$containers" exec "$container" "$@"; }

tries=0
until inside healthcheck >/dev/null 2>&1; do
  tries=$((tries + 1))
  if [ "$tries" = "$patience" ]; then
    "$containers" logs "$container" >&2
    fail "not healthy after $patience tries"
  fi
  sleep 1
done
expect "the first process" "$(inside cat /proc/1/comm)" tini
expect "the archive's folder" "$(inside stat --format '%u:%g %a' /app/data)" "1000:1000 700"
inside test -f /app/data/monitor.key || fail "no archive in the volume"
inside bigbrotr status --config /tmp/none >/dev/null || fail "no status"
"$containers" stop -t 60 "$container" >/dev/null
expect "the exit code" "$("$containers" inspect --format '{{.State.ExitCode}}' "$container")" 0
echo "$image is well" >&2
