#!/usr/bin/env bash
# Dumps the database of the deployment in the current folder into dumps/, while it is in use; checks that the dump can be
# read, keeps the newest 7 (KEEP) and prints its name. docs/how-to/backup.md says how to restore it.
# PG_DUMP and PG_RESTORE name the programs when they are not the container's.
set -euo pipefail

directory=${1:-.}
cd "$directory"
name=$(sed -n 's/^DEPLOYMENT=//p' deployment.env)
keep=${KEEP:-7}
read -ra pg_dump <<<"${PG_DUMP:-docker compose exec -T postgres pg_dump --username=admin --dbname=$name}"
read -ra pg_restore <<<"${PG_RESTORE:-docker compose exec -T postgres pg_restore}"

umask 077
mkdir -p dumps
# Nanoseconds, so that two of one second do not replace each other.
dump=dumps/${name}_$(date -u +%Y%m%dT%H%M%S.%N).dump
trap 'rm -f "$dump.partial"' EXIT
# The custom format: compressed, and with owners and privileges, which a restored archive needs.
"${pg_dump[@]}" --format=custom >"$dump.partial"
"${pg_restore[@]}" --list <"$dump.partial" >/dev/null
mv "$dump.partial" "$dump"
find dumps -name "${name}_*.dump" | sort -r | tail -n +"$((keep + 1))" | xargs -r rm --
echo "$dump"
