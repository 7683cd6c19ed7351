#!/usr/bin/env bash
# Makes a package for Debian of target/release/bigbrotr, by cargo-deb, which is built once into target/tools when the
# machine has none; then looks whether its parts are in it. Usage: package.sh [FILE]
set -euo pipefail

version=3.1.0
tools=target/tools
package=${1:-target/debian/bigbrotr.deb}
deb=$(command -v cargo-deb || true)
if [ -z "$deb" ]; then
  deb=$tools/bin/cargo-deb
  if [ ! -x "$deb" ]; then
    echo "building cargo-deb $version into $tools, once" >&2
    cargo install --quiet --debug cargo-deb --version "$version" --locked --root "$tools"
  fi
fi
mkdir -p "$(dirname "$package")"
PATH=$(dirname "$deb"):$PATH cargo deb --no-build --quiet --output "$package"

expect() {
  if [ "$2" != "$3" ]; then
    printf 'package.sh: %s of %s:\n%s\n' "$1" "$package" "$2" >&2
    exit 1
  fi
}
contents=$(dpkg-deb --contents "$package")
expect programs "$(grep --only-matching 'usr/s\?bin/.\+' <<<"$contents")" usr/bin/bigbrotr
expect units "$(sed -n 's#.*/systemd/system/\(.\+\)#\1#p' <<<"$contents")" $'bigbrotr.service\nbigbrotr@.service'
# What an operator changed there outlives an upgrade.
expect settings "$(dpkg-deb --info "$package" conffiles)" \
  $'/etc/bigbrotr/relay-config/relay.yaml\n/etc/bigbrotr/relay-config/policy.yaml'
echo "$package"
