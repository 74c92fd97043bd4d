#!/usr/bin/env bash
# A throwaway PostgreSQL server in a folder, for tests and measurements.
#
#   scripts/postgres.sh create DIR    makes and starts it, prints its URL
#   scripts/postgres.sh stop DIR      stops it at once
#   scripts/postgres.sh start DIR     starts it again
#   scripts/postgres.sh delete DIR    stops it and removes the folder
set -euo pipefail

what=${1:?create, start, stop or delete}
dir=${2:?a folder}

if ! command -v pg_ctl >/dev/null; then
  for bin in /usr/lib/postgresql/*/bin; do PATH="$bin:$PATH"; done
fi
if ! command -v pg_ctl >/dev/null; then
  echo "installing PostgreSQL: apt package postgresql" >&2
  apt-get install -y -q postgresql >&2
  for bin in /usr/lib/postgresql/*/bin; do PATH="$bin:$PATH"; done
fi

# The server refuses to run as root.
as_user() {
  if [ "$(id -u)" = 0 ]; then
    setpriv --reuid=postgres --regid=postgres --clear-groups env PATH="$PATH" "$@"
  else
    "$@"
  fi
}

start() {
  as_user pg_ctl --pgdata "$dir/data" --log "$dir/log" --wait --silent start
}

stop() {
  as_user pg_ctl --pgdata "$dir/data" --mode immediate --wait --silent stop || true
}

case "$what" in
  create)
    mkdir -p "$dir"
    [ "$(id -u)" = 0 ] && chown postgres: "$dir"
    as_user initdb --pgdata "$dir/data" --username mini --auth trust --encoding UTF8 --no-locale >/dev/null
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    printf "port = %s\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\n" "$port" |
      as_user tee -a "$dir/data/postgresql.conf" >/dev/null
    start
    echo "postgres://mini@127.0.0.1:$port/postgres"
    ;;
  start) start ;;
  stop) stop ;;
  delete)
    stop
    rm -rf "$dir"
    ;;
  *)
    echo "unknown command $what" >&2
    exit 2
    ;;
esac
