#!/usr/bin/env bash
# Builds the server and runs it with its data in ./data until Ctrl-C. DATA and LISTEN choose another
# folder and address. With CI=true it runs in a temporary folder instead: sends an event with the
# curl line that the first start prints, reads it back, and stops.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

echo "building the server; the first time takes some minutes" >&2
cargo build --quiet --release --package mini-sentry-server
readonly program=${CARGO_TARGET_DIR:-target}/release/mini-sentry

if [[ ${CI:-} != true ]]; then
  exec "$program" serve --data "${DATA:-data}" --listen "${LISTEN:-127.0.0.1:8000}"
fi

work=$(mktemp -d)
: >"$work/out"
"$program" serve --data "$work/data" --listen "${LISTEN:-127.0.0.1:0}" >"$work/out" 2>"$work/log" &
server=$!
trap 'kill "$server" 2>/dev/null && wait "$server" || true; rm -rf "$work"' EXIT

for _ in {1..100}; do
  grep -q 'is ready' "$work/out" && break
  kill -0 "$server" 2>/dev/null || { cat "$work/log" >&2; exit 1; }
  sleep 0.1
done
cat "$work/out"

while IFS= read -r line; do
  echo "+ $line"
  answer=$(eval "$line")
  echo "$answer"
done < <(grep '^curl ' "$work/out")

# The last line that was pasted reads the event back.
[[ $answer == *'"Hello"'* ]] || { echo "the event did not come back" >&2; exit 1; }
