#!/usr/bin/env bash
# A throw-away PostgreSQL with PgBouncer in front of it, in transaction mode, for the tests.
#
#   tests/servers.sh start DIR    install what is missing, start both on free ports of 127.0.0.1
#   tests/servers.sh stop DIR     stop both and remove DIR
#   tests/servers.sh replicate DIR                    start a streaming replica of the PostgreSQL, too
#   tests/servers.sh crash postgres|pgbouncer DIR     end one at once, as a crash would
#   tests/servers.sh revive postgres|pgbouncer DIR    start it again where it was
#
# DIR/url, DIR/pooler_url and DIR/replica_url say where they listen, DIR/run where they keep their files. On Debian, root gets what is
# missing from the distribution's packages; elsewhere the message says what to install. POSTGRES_BIN
# names the folder of another PostgreSQL's programs, 15 or later.
set -euo pipefail

usage="usage: tests/servers.sh start|stop|replicate|{crash|revive postgres|pgbouncer} DIR"
action=${1:?$usage}
case $action in
  crash | revive) action+="-${2:?$usage}"; directory=${3:?$usage} ;;
  *) directory=${2:?$usage} ;;
esac
password=test-only
as_postgres=()

fail() { echo "tests/servers.sh: $*" >&2; exit 1; }

find_programs() {
  postgres_bin=${POSTGRES_BIN:-}
  if [ -z "$postgres_bin" ]; then
    for candidate in /usr/lib/postgresql/*/bin "$(pg_config --bindir 2>/dev/null || true)"; do
      if [ -x "$candidate/initdb" ]; then postgres_bin=$candidate; fi
    done
  fi
  pgbouncer=$(command -v pgbouncer || { [ -x /usr/sbin/pgbouncer ] && echo /usr/sbin/pgbouncer; } || true)
}

# Of other servers that some tests start themselves.
install_others() {
  local missing=()
  for program in promtool prometheus-postgres-exporter tor; do
    command -v "$program" >/dev/null || [ -x "/usr/sbin/$program" ] || missing+=("$program")
  done
  [ ${#missing[@]} != 0 ] || return 0
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing Prometheus and Tor: apt-get install prometheus prometheus-postgres-exporter tor" >&2
    apt-get update -qq
    RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      prometheus prometheus-postgres-exporter tor >/dev/null
  else
    echo "some tests need ${missing[*]}. On Debian: apt-get install prometheus prometheus-postgres-exporter tor" >&2
  fi
}

install_programs() {
  find_programs
  if [ -n "$postgres_bin" ] && [ -n "$pgbouncer" ]; then return; fi
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing PostgreSQL and PgBouncer: apt-get install postgresql pgbouncer" >&2
    apt-get update -qq
    # Only the programs are wanted; a policy keeps the packages from starting services of their own.
    RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      postgresql pgbouncer >/dev/null
    find_programs
  fi
  [ -n "$postgres_bin" ] || fail "no PostgreSQL found. On Debian: apt-get install postgresql"
  [ -n "$pgbouncer" ] || fail "no PgBouncer found. On Debian: apt-get install pgbouncer"
}

# PostgreSQL and PgBouncer refuse to run as root.
choose_user() {
  if [ "$(id -u)" != 0 ]; then return; fi
  id postgres >/dev/null 2>&1 || fail "root needs the user 'postgres' to run the servers as"
  as_postgres=(setpriv --reuid=postgres --regid=postgres --init-groups)
  chown -R postgres "$run"
}

free_port() {
  # Bash knows no way to ask for a free port; try until nobody answers.
  local port
  for _ in $(seq 100); do
    port=$((20000 + RANDOM % 20000))
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then echo "$port"; return; fi
  done
  fail "no free port"
}

make_postgres() {
  port=$(free_port)
  echo "$password" > "$run/password"
  "${as_postgres[@]}" "$postgres_bin/initdb" --pgdata "$run/data" --username admin \
    --auth scram-sha-256 --pwfile "$run/password" --encoding UTF8 --locale C >"$run/initdb.log"
  # A crash of the machine may cost a test run; a crash of the server may not cost a test its data, and
  # fsync is only about the former.
  cat >>"$run/data/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = ''
max_connections = 300
fsync = off
shared_buffers = 256MB
max_wal_size = 2GB
shared_preload_libraries = ''
CONF
  echo "postgres://admin:$password@127.0.0.1:$port/postgres" >"$directory/url"
}

start_postgres() {
  "${as_postgres[@]}" "$postgres_bin/pg_ctl" --pgdata "$run/data" --log "$run/postgres.log" \
    --wait --silent start || { cat "$run/postgres.log" >&2; fail "PostgreSQL did not start"; }
}

# Ends the server that keeps its data there.
crash() {
  "${as_postgres[@]}" "$postgres_bin/pg_ctl" --pgdata "$1" --mode immediate --silent stop
}

make_replica() {
  port=$(free_port)
  "${as_postgres[@]}" "$postgres_bin/pg_basebackup" --pgdata "$run/replica" --dbname "$(cat "$directory/url")" \
    --checkpoint fast --write-recovery-conf --no-sync
  # The settings are a copy of the primary's; of two lines the last is valid.
  echo "port = $port" >>"$run/replica/postgresql.conf"
  "${as_postgres[@]}" "$postgres_bin/pg_ctl" --pgdata "$run/replica" --log "$run/replica.log" \
    --wait --silent start || { cat "$run/replica.log" >&2; fail "the replica did not start"; }
  echo "postgres://admin:$password@127.0.0.1:$port/postgres" >"$directory/replica_url"
}

make_pgbouncer() {
  pooler_port=$(free_port)
  for user in admin writer refresher reader; do
    printf '"%s" "%s"\n' "$user" "$password"
  done >"$run/userlist.txt"
  cat >"$run/pgbouncer.ini" <<CONF
[databases]
* = host=127.0.0.1 port=$port
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $pooler_port
unix_socket_dir =
auth_type = scram-sha-256
auth_file = $run/userlist.txt
pool_mode = transaction
default_pool_size = 4
max_client_conn = 1000
server_idle_timeout = 2
# A server that was away is asked again soon.
server_login_retry = 1
ignore_startup_parameters = extra_float_digits
logfile = $run/pgbouncer.log
pidfile = $run/pgbouncer.pid
CONF
  [ ${#as_postgres[@]} = 0 ] || chown postgres "$run"/{userlist.txt,pgbouncer.ini}
  echo "postgres://admin:$password@127.0.0.1:$pooler_port/postgres" >"$directory/pooler_url"
}

start_pgbouncer() {
  "${as_postgres[@]}" "$pgbouncer" --quiet --daemon "$run/pgbouncer.ini" 2>"$run/pgbouncer.err" \
    || { cat "$run/pgbouncer.err" >&2; fail "PgBouncer did not start"; }
}

crash_pgbouncer() {
  kill -9 "$(cat "$run/pgbouncer.pid")"
  rm "$run/pgbouncer.pid"
}

find_running() {
  [ -f "$directory/run" ] || fail "nothing runs in $directory"
  run=$(cat "$directory/run")
  find_programs
  choose_user
}

stop_servers() {
  if [ ! -f "$directory/run" ]; then return; fi
  run=$(cat "$directory/run")
  if [ -f "$run/pgbouncer.pid" ]; then kill "$(cat "$run/pgbouncer.pid")" 2>/dev/null || true; fi
  find_running
  for data in "$run/data" "$run/replica"; do
    if [ -f "$data/postmaster.pid" ]; then crash "$data" || true; fi
  done
  rm -rf "$run" "$directory"
}

directory=$(realpath -m "$directory")
case $action in
  start)
    install_programs
    install_others
    stop_servers
    mkdir -p "$directory"
    # Not below DIR: the servers' user may not be able to reach it.
    run=$(mktemp -d "${TMPDIR:-/tmp}/bigbrotr-test.XXXXXX")
    chmod 755 "$run"
    echo "$run" >"$directory/run"
    choose_user
    make_postgres
    start_postgres
    make_pgbouncer
    start_pgbouncer
    ;;
  stop) stop_servers ;;
  replicate) find_running; make_replica ;;
  crash-postgres) find_running; crash "$run/data" ;;
  revive-postgres) find_running; start_postgres ;;
  crash-pgbouncer) find_running; crash_pgbouncer ;;
  revive-pgbouncer) find_running; start_pgbouncer ;;
  *) fail "$usage" ;;
esac
