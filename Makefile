# The commands of this project. `make demo` is the place to start.

CARGO ?= cargo
ARGS ?=
SECONDS ?= 60
SEEDS ?= 1000
FROM ?= 1
MINUTES ?= 60

.PHONY: demo test lint bench simulate soak mistakes fuzz wasm-target
.DEFAULT_GOAL := help

help: ## Shows this list.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: wasm-target ## Runs the main job against a simulated HubSpot, then serves. ARGS=--once ends instead.
	@$(CARGO) build --release -p partneros-demo
	@$(CARGO) run --release --quiet -p partneros-demo -- $(ARGS)

test: wasm-target ## Runs every test.
	$(CARGO) test --workspace --all-targets --no-fail-fast $(ARGS)
	$(CARGO) test --workspace --doc --quiet

lint: wasm-target ## Checks formatting, lints, and the dependencies' licences and advisories.
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	@if command -v cargo-deny >/dev/null; then $(CARGO) deny --all-features check bans licenses sources; \
	else echo "lint: cargo-deny is not installed, licences were not checked (cargo install cargo-deny)"; fi

bench: wasm-target ## Measures; prints one line a figure.
	@$(CARGO) build --release -p partneros-bench
	@$(CARGO) run --release --quiet -p partneros-bench -- $(ARGS)

# Without a sanitizer, which would need a nightly compiler: Rust's own checks, overflow among them, are on.
simulate: wasm-target ## Simulates syncs with crashes and lost answers: SEEDS=1000 FROM=1. The first that fails is made smaller.
	@$(CARGO) build --release -p partneros-simulate
	@$(CARGO) run --release --quiet -p partneros-simulate -- --seeds $(SEEDS) --from $(FROM) $(ARGS)

soak: wasm-target ## Keeps a host with 200 portals busy for an hour, with faults, and sees what is left: MINUTES=60.
	@$(CARGO) build --release -p partneros-soak
	@$(CARGO) run --release --quiet -p partneros-soak -- --minutes $(MINUTES) $(ARGS)

mistakes: wasm-target ## Sees whether the simulation finds each mistake that can be switched on in the engine.
	$(CARGO) test -p partneros-simulate --features mistakes --test mistakes -- --nocapture

fuzz: wasm-target ## Fuzzes the plugin runtime, SECONDS=60 for each target.
	@command -v cargo-fuzz >/dev/null || { echo "fuzz: cargo-fuzz is missing (cargo install cargo-fuzz)"; exit 1; }
	@cd fuzz && for target in validate mutate lift; do \
		mkdir -p corpus/$$target; \
		$(CARGO) fuzz run --sanitizer none $$target corpus/$$target seeds/$$target -- \
			-max_total_time=$(SECONDS) -timeout=20 -rss_limit_mb=4096 -max_len=65536 || exit 1; \
	done

# Components need this target. Where rustup is absent the build itself says what is missing.
wasm-target:
	@if command -v rustup >/dev/null && ! rustup target list --installed | grep -qx wasm32-wasip2; then \
		rustup target add wasm32-wasip2; fi
