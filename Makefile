# Every command of the project. Recipes call the ecosystem's own tools; what takes
# more than five lines is a script in scripts/.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test lint fmt docs bench bench-sdk bench-server soak rust-lint script-lint rust-test wasm interop

INTEROP := sdk-core/tests/interop
SDKS := server-lib/tests/sdks
CONTRACT := server-lib/tests/contract
CLIENTS := server-lib/tests/clients
LOAD := server-lib/benches/load
PYTHON := .tools/python/bin
SCHEMATHESIS := .tools/contract/bin/schemathesis
RUFF := 0.17.5
# Its own installer puts it where not every PATH leads.
GO = $(firstword $(shell command -v go) $(wildcard /usr/local/go/bin/go) go)
SCRIPTS := $(INTEROP) $(SDKS) $(CONTRACT) $(LOAD)

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Start the server on ./data; its first start prints a DSN, a token and a line to try it
	@scripts/run.sh

test: lint wasm interop rust-test ## Everything that CI checks; installs what it needs into .tools/ and target/

lint: rust-lint script-lint ## Formatting, clippy, rustdoc and scripts; warnings are errors

fmt: $(PYTHON)/.ready ## Format all code
	cargo fmt --all
	$(PYTHON)/ruff format $(SCRIPTS)

docs: ## Build the API documentation; warnings are errors
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --all-features --no-deps

bench: bench-sdk bench-server ## Measure everything beside its peers, in the same run

bench-server: ## The server beside servers that do nothing, and questions to it (about an hour; more in scripts/bench-server.sh)
	POSTGRES=1 scripts/bench-server.sh bench
	scripts/bench-server.sh query

bench-sdk: ## The core beside the sentry crate (about 20 minutes)
	@pkg-config --exists openssl || { echo "installing the peer's OpenSSL headers: libssl-dev pkg-config"; apt-get install -y -q libssl-dev pkg-config; }
	cd sdk-core/benches/versus && cargo run --release -- --builds

soak: .tools/contract/.ready ## Long property tests and fuzzing (SECONDS_EACH=600 for each target), kill -9 in 20 rounds
	@scripts/soak.sh
	scripts/bench-server.sh crash
	POSTGRES=1 scripts/bench-server.sh crash

rust-lint: docs
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy --workspace --all-targets --all-features -- -D warnings
	cargo clippy --workspace --all-targets --no-default-features -- -D warnings

script-lint: $(PYTHON)/.ready
	for file in .ci/run scripts/*.sh; do bash -n "$$file" || exit 1; done
	for file in $(INTEROP)/*.mjs $(SDKS)/*.mjs $(CLIENTS)/*.mjs; do node --check "$$file" || exit 1; done
	$(PYTHON)/ruff check $(SCRIPTS)
	$(PYTHON)/ruff format --check $(SCRIPTS)

rust-test: .tools/sdks/.ready .tools/contract/.ready $(SDKS)/node_modules/.package-lock.json $(CLIENTS)/node_modules/.package-lock.json .tools/grafana.test .tools/postgres ## Unit, integration and documentation tests, without features and with all
	cargo test --package mini-sentry --no-default-features
	MINI_SENTRY_TEST_PYTHON=$(CURDIR)/.tools/sdks/bin/python MINI_SENTRY_TEST_SCHEMATHESIS=$(CURDIR)/$(SCHEMATHESIS) MINI_SENTRY_TEST_GRAFANA=$(CURDIR)/.tools/grafana.test cargo test --workspace --all-features

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

%/node_modules/.package-lock.json: %/package-lock.json
	@echo "installing into $*/node_modules: the packages of $<"
	npm ci --prefix $* --no-audit --no-fund
	@touch $@

.tools/%/.ready: server-lib/tests/%/requirements.txt
	@echo "installing into .tools/$*: the packages of $<"
	python3 -m venv --clear .tools/$*
	.tools/$*/bin/pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

# The test needs no Go when it runs, only here.
.tools/grafana.test: $(wildcard $(CLIENTS)/grafana/*)
	@$(GO) version >/dev/null 2>&1 || { echo "installing Go: apt package golang-go"; apt-get update -q && apt-get install -y -q golang-go; }
	@echo "building $@: the test of $(CLIENTS)/grafana"
	@mkdir -p .tools
	cd $(CLIENTS)/grafana && ! $(GO)fmt -l . | grep . && $(GO) vet ./... && $(GO) test -c -o $(CURDIR)/$@

# Tests start throwaway servers of their own; only the programs have to be there.
.tools/postgres:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || { echo "installing PostgreSQL: apt package postgresql"; apt-get update -q && apt-get install -y -q postgresql; }
	@mkdir -p .tools && touch $@
