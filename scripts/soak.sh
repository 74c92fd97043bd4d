#!/usr/bin/env bash
# Looks for faults by brute force: property tests with many more cases, then every
# coverage-guided fuzz target of sdk-core/fuzz where a nightly toolchain is installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly seconds=${SECONDS_EACH:-600}
export PROPTEST_CASES=${PROPTEST_CASES:-200000}

cargo test --package mini-sentry --all-features --release

if [[ ! -d sdk-core/fuzz ]]; then
  echo "soak: skipped: no fuzz targets in sdk-core/fuzz"
  exit 0
fi
if ! cargo +nightly --version >/dev/null 2>&1; then
  echo "soak: skipped: fuzzing needs a nightly toolchain"
  exit 0
fi
if ! cargo fuzz --version >/dev/null 2>&1; then
  echo "soak: installing cargo-fuzz into .tools"
  cargo install --quiet --locked --root .tools cargo-fuzz
  export PATH="$PWD/.tools/bin:$PATH"
fi
cd sdk-core
for name in $(cargo +nightly fuzz list); do
  echo "soak: $name for $seconds s"
  cargo +nightly fuzz run "$name" -- -max_total_time="$seconds"
done
