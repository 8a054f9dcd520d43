#!/usr/bin/env bash
# The tutorial on preferences (docs/tutorial-preferences.md) for one rule: build pairs, train, measure.
#
#   run.sh sentences|word [OUT]      OUT: folder of the run, runs/tutorial/RULE by default
#
# CUPEL names the program (build/release/cupel), MODEL the model. A run that was stopped goes on where it was.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
rule=${1:?usage: run.sh sentences|word [OUT]}
out=${2:-runs/tutorial/$rule}
cupel=${CUPEL:-build/release/cupel}
model=${MODEL:-models/SmolLM2-135M-Instruct.Q4_1.gguf}
begin=$SECONDS

step() { printf '\n== %s: %s (%d s)\n' "$rule" "$1" $((SECONDS - begin)); }

mkdir -p "$out"
python3 "$here/make_prompts.py" "$rule" >"$out/prompts.jsonl"

step "pairs: the model's own answers, sorted by the rule"
"$cupel" pairs --model "$model" --prompts "$out/prompts.jsonl" --held-out 150 --out "$out/pairs" --batch 32 \
  --samples 6 --pairs 2 --length-ratio 2 --temperature 0.8 --max-tokens 96

step "train: preferences"
"$cupel" tune "$here/$rule.toml" --model "$model" --data "$out/pairs/pairs.jsonl" --out "$out/run"

step "held-out prompts: how often answers follow the rule, before and after"
"$cupel" eval --bench "$out/pairs/held_out" --model "before=$model" --model "after=$out/run/model" \
  --out "$out/eval" --batch 32

step "the tuned model's own answers: length, and how far it is from where it began"
"$cupel" pairs --model "$out/run/model" --prompts "$out/pairs/held_out.jsonl" --samples 2 --temperature 1 \
  --max-tokens 96 --batch 32 --out "$out/after"
"$cupel" perplexity --model "$model" --against "$out/run/model" --rows "$out/after/answers.jsonl"

step "Touchstone: whether anything else was lost"
"$cupel" eval --bench benchmarks/touchstone --model "before=$model" --model "after=$out/run/model" \
  --judge "judge=$model" --out "$out/touchstone"

step "done: $out/eval/report.html, $out/run/report.html"
