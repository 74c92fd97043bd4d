#!/usr/bin/env bash
# Starts the envelope sink, sends it the SDK example's events, and leaves the sink running
# until Ctrl-C. Without a terminal, or with CI=true, it stops when the example is done.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly listen=${LISTEN:-127.0.0.1:8765}
readonly key=0123456789abcdef0123456789abcdef

cargo build --quiet --package envelope-sink
cargo build --quiet --package mini-sentry --example hello

"${CARGO_TARGET_DIR:-target}/debug/envelope-sink" --listen "$listen" &
sink=$!
trap 'kill "$sink" 2>/dev/null && wait "$sink" 2>/dev/null || true' EXIT
trap 'exit 0' INT TERM

answers() {
  (exec 3<>"/dev/tcp/${listen%:*}/${listen##*:}") 2>/dev/null
}
for _ in {1..100}; do
  kill -0 "$sink" 2>/dev/null || exit 1
  answers && break
  sleep 0.1
done

MINI_SENTRY_DSN="http://$key@$listen/1" cargo run --quiet --package mini-sentry --example hello

if [[ -t 0 && -t 1 && ${CI:-} != true ]]; then
  echo "the sink goes on listening: export MINI_SENTRY_DSN=http://$key@$listen/1 in your own program"
  echo "press Ctrl-C to stop"
  wait "$sink"
fi
