#!/usr/bin/env bash
# Looks for faults by brute force: property tests with many more cases, requests that are made of the
# OpenAPI document with several seeds, then every fuzz target of sdk-core/fuzz, guided by coverage.
# Where no such fuzzer can be had it says so, and the property tests that drive the same checks run
# longer.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly seconds=${SECONDS_EACH:-600}
readonly cases=${PROPTEST_CASES:-200000}
readonly data=$PWD/sdk-core/testdata
export PATH="$PWD/.tools/bin:$PATH"

# Runs the tests fast, but with the checks of a debug build.
properties() {
  PROPTEST_CASES=$1 \
    CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true \
    CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS=true \
    cargo test --package mini-sentry --all-features --release "${@:2}"
}

can_fuzz() {
  if ! cargo +nightly --version >/dev/null 2>&1; then
    echo "soak: fuzzing guided by coverage needs a nightly toolchain, and there is none"
    return 1
  fi
  if ! cargo fuzz --version >/dev/null 2>&1; then
    echo "soak: installing cargo-fuzz into .tools"
    cargo install --quiet --locked --root .tools cargo-fuzz || return 1
  fi
}

# Prints the folders whose files a target starts from.
seeds() {
  case $1 in
    envelope) printf '%s\n' "$data/envelopes/ok" "$data/envelopes/bad" ;;
    event) printf '%s\n' "$data/events" ;;
    dsn)
      local lines=$PWD/corpus/dsn-seeds
      mkdir -p "$lines"
      grep -ho '"[^"]*"' "$data"/{dsn,auth,ratelimits,timestamps}.json | tr -d '"' | sort -u |
        split --lines 1 --suffix-length 4 - "$lines/"
      printf '%s\n' "$lines"
      ;;
  esac
}

# Sends many more generated requests to the server than `make test` does.
requests() {
  MINI_SENTRY_TEST_SCHEMATHESIS=$PWD/.tools/contract/bin/schemathesis \
    MINI_SENTRY_TEST_SEED=$1 MINI_SENTRY_TEST_EXAMPLES=${REQUESTS_EACH:-100} \
    cargo test --package mini-sentry-server --all-features --test it contract::
}

properties "$cases"
for seed in 2 3 4; do
  echo "soak: generated requests, seed $seed"
  requests "$seed"
done
if ! can_fuzz; then
  echo "soak: the stable driver of the fuzz targets runs ten times as long instead"
  properties "$((cases * 10))" --test it properties::damage
  exit 0
fi
cd sdk-core/fuzz
for name in $(cargo +nightly fuzz list); do
  echo "soak: $name for $seconds s"
  mkdir -p "corpus/$name"
  mapfile -t folders < <(seeds "$name")
  cargo +nightly fuzz run "$name" "corpus/$name" "${folders[@]}" -- \
    -max_total_time="$seconds" -max_len=65536
done
