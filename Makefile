# The commands of a working day. `make help` lists them.

CARGO ?= cargo
# cargo-nextest when it is there, otherwise the test runner that comes with the toolchain.
TEST_RUNNER := $(shell $(CARGO) nextest --version >/dev/null 2>&1 && echo "nextest run" || echo test)
DEMO_DIR := target/demo
TEST_SERVERS := target/test-servers
# What `make image` makes, and the program that does it: docker or podman.
DEPLOYMENT ?= bigbrotr
CONTAINERS ?= docker

.DEFAULT_GOAL := help
.PHONY: help run demo test generated test-servers stop-test-servers test-clients test-relays test-opentelemetry fuzz-smoke lint fmt docs book image package bench soak ci prerequisites

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

prerequisites:
	@./deployments/common/prerequisites.sh

run: prerequisites ## Every role in one process: relay and page on 127.0.0.1:7777
	$(CARGO) run --release --bin bigbrotr -- run

demo: prerequisites ## The whole pipeline against a laboratory of 60 relays on this machine
	$(CARGO) build --release --workspace --bins
	./deployments/common/demo.sh $(DEMO_DIR)

test: prerequisites ## All tests; starts a throw-away PostgreSQL and PgBouncer for as long as they run
	@./tests/servers.sh start $(TEST_SERVERS)
	@trap './tests/servers.sh stop $(TEST_SERVERS)' EXIT; $(CARGO) $(TEST_RUNNER) --workspace

test-servers: ## PostgreSQL and PgBouncer for tests that are run one by one; `make stop-test-servers` ends them
	./tests/servers.sh start $(TEST_SERVERS)

stop-test-servers: ## Ends what `make test-servers` started
	./tests/servers.sh stop $(TEST_SERVERS)

generated: ## Writes the files that are made from the code: reference pages, samples of settings
	BIGBROTR_REGENERATE=1 $(CARGO) $(TEST_RUNNER) -p bigbrotr --test it generated

test-clients: prerequisites ## Clients that we did not write, from npm, against the program; needs Node.js
	$(CARGO) build --bin bigbrotr
	./tests/clients/run.sh

test-relays: prerequisites ## nostr-rs-relay, built once, archived by the synchronizer; needs protoc, pkg-config, OpenSSL's headers
	./tests/nostr_rs_relay.sh

test-opentelemetry: prerequisites ## Spans in a collector, from a program built with that feature
	$(CARGO) $(TEST_RUNNER) -p bigbrotr --features opentelemetry --test it cli::traces

fuzz-smoke: prerequisites ## Each fuzz target for a minute, or for FUZZ_SECONDS; see fuzz/README.md
	./fuzz/smoke.sh

lint: prerequisites ## Formatting, clippy with warnings denied, docs, licences and bans, fuzz targets, clients
	$(CARGO) fmt --all -- --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) clippy --lib --features opentelemetry -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --document-private-items --quiet
	./deployments/common/deny.sh
	./fuzz/lint.sh
	./tests/clients/lint.sh

fmt: ## Format everything
	$(CARGO) fmt --all

docs: ## API documentation in target/doc
	$(CARGO) doc --workspace --no-deps --open

book: ## The book of docs/ in target/book; `cargo install mdbook` when it is missing
	mdbook build docs

image: ## The image of DEPLOYMENT, built and tried; CONTAINERS=podman where that is what there is
	BUILDAH_FORMAT=docker $(CONTAINERS) build --file deployments/Dockerfile --build-arg DEPLOYMENT=$(DEPLOYMENT) --tag bigbrotr:$(DEPLOYMENT)-local .
	CONTAINERS=$(CONTAINERS) ./deployments/common/image/check.sh bigbrotr:$(DEPLOYMENT)-local $(DEPLOYMENT)

package: prerequisites ## A package for Debian in target/debian, with units for systemd
	$(CARGO) build --release --locked --bin bigbrotr
	./deployments/common/package.sh

bench: prerequisites ## The measurements behind docs/benchmarks.md
	$(CARGO) bench --bench archive --bench crawl --bench query --bench memory --bench monitor --bench relay --bench transfer

soak: prerequisites ## An hour at the most: the program is killed 50 times while it archives 200 relays
	$(CARGO) bench --bench soak

ci: ## What continuous integration runs
	./.ci/run
