# The two sacred commands: `make demo` and `make test`. Filled in as the parts land.
.PHONY: check build test
check:
	cargo fmt --check && cargo clippy --all-targets -- -D warnings && cargo test
