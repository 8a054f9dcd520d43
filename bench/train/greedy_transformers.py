#!/usr/bin/env python3
"""Greedy continuations by transformers in f32, with the likeliest tokens at each step.

    greedy_transformers.py MODEL TOKENS PROMPT… [--adapter DIR]

--adapter: PEFT's layout, over the model. Prints what bench/quant/greedy_llama_cpp.py prints; an end token is a token
like any other.
"""
from __future__ import annotations

import argparse
import json
import os

os.environ["HF_HUB_OFFLINE"] = "1"
import torch  # noqa: E402
from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: E402

SHOWN = 20


def continue_greedily(model, ids: list[int], tokens: int) -> dict:
    chosen, shown, cache = [], [], None
    following = torch.tensor([ids])
    for _ in range(tokens):
        output = model(following, past_key_values=cache, use_cache=True)
        cache = output.past_key_values
        top = output.logits[0, -1].double().log_softmax(-1).topk(SHOWN)
        shown.append([[token, logprob] for token, logprob in zip(top.indices.tolist(), top.values.tolist())])
        chosen.append(shown[-1][0][0])
        following = torch.tensor([[chosen[-1]]])
    return {"ids": chosen, "top": shown}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("tokens", type=int)
    parser.add_argument("prompts", nargs="+")
    parser.add_argument("--adapter")
    options = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32)
    if options.adapter:
        from peft import PeftModel
        model = PeftModel.from_pretrained(model, options.adapter)
    model.eval()
    with torch.no_grad():
        print(json.dumps([continue_greedily(model, tokenizer(prompt, add_special_tokens=False).input_ids, options.tokens)
                          for prompt in options.prompts]))


if __name__ == "__main__":
    main()
