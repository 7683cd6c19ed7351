#!/usr/bin/env bash
# Writes .env in the current folder, or in DIR: .env.example with a fresh secret behind each name that has none.
# What has a value stays as it is, so that running it again is safe. Usage: secrets.sh [DIR]
set -euo pipefail

directory=${1:-.}
example=$directory/.env.example
[ -f "$example" ] || { echo "secrets.sh: no .env.example in $directory" >&2; exit 1; }
# Nobody else may read what is written.
umask 077
[ -f "$directory/.env" ] || cp "$example" "$directory/.env"
chmod 600 "$directory/.env"

# 32 bytes in hex are a password that needs no quotes anywhere, and a secret key of Nostr.
fresh() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }

while IFS= read -r line || [ -n "$line" ]; do
  case $line in
    [A-Z]*=) printf '%s%s\n' "$line" "$(fresh)" ;;
    *) printf '%s\n' "$line" ;;
  esac
done <"$directory/.env" >"$directory/.env.new"
mv "$directory/.env.new" "$directory/.env"
echo "$directory/.env is complete" >&2
