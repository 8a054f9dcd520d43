# The front door. `make help` says what there is.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
.NOTPARALLEL:

PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
FILTER ?=
KIND ?=
ID ?=
BASE ?= HEAD
BEGIN := $(shell date +%s)
ELAPSED = $$(($$(date +%s) - $(BEGIN))) s

MODEL := models/SmolLM2-135M-Instruct.Q4_1.gguf
MODEL_Q4_0 := models/SmolLM2-135M-Instruct.Q4_0.gguf
CUPEL := build/release/cupel
# Noise of the damaged contender: standard deviation over the RMS of each block of 32 weights.
DEMO_NOISE ?= 0.1
DEMO_OUT ?= runs/demo
DEMO_FLAGS ?=
# Of `make train`: an index that has PyTorch's CPU wheels, or a libtorch that is there.
TORCH_INDEX ?=
LIBTORCH ?=
export CUPEL_TORCH_INDEX := $(or $(TORCH_INDEX),$(CUPEL_TORCH_INDEX))
export CUPEL_LIBTORCH := $(or $(LIBTORCH),$(CUPEL_LIBTORCH))
# Files that see libtorch: clang cannot read the precompiled header of another compiler, so they are linted without.
TORCH_FILES := ^(src|tests)/(tensor|train|align)/|^src/cli/train_
LIBTORCH_FLAG := $(if $(CUPEL_LIBTORCH),-DCUPEL_LIBTORCH=$(CUPEL_LIBTORCH))
# For example --quick, or --only decode --models smollm2.
BENCH_FLAGS ?=

# What `ctest -L system_<n>` runs is each a test of the suite under another name.
REPEATED := ^system_[0-9]+\.
# Tests of what reads untrusted bytes, fast enough to run once more under the sanitizers.
ASAN_TARGETS := base_test core_test engine_test judge_test rank_data_test curate_test fuzz_test train_data_test
ASAN_TESTS := ^(base|core|engine|judge|rank_data|curate|fuzz|train_data)\.
# Of the broken folders, which take ten times as long there, two families with all kinds of layers between them.
ASAN_SLOW := PublishedVocabulary|FamilyBits|HostileFamily\..*/(gemma|llama|mi|olmo|phi3|qwen|smol)
# Tests of what has threads, under the thread sanitizer.
TSAN_TARGETS := base_test core_test flow_test store_test rank_data_test judge_test decode_test engine_model_test
TSAN_TESTS := ^((base|core|flow|store|judge|decode)\.|rank_data\.VoteFormats|engine\.ThreadCounts)
# They measure the memory's bandwidth, on one thread: every word of 256 MiB would be checked, ten minutes a test.
TSAN_SLOW := ^decode\.RunBench\.
# Of a fuzz campaign: one target (T=gguf; else all), executions and seconds of each (0: no limit).
T ?=
RUNS ?= 1000000
SECONDS ?= 0

GROUPS_OF_setup-build := build
GROUPS_OF_setup-demo := build model
GROUPS_OF_setup-train := build parquet torch
GROUPS_OF_setup-tutorial := build torch model
GROUPS_OF_setup-test := build test parquet torch model models-extra
GROUPS_OF_setup-fuzz := build fuzz
GROUPS_OF_setup-bench := build model models-extra bench
GROUPS_OF_setup-format := format
GROUPS_OF_setup-lint := build test lint changes
GROUPS_OF_setup-quick := build test model changes

# Every C++ file of ours, ended by NUL; `quick` and `lint`, which ask what has changed, alone need git.
CPP_FILES := find bench src tests -name node_modules -prune -o -type f \( -name '*.cpp' -o -name '*.h' \) -print0

.PHONY: help demo build test quick bench format format-check layers lint asan tsan fuzz install models-extra new clean train tutorial \
  compile compile-tests compile-train run-asan setup-build setup-demo setup-train setup-tutorial setup-test setup-fuzz setup-bench setup-format setup-lint setup-quick

help: ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 22

demo: setup-demo compile ## set up, build, and evaluate four contenders on real models, ending in a report
	@if [ ! -f $(MODEL_Q4_0) ] || [ $(MODEL) -nt $(MODEL_Q4_0) ]; then
	  echo "demo: re-quantising the model to Q4_0"
	  $(CUPEL) quantize $(MODEL) $(MODEL_Q4_0) --type q4_0
	fi
	echo "demo: evaluating; results go to $(DEMO_OUT), and a run that was stopped goes on there"
	$(CUPEL) eval --bench benchmarks/touchstone \
	  --model smollm2=$(MODEL) \
	  --model damaged=$(MODEL),noise=$(DEMO_NOISE),noise-seed=1 \
	  --model q4_0=$(MODEL_Q4_0) \
	  --model "null=null:I am happy to help. Here is what you asked for." \
	  --judge judge=$(MODEL) --protocol checklist --out $(DEMO_OUT) $(DEMO_FLAGS)
	echo
	echo "demo: open $(abspath $(DEMO_OUT))/report.html in a browser"
	echo "demo: done in $(ELAPSED)"

build: setup-build compile ## set up and build build/release/cupel

compile:
	@begin=$$SECONDS
	echo "build: $(CUPEL) …"
	cmake --preset release
	cmake --build --preset release --target cupel --parallel $(JOBS)
	echo "build: $(CUPEL): done in $$((SECONDS - begin)) s"

setup-build setup-demo setup-train setup-tutorial setup-test setup-fuzz setup-bench setup-format setup-lint setup-quick:
	@scripts/setup.sh $(GROUPS_OF_$@)

ifeq ($(FILTER),)
test: setup-test layers format-check compile-tests run-asan ## set up and run the whole suite; FILTER=regex: only the tests of that name
	@echo "test: the whole suite …"
	ctest --test-dir build/train --output-on-failure --no-tests=error --parallel $(JOBS) -E '$(REPEATED)'
	echo "test: done in $(ELAPSED)"
else
test: setup-test compile-tests
	@ctest --test-dir build/train --output-on-failure --no-tests=error --parallel $(JOBS) -R '$(FILTER)'
endif

compile-tests:
	@begin=$$SECONDS
	echo "test: building …"
	cmake --preset train $(LIBTORCH_FLAG)
	cmake --build --preset train --parallel $(JOBS)
	echo "test: building: done in $$((SECONDS - begin)) s"

asan: setup-test run-asan ## tests of untrusted input under the address and undefined-behaviour sanitizers

run-asan:
	@begin=$$SECONDS
	echo "asan: building …"
	cmake --preset asan
	known=$$(ninja -C build/asan -t targets all | sed -nE 's/^([a-z_]+_test): phony$$/\1/p')
	targets=$$(for target in $(ASAN_TARGETS); do grep -x "$$target" <<<"$$known" || true; done)
	cmake --build --preset asan --parallel $(JOBS) --target $$targets
	ctest --test-dir build/asan --output-on-failure --no-tests=error --parallel $(JOBS) \
	  -L '^unit$$' -R '$(ASAN_TESTS)' -E '$(ASAN_SLOW)'
	echo "asan: done in $$((SECONDS - begin)) s"

tsan: setup-test ## tests of what has threads under the thread sanitizer (not part of `make test`)
	@begin=$$SECONDS
	echo "tsan: building …"
	cmake --preset tsan
	cmake --build --preset tsan --parallel $(JOBS) --target $(TSAN_TARGETS)
	ctest --test-dir build/tsan --output-on-failure --no-tests=error --parallel $(JOBS) -LE '^slow$$' \
	  -R '$(TSAN_TESTS)' -E '$(TSAN_SLOW)'
	echo "tsan: done in $$((SECONDS - begin)) s"

fuzz: setup-fuzz ## fuzz all that reads untrusted bytes, a million runs each: hours; T=gguf: one; RUNS=n, SECONDS=n
	@begin=$$SECONDS
	echo "fuzz: building …"
	cmake --preset fuzz
	cmake --build --preset fuzz --parallel $(JOBS) --target fuzzers
	RUNS=$(RUNS) SECONDS_EACH=$(SECONDS) tests/fuzz/run.sh $(T)
	echo "fuzz: done in $$((SECONDS - begin)) s"

quick: setup-quick ## build and test only the modules that changed since BASE (default HEAD, so: not committed)
	@modules=$$({ git diff --name-only $(BASE); git ls-files --others --exclude-standard; } |
	  sed -nE 's#^(src|tests)/([a-z]+)[a-z_]*/.*#\2#p' | sort -u)
	if [ -z "$$modules" ]; then echo "quick: no module has changed since $(BASE)"; exit; fi
	echo "quick: $$(tr '\n' ' ' <<<"$$modules")"
	cmake --preset dev >/dev/null
	known=$$(ninja -C build/dev -t targets all | sed -nE 's/^([a-z_]+): phony$$/\1/p')
	targets=$$(for m in $$modules; do grep -xE "$${m}(_[a-z]+)?_test" <<<"$$known" || true; done | sed '/_slow_/d')
	if [ -z "$$targets" ]; then echo "quick: these modules have no test binary"; exit; fi
	cmake --build --preset dev --parallel $(JOBS) --target $$targets
	ctest --test-dir build/dev --output-on-failure --no-tests=error --parallel $(JOBS) \
	  -R "^($$(paste -sd'|' <<<"$$modules"))(_[a-z]+)?\." -LE '^slow$$'

# In a hurry training is not measured, and needs no libtorch.
bench: setup-bench compile $(if $(findstring --quick,$(BENCH_FLAGS)),,train) ## compare with peers on this machine (best when it is idle); BENCH_FLAGS=--quick: minutes; writes bench/results/latest.json
	@python=$$(bench/setup.sh $(if $(findstring --quick,$(BENCH_FLAGS)),,--all) | tail -n 1)
	cmake --preset release -DCUPEL_BUILD_BENCH=ON >/dev/null
	cmake --build --preset release --parallel $(JOBS) --target cupel_rank_fit_bench
	cmake --preset release -DCUPEL_BUILD_BENCH=OFF >/dev/null
	"$$python" bench/run.py --cupel $(CUPEL) $(BENCH_FLAGS)

layers: ## check which module includes what
	@python3 scripts/check_layers.py

format: setup-format ## format all C++ files
	@$(CPP_FILES) | xargs -0 clang-format -i

format-check: setup-format ## say which C++ files are not formatted
	@$(CPP_FILES) | xargs -0 -n 40 -P $(JOBS) clang-format --dry-run --Werror
	echo "format: all C++ files are formatted"

lint: setup-lint ## clang-tidy on the files that changed since BASE (default HEAD)
	@cmake --preset dev >/dev/null
	files=$$({ git diff --name-only --diff-filter=d $(BASE) -- '*.cpp'
	  git ls-files --others --exclude-standard -- '*.cpp'; } | sort -u)
	if [ -z "$$files" ]; then echo "lint: no .cpp file has changed since $(BASE)"; exit; fi
	torch=$$(grep -E '$(TORCH_FILES)' <<<"$$files" || true)
	others=$$(grep -vE '$(TORCH_FILES)' <<<"$$files" || true)
	if [ -n "$$torch" ]; then
	  scripts/setup.sh torch
	  cmake --preset train -B build/lint -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON $(LIBTORCH_FLAG) >/dev/null
	  xargs -n 1 -P $(JOBS) clang-tidy --quiet -p build/lint <<<"$$torch"
	fi
	if [ -n "$$others" ]; then xargs -n 1 -P $(JOBS) clang-tidy --quiet -p build/dev <<<"$$others"; fi

install: build ## install binary and benchmarks under PREFIX (default /usr/local)
	@cmake --install build/release --prefix "$(PREFIX)"

models-extra: ## fetch the optional models (Gemma 3 270M, all-MiniLM-L6-v2)
	@scripts/setup.sh models-extra

new: ## KIND=rating|protocol|processor|family|command|decider|loss ID=name: a new method's file, line and test
	@python3 scripts/new.py --kind "$(KIND)" --id "$(ID)"

train: setup-train compile-train ## set up libtorch and build build/train/cupel-train (TORCH_INDEX=URL, LIBTORCH=FOLDER)

compile-train:
	@begin=$$SECONDS
	echo "train: build/train/cupel-train …"
	cmake --preset train $(LIBTORCH_FLAG)
	cmake --build --preset train --target cupel-train --parallel $(JOBS)
	echo "train: build/train/cupel-train: done in $$((SECONDS - begin)) s"

# Of the tutorial: the rules that are taught, one after another, and where to.
TUTORIAL_RULES ?= sentences word
TUTORIAL_OUT ?= runs/tutorial

tutorial: setup-tutorial compile compile-train ## teach a model a format and the use of a word, and measure it (docs/tutorial-preferences.md)
	@for rule in $(TUTORIAL_RULES); do
	  CUPEL=$(CUPEL) MODEL=$(MODEL) examples/preferences/run.sh $$rule $(TUTORIAL_OUT)/$$rule
	done
	echo "tutorial: done in $(ELAPSED)"

clean: ## remove builds (models and runs stay)
	@rm -rf build
