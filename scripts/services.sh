#!/usr/bin/env bash
# Brings up what the tests talk to: PostgreSQL, Redis, RabbitMQ (all on 127.0.0.1 only) and Chromium.
#
# Promise: run it as often as you like. What already answers is left alone, whoever started it; what is installed
# but stopped is started; what is missing is installed from the Debian archive. Every wait has an end, and a
# failure is one sentence. No service manager is needed: each server is started by its own command.
#
#   PostgreSQL  postgres://ecsportal:ecsportal@127.0.0.1:5432/ecsportal   (the role may create databases)
#   Redis       redis://127.0.0.1:6379/0
#   RabbitMQ    amqp://guest:guest@127.0.0.1:5672//
set -euo pipefail
exec </dev/null

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
logs="$root/var/log/services"
mkdir -p "$logs"

export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
# Package scripts would start servers with Debian's own settings, RabbitMQ then listening to the whole network.
# In run level 1 they leave that to us.
export RUNLEVEL=1

say() { printf '%-12s %-24s %s\n' "$1" "$2" "$3"; }

fail() {
  printf 'make services: %s\n' "$1" >&2
  exit 1
}

# as_root COMMAND...: directly when we are root, through sudo when it asks for no password.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    sudo -n --preserve-env=DEBIAN_FRONTEND,LC_ALL,RUNLEVEL "$@"
  else
    fail "needs root to run '$1'; run it as root, or start PostgreSQL, Redis and RabbitMQ on 127.0.0.1 yourself."
  fi
}

as_user() {
  local user="$1"
  shift
  as_root runuser -u "$user" -- "$@"
}

updated=no
# install PACKAGE...: only the packages named, only when the caller found them missing.
install() {
  command -v apt-get >/dev/null || fail "$* is missing and there is no apt-get here; install it by other means."
  if [ "$updated" = no ]; then
    as_root timeout 300 apt-get update -q >>"$logs/apt.log" 2>&1 ||
      fail "apt-get update failed; the end of $logs/apt.log says why."
    updated=yes
  fi
  printf 'installing %s ...\n' "$*"
  as_root timeout 900 apt-get install -q -y --no-install-recommends "$@" >>"$logs/apt.log" 2>&1 ||
    fail "apt-get install $* failed; the end of $logs/apt.log says why."
}

# wait_for NAME SECONDS CHECK: until CHECK succeeds, looking five times a second.
wait_for() {
  local name="$1" seconds="$2" check="$3" i
  for ((i = 0; i < seconds * 5; i++)); do
    if "$check"; then return 0; fi
    sleep 0.2
  done
  fail "$name did not answer within $seconds s; look at $logs."
}

port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# start_detached LOG USER COMMAND...: a server of its own session, so that it outlives this script and its terminal.
# The log is opened here, by us: the server's user need not be able to enter this directory.
start_detached() {
  local log="$logs/$1" user="$2"
  shift 2
  (
    cd /
    as_user "$user" setsid --fork "$@" >>"$log" 2>&1
  )
}

# ---------------------------------------------------------------- PostgreSQL
portal_sql() {
  PGPASSWORD=ecsportal PGCONNECT_TIMEOUT=5 psql -XAtq -h 127.0.0.1 -p 5432 -U ecsportal -d ecsportal -c "$1" 2>/dev/null
}

postgres_ready() { [ "$(portal_sql "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user")" = t ]; }

postgres_open() { port_open 5432; }

start_postgres() {
  local version cluster
  ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 && command -v pg_ctlcluster >/dev/null || install postgresql
  if [ -z "$(pg_lsclusters -h)" ]; then
    version="$(basename "$(dirname "$(dirname "$(ls -d /usr/lib/postgresql/*/bin/postgres | sort -V | tail -1)")")")"
    as_root pg_createcluster "$version" main --port 5432 >>"$logs/postgresql.log" 2>&1
  fi
  read -r version cluster < <(pg_lsclusters -h | awk '$3 == 5432 {print $1, $2; exit}') ||
    fail "no PostgreSQL cluster is set to port 5432 (pg_lsclusters shows what there is)."
  (cd / && as_root pg_ctlcluster "$version" "$cluster" start -- -o "-c listen_addresses=127.0.0.1") \
    >>"$logs/postgresql.log" 2>&1 || true
  wait_for PostgreSQL 60 postgres_open
}

create_portal_role() {
  id -u postgres >/dev/null 2>&1 ||
    fail "something answers on 127.0.0.1:5432, but role ecsportal (password ecsportal, CREATEDB) with database ecsportal is missing there."
  (cd / && as_user postgres psql -Xq -v ON_ERROR_STOP=1 -p 5432 -d postgres) >>"$logs/postgresql.log" 2>&1 <<'SQL' ||
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'ecsportal') THEN
    ALTER ROLE ecsportal LOGIN CREATEDB PASSWORD 'ecsportal';
  ELSE
    CREATE ROLE ecsportal LOGIN CREATEDB PASSWORD 'ecsportal';
  END IF;
END
$$;
SELECT 'CREATE DATABASE ecsportal OWNER ecsportal'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'ecsportal') \gexec
SQL
    fail "the role ecsportal could not be created in PostgreSQL; the end of $logs/postgresql.log says why."
}

postgres() {
  command -v psql >/dev/null || install postgresql-client
  if ! postgres_ready; then
    # A server that is just starting opens its port before it takes queries.
    postgres_open || start_postgres
    postgres_ready || create_portal_role
    wait_for PostgreSQL 30 postgres_ready
  fi
  say PostgreSQL "$(portal_sql 'SHOW server_version' | cut -d' ' -f1)" "postgres://ecsportal:ecsportal@127.0.0.1:5432/ecsportal"
}

# ---------------------------------------------------------------- Redis
# Asked over the bare protocol, so that a Redis nobody installed here (a container, say) is recognised too.
redis_version() {
  timeout 3 bash -c 'exec 3<>/dev/tcp/127.0.0.1/6379
    printf "INFO server\r\nQUIT\r\n" >&3
    tr -d "\r" <&3 | sed -n "s/^redis_version://p"' 2>/dev/null || true
}

redis_ready() { [ -n "$(redis_version)" ]; }

redis() {
  if ! redis_ready; then
    port_open 6379 && fail "something that is not an open Redis holds 127.0.0.1:6379."
    command -v redis-server >/dev/null || install redis-server
    # Nothing is kept on disk: tests bring their own data.
    start_detached redis.log redis redis-server --bind 127.0.0.1 --port 6379 --daemonize no \
      --dir /var/lib/redis --save '' --appendonly no
    wait_for Redis 20 redis_ready
  fi
  say Redis "$(redis_version)" "redis://127.0.0.1:6379/0"
}

# ---------------------------------------------------------------- RabbitMQ
# The server introduces itself in the first frame (Connection.Start), version included.
rabbitmq_version() {
  timeout 5 bash -c 'exec 3<>/dev/tcp/127.0.0.1/5672
    printf "AMQP\0\0\x09\x01" >&3
    head -c 480 <&3 | tr -c "[:print:]" "\n" | sed -n "/^version/,\$p" | grep -m1 -oE "[0-9]+\.[0-9]+\.[0-9]+"' 2>/dev/null || true
}

rabbitmq_ready() { [ -n "$(rabbitmq_version)" ]; }

rabbitmq() {
  if ! rabbitmq_ready; then
    port_open 5672 && fail "something that is not RabbitMQ holds 127.0.0.1:5672 (or it is still starting; try again)."
    [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || install rabbitmq-server
    # AMQP, distribution and epmd each listen to the whole network unless told otherwise. A node named after
    # localhost keeps working when the machine's host name changes, as it does in every new container.
    start_detached rabbitmq.log rabbitmq env HOME=/var/lib/rabbitmq \
      RABBITMQ_NODENAME=rabbit@localhost RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_NODE_PORT=5672 \
      RABBITMQ_LOGS=- ERL_EPMD_ADDRESS=127.0.0.1 \
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1}" \
      /usr/lib/rabbitmq/bin/rabbitmq-server
    wait_for RabbitMQ 120 rabbitmq_ready
  fi
  say RabbitMQ "$(rabbitmq_version)" "amqp://guest:guest@127.0.0.1:5672//"
}

# ---------------------------------------------------------------- Chromium
chromium_path() { command -v chromium || command -v chromium-browser || command -v google-chrome || true; }

browser() {
  [ -n "$(chromium_path)" ] || install chromium fonts-dejavu-core
  say Chromium "$("$(chromium_path)" --version 2>/dev/null | grep -oE '[0-9]+(\.[0-9]+)+' | head -1)" "$(chromium_path)"
}

postgres
redis
rabbitmq
browser
