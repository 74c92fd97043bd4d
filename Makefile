# Every command of the project. Recipes call the ecosystem's own tools; what takes
# more than five lines is a script in scripts/.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test lint fmt docs bench soak rust-lint script-lint rust-test wasm interop

INTEROP := sdk-core/tests/interop
PYTHON := .tools/python/bin
RUFF := 0.17.5

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Send the SDK example's events to a local sink and print what arrived
	@scripts/run.sh

test: lint wasm interop rust-test ## Everything that CI checks; installs what it needs into .tools/ and target/

lint: rust-lint script-lint ## Formatting, clippy, rustdoc and scripts; warnings are errors

fmt: $(PYTHON)/.ready ## Format all code
	cargo fmt --all
	$(PYTHON)/ruff format $(INTEROP)

docs: ## Build the API documentation; warnings are errors
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --all-features --no-deps

bench: ## Measure the core side by side with the sentry crate (about 20 minutes)
	@pkg-config --exists openssl || { echo "installing the peer's OpenSSL headers: libssl-dev pkg-config"; apt-get install -y -q libssl-dev pkg-config; }
	cd sdk-core/benches/versus && cargo run --release -- --builds

soak: ## Long property tests and fuzzing (SECONDS_EACH=600 for each target)
	@scripts/soak.sh

rust-lint: docs
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy --workspace --all-targets --all-features -- -D warnings
	cargo clippy --workspace --all-targets --no-default-features -- -D warnings

script-lint: $(PYTHON)/.ready
	for file in .ci/run scripts/*.sh; do bash -n "$$file" || exit 1; done
	for file in $(INTEROP)/*.mjs; do node --check "$$file" || exit 1; done
	$(PYTHON)/ruff check $(INTEROP)
	$(PYTHON)/ruff format --check $(INTEROP)

rust-test: ## Unit, integration and documentation tests, without features and with all
	cargo test --package mini-sentry --no-default-features
	cargo test --workspace --all-features

wasm: ## Build the model and the bridge for browsers
	@scripts/wasm-check.sh

interop: $(PYTHON)/.ready $(INTEROP)/node_modules/.package-lock.json ## Let other SDKs read our envelopes
	rm -rf target/interop
	cargo run --package mini-sentry --all-features --example interop_envelopes -- target/interop
	$(PYTHON)/python $(INTEROP)/check.py target/interop
	node $(INTEROP)/check.mjs target/interop

$(PYTHON)/.ready: $(INTEROP)/requirements.txt Makefile
	@echo "installing into .tools/python: ruff $(RUFF) and the packages of $<"
	python3 -m venv --clear .tools/python
	$(PYTHON)/pip install --quiet --disable-pip-version-check ruff==$(RUFF) --requirement $<
	@touch $@

$(INTEROP)/node_modules/.package-lock.json: $(INTEROP)/package-lock.json
	@echo "installing into $(INTEROP)/node_modules: the packages of $<"
	npm ci --prefix $(INTEROP) --no-audit --no-fund
	@touch $@
