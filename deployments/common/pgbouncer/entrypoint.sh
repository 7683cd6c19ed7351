#!/bin/sh
# PgBouncer in transaction mode in front of one database. It writes its own settings, so that passwords come from
# the environment: DATABASE, DB_ADMIN_PASSWORD, DB_WRITER_PASSWORD, DB_REFRESHER_PASSWORD, DB_READER_PASSWORD.
# Elsewhere than in its container: POSTGRES_HOST, POSTGRES_PORT, LISTEN_HOST, LISTEN_PORT and RUN_DIR.
#
# Clients show a password, and PgBouncer shows the same one to the server. SCRAM needs it in plain for that, so
# the list is readable for nobody else and lives in memory. Migrations, refreshes and LISTEN do not come here:
# they need a session, and have store.listen_url.
set -eu
umask 077

run=${RUN_DIR:-/tmp/pgbouncer}
mkdir -p "$run"
# A quotation mark within a password is written twice.
entry() { printf '"%s" "%s"\n' "$1" "$(printf %s "$2" | sed 's/"/""/g')"; }
{
  entry admin "${DB_ADMIN_PASSWORD:?}"
  entry writer "${DB_WRITER_PASSWORD:?}"
  entry refresher "${DB_REFRESHER_PASSWORD:?}"
  entry reader "${DB_READER_PASSWORD:?}"
} >"$run/userlist.txt"

cat >"$run/pgbouncer.ini" <<CONF
[databases]
${DATABASE:?} = host=${POSTGRES_HOST:-postgres} port=${POSTGRES_PORT:-5432}

[pgbouncer]
listen_addr = ${LISTEN_HOST:-0.0.0.0}
listen_port = ${LISTEN_PORT:-6432}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = $run/userlist.txt
admin_users = admin
pool_mode = transaction
max_client_conn = 500
default_pool_size = 20
reserve_pool_size = 5
reserve_pool_timeout = 5
server_idle_timeout = 600
server_connect_timeout = 15
query_wait_timeout = 120
ignore_startup_parameters = extra_float_digits, statement_timeout
log_connections = 0
log_disconnections = 0
CONF

# From 1.21 on statements that were prepared in one transaction are found again in the next.
version=$(pgbouncer --version | sed -n 's/^PgBouncer \([0-9]*\)\.\([0-9]*\).*/\1 \2/p')
# Two words.
# shellcheck disable=SC2086
set -- $version
if [ "$1" -gt 1 ] || [ "$2" -ge 21 ]; then
  echo "max_prepared_statements = 200" >>"$run/pgbouncer.ini"
fi
exec pgbouncer "$run/pgbouncer.ini"
