#!/usr/bin/env bash
# The synchronizer against nostr-rs-relay, a relay that we did not write: builds it into target/relays, once, which takes some
# minutes, and runs the test that needs it. Besides the network it needs protoc, OpenSSL's headers and pkg-config; on Debian,
# root gets what is missing. BIGBROTR_NOSTR_RS_RELAY names a program that is there already.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.8.12
# The one of its lock file is refused by compilers since Rust 1.80.
time_version=0.3.36
work=$PWD/target/relays
test=services::synchronizer::others::nostr_rs_relays_are_archived_whole_and_then_only_what_is_new

install_packages() {
  local missing=()
  command -v protoc >/dev/null || missing+=(protobuf-compiler)
  command -v pkg-config >/dev/null || missing+=(pkg-config)
  pkg-config --exists openssl 2>/dev/null || missing+=(libssl-dev)
  [ ${#missing[@]} != 0 ] || return 0
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing what nostr-rs-relay is built with: apt-get install ${missing[*]}" >&2
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  else
    echo "missing: what nostr-rs-relay is built with. On Debian: apt-get install ${missing[*]}" >&2
    exit 1
  fi
}

# A copy of its source with another lock file.
fetch_source() {
  # Cargo unpacks what it is asked about.
  cargo info --quiet "nostr-rs-relay@$version" >/dev/null
  local unpacked=("${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/"nostr-rs-relay-$version")
  rm -rf "$work/source"
  cp -r "${unpacked[0]}" "$work/source"
  # It is no member of the workspace that it lies in.
  echo '[workspace]' >>"$work/source/Cargo.toml"
  cargo update --quiet --manifest-path "$work/source/Cargo.toml" --precise "$time_version" time@0.3
}

# Without optimisation, which would take longer than it saves in one short test; and without the warnings of others' code.
build() {
  echo "building nostr-rs-relay $version into target/relays, once" >&2
  install_packages
  fetch_source
  CARGO_PROFILE_DEV_DEBUG=0 RUSTFLAGS="--cap-lints=allow" cargo install --quiet --force --debug --locked --path "$work/source" \
    --root "$work" --target-dir "$work/build"
  rm -rf "$work/source" "$work/build"
}

mkdir -p "$work"
if [ -z "${BIGBROTR_NOSTR_RS_RELAY:-}" ]; then
  export BIGBROTR_NOSTR_RS_RELAY=$work/bin/nostr-rs-relay
  [ "$("$BIGBROTR_NOSTR_RS_RELAY" --version 2>/dev/null)" = "nostr-rs-relay $version" ] || build
fi
# To Cargo it is no failure that no test has that name.
cargo test -p bigbrotr --test it -- --ignored --exact "$test" --nocapture | tee "$work/test.txt"
grep -q '^test result: ok. 1 passed' "$work/test.txt"
