# The commands of a working day. `make help` lists them.

CARGO ?= cargo
# cargo-nextest when it is there, otherwise the test runner that comes with the toolchain.
TEST_RUNNER := $(shell $(CARGO) nextest --version >/dev/null 2>&1 && echo "nextest run" || echo test)
DEMO_DIR := target/demo

.DEFAULT_GOAL := help
.PHONY: help run demo test lint fmt docs bench ci prerequisites

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

prerequisites:
	@./deployments/common/prerequisites.sh

run: prerequisites ## Every role in one process: relay and page on 127.0.0.1:7777
	$(CARGO) run --release --bin bigbrotr -- run

demo: prerequisites ## The whole pipeline against a laboratory of 60 relays on this machine
	$(CARGO) build --release --workspace --bins
	./deployments/common/demo.sh $(DEMO_DIR)

test: prerequisites ## All tests
	$(CARGO) $(TEST_RUNNER) --workspace

lint: prerequisites ## Formatting, clippy with warnings denied, docs, licences and bans
	$(CARGO) fmt --all -- --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --document-private-items --quiet
	./deployments/common/deny.sh

fmt: ## Format everything
	$(CARGO) fmt --all

docs: ## API documentation in target/doc
	$(CARGO) doc --workspace --no-deps --open

bench: prerequisites ## The measurements behind docs/benchmarks.md
	$(CARGO) bench --bench archive --bench query

ci: ## What continuous integration runs
	./.ci/run
