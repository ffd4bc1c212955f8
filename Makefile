# The way in: `make` lists the targets. CMakeLists.txt does the building, tools/ the rest.
PREFIX ?= $(HOME)/.local
JOBS   ?= $(shell nproc)
ARGS   ?=

.PHONY: help deps build test check bench demo soak fuzz fmt install clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

deps: ## install what is missing, pinned in deps.tsv (it says what and why first)
	@tools/fetch_deps >/dev/null

build: deps ## build the program: build/solder
	@tools/build build

test: deps ## run every test (ARGS="unit spark" runs only those suites)
	@tools/run_tests $(ARGS)

check: deps ## run the static gates only
	@tools/run_tests gates

bench: build ## measure against PySpark, DuckDB, Sail, moto and versitygw (ARGS= picks benchmarks)
	@bench/run $(ARGS)

demo: build ## run the example Glue job on the sample file
	@tools/demo

soak: build ## run the engine, and kill servers, under load for a long time (ARGS=minutes)
	@tools/run_tests --soak $(ARGS)

fuzz: deps ## fuzz the parsers and decoders, ten minutes each (ARGS= picks targets)
	@tools/run_tests --fuzz $(ARGS)

fmt: deps ## format the C sources
	@clang-format-14 -i $$(git ls-files '*.c' '*.h')

install: deps ## install the program with its Python environment into PREFIX
	@tools/install "$(PREFIX)"

clean: ## remove the build folders (fetched parts stay in the cache)
	@rm -rf build build-*
