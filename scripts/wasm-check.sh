#!/usr/bin/env bash
# Builds the core for browsers: the bare model, then the bridge that the browser SDK wraps.
#
# The standard library for wasm32-unknown-unknown comes from rustup; where rustup cannot
# download, from Debian's packages, which carry a compiler with its own library sources.
# WASM_STD=rustup or WASM_STD=debian chooses one; the default is to try them in that order.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly target=wasm32-unknown-unknown
readonly packages=(rustc-web rust-web-src lld)
readonly way=${WASM_STD:-any}

fail() {
  echo "wasm-check: $*" >&2
  exit 1
}

have_std() {
  [[ -d "$(rustc --print sysroot)/lib/rustlib/$target/lib" ]]
}

# An unreachable download host can hang. macOS has no timeout command.
with_time_limit() {
  if command -v timeout >/dev/null; then timeout 20 "$@"; else "$@"; fi
}

add_std_with_rustup() {
  have_std && return 0
  command -v rustup >/dev/null || return 1
  echo "wasm-check: installing the $target standard library with rustup"
  with_time_limit rustup target add "$target" </dev/null && have_std
}

have_debian_compiler() {
  [[ -x /usr/bin/rustc && -e /usr/lib/rustlib/src/rust/library/std/Cargo.toml ]] && command -v wasm-ld >/dev/null
}

add_debian_compiler() {
  have_debian_compiler && return 0
  command -v apt-get >/dev/null || return 1
  local as_root=(env)
  if [[ $(id -u) -ne 0 ]]; then
    command -v sudo >/dev/null && sudo -n true 2>/dev/null ||
      fail "needs root or passwordless sudo to run: apt-get install ${packages[*]}"
    as_root=(sudo -n env)
  fi
  echo "wasm-check: installing Debian packages: ${packages[*]}"
  local apt=("${as_root[@]}" DEBIAN_FRONTEND=noninteractive apt-get -qq)
  "${apt[@]}" update </dev/null
  "${apt[@]}" install --yes --no-install-recommends "${packages[@]}" </dev/null >/dev/null
  have_debian_compiler
}

# The binding decides where random bytes come from, so the core is built with the backend
# that needs no JavaScript. Only the bridge draws random bytes: the model must not ask for any.
flags='--cfg getrandom_backend="unsupported"'
extra=()
if [[ $way != debian ]] && add_std_with_rustup; then
  echo "wasm-check: using $(rustc --version)"
elif [[ $way != rustup ]] && add_debian_compiler; then
  export RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1
  flags+=" -Clinker=wasm-ld"
  extra=(-Zbuild-std=std,panic_abort)
  echo "wasm-check: using Debian's $("$RUSTC" --version)"
else
  fail "no standard library for $target: run 'rustup target add $target', or install ${packages[*]}"
fi
export RUSTFLAGS="$flags"

dependencies=$(cargo tree --package mini-sentry --no-default-features --target "$target" --edges normal --prefix none)
if grep -q '^getrandom ' <<<"$dependencies"; then
  fail "the core without features depends on getrandom, which no browser offers by default"
fi
for features in "" bridge bridge,grouping; do
  echo "wasm-check: mini-sentry --no-default-features --features '$features'"
  cargo build --package mini-sentry --lib --no-default-features --features "$features" \
    --target "$target" --target-dir target/wasm ${extra[@]+"${extra[@]}"}
done
