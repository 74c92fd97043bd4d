#!/usr/bin/env bash
# Measures the server side by side with servers that do nothing, or kills it under load.
#
#   scripts/bench-server.sh bench [options of the load program]
#   scripts/bench-server.sh retention [--events 1000000] [options of the load program]
#   scripts/bench-server.sh scale [--events 5000000] [options of the load program]
#   scripts/bench-server.sh query [--events 500000,5000000] [options of the load program]
#   scripts/bench-server.sh crash [options of the load program]
#
# POSTGRES=1 measures PostgreSQL too, on a throwaway server. For `retention`, `scale` and `crash` it is
# the store; in every second round of `crash` it goes away.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

what=${1:?bench, retention, scale, query or crash}
shift
python=.tools/load/bin/python
scratch=$(pwd)/target/load
mkdir -p "$scratch"

if [ ! -x "$python" ]; then
  echo "installing sentry-sdk into .tools/load"
  python3 -m venv .tools/load
  .tools/load/bin/pip install --quiet --disable-pip-version-check sentry-sdk==2.75.0
fi
corpus=server-lib/benches/load/corpus.py
[ "$scratch/events" -nt "$corpus" ] || $python "$corpus" "$scratch/events"
[ "$scratch/shapes" -nt "$corpus" ] || $python "$corpus" "$scratch/shapes" --shapes

cargo build --release --package mini-sentry-server --features postgres
cargo build --release --manifest-path server-lib/benches/load/Cargo.toml --target-dir target/load-build

arguments=(--binary target/release/mini-sentry --corpus "$scratch/events" --scratch "$scratch/data")
[ "$what" = bench ] && arguments+=(--shapes "$scratch/shapes")
# Questions are asked of events of many shapes, and of SQLite.
[ "$what" = query ] && arguments=(--binary target/release/mini-sentry --corpus "$scratch/shapes" --scratch "$scratch/data")
if [ -n "${POSTGRES:-}" ] && [ "$what" != query ]; then
  database=$(mktemp -d)/cluster
  chmod 711 "$(dirname "$database")"
  trap 'scripts/postgres.sh delete "$database"' EXIT
  arguments+=(--postgres "$(scripts/postgres.sh create "$database")")
  if [ "$what" = crash ]; then
    printf '#!/bin/sh\nexec %s/scripts/postgres.sh "$1" %s\n' "$(pwd)" "$database" >"$scratch/store"
    chmod +x "$scratch/store"
    arguments+=(--store-command "$scratch/store")
  fi
fi
target/load-build/release/load "$what" "${arguments[@]}" "$@"
