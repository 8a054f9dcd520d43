#!/usr/bin/env bash
# Runs the fuzzers one after another and says what each did; `make fuzz` builds them first.
#
#   tests/fuzz/run.sh [TARGET…]
#
# RUNS      executions of each target, at least (default 1000000)
# SECONDS_EACH  at most so long each (default 0: no limit)
#
# What is learnt stays in build/fuzz/corpus; what breaks a target goes to build/fuzz/found. Exit status 1 when one broke.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly RUNS=${RUNS:-1000000} SECONDS_EACH=${SECONDS_EACH:-0}
readonly BUILD=build/fuzz
readonly MOST_SECONDS=20  # of one input
export ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=1
symbolizer=$(command -v llvm-symbolizer-19 || true)
if [ -n "$symbolizer" ]; then
  export ASAN_SYMBOLIZER_PATH=$symbolizer UBSAN_OPTIONS=print_stacktrace=1:external_symbolizer_path=$symbolizer
fi

# Longer inputs find little more here, and are slow.
most_bytes() {
  case $1 in
    gguf | tokenizer_json) echo 9216 ;;
    hf_config | importance | safetensors) echo 4096 ;;
    *) echo 1024 ;;
  esac
}

stat_of() { sed -nE "s/^stat::$2: *([0-9]+)$/\1/p" "$1" | tail -n 1; }

# One run of libFuzzer, whose exit status it is; times go to `times`.
run_fuzzer() {
  local TIMEFORMAT='%U %S'
  { time "$fuzzer" -max_len="$(most_bytes "$target")" -timeout=$MOST_SECONDS -rss_limit_mb=2048 -malloc_limit_mb=512 \
    "$@" >>"$log" 2>&1; } 2>"$times"
}

# Wall clocks jump where a machine sleeps or is moved, and libFuzzer then takes any input for a slow one. One that ends
# in time when it is run again was not.
was_no_timeout() {
  local input
  input=$(sed -nE 's/.*Test unit written to (.*-timeout-[0-9a-f]+)$/\1/p' "$log" | tail -n 1)
  [ -n "$input" ] && [ -f "$input" ] && run_fuzzer "$input" && rm "$input"
}

run_target() {
  local target=$1 fuzzer=$BUILD/tests/fuzz/fuzz_$1 log=$BUILD/$1.log times=$BUILD/$1.times
  local dictionary=() status executed lines runs=0 seconds=0
  mkdir -p "$BUILD/corpus/$target" "$BUILD/found"
  [ ! -f "tests/fuzz/dictionaries/$target.dict" ] || dictionary=("-dict=tests/fuzz/dictionaries/$target.dict")
  : >"$log"
  while true; do
    status=0
    lines=$(wc -l <"$log")
    run_fuzzer -runs=$((RUNS - runs)) -max_total_time=$((SECONDS_EACH > 0 ? SECONDS_EACH - seconds : 0)) \
      -print_final_stats=1 -artifact_prefix="$BUILD/found/$target-" \
      "${dictionary[@]}" "$BUILD/corpus/$target" "tests/fuzz/corpus/$target" || status=$?
    executed=$(stat_of <(tail -n +$((lines + 1)) "$log") number_of_executed_units)
    runs=$((runs + ${executed:-0}))
    seconds=$((seconds + $(awk '{printf "%.0f", $1 + $2}' "$times")))
    if [ $status = 0 ] || ! was_no_timeout; then
      break
    fi
    status=0
    if [ $runs -ge "$RUNS" ] || { [ "$SECONDS_EACH" != 0 ] && [ $seconds -ge "$SECONDS_EACH" ]; }; then
      break
    fi
  done
  printf '%-15s %9s runs %6s s of CPU  %s  peak %s MB%s\n' "$target" "$runs" "$seconds" \
    "$(grep -oE 'cov: [0-9]+ ft: [0-9]+' "$log" | tail -n 1)" "$(stat_of "$log" peak_rss_mb)" \
    "$([ $status = 0 ] || echo "  BROKE: see $log")"
  return $status
}

targets=("$@")
if [ ${#targets[@]} = 0 ]; then
  mapfile -t targets < <(sed -nE 's/^CUPEL_FUZZ_TARGET\((.*)\)$/\1/p' tests/fuzz/targets.def)
fi
broken=0
for target in "${targets[@]}"; do
  if [ ! -x "$BUILD/tests/fuzz/fuzz_$target" ]; then
    echo "fuzz: no target \"$target\"; there are: $(sed -nE 's/^CUPEL_FUZZ_TARGET\((.*)\)$/\1/p' tests/fuzz/targets.def | xargs)" >&2
    exit 2
  fi
  run_target "$target" || broken=1
done
[ $broken = 0 ] || echo "fuzz: put what broke a target into tests/fuzz/corpus/TARGET under a name that says what it was" >&2
exit $broken
