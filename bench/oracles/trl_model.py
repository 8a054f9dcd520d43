"""The tiny model and tokenizer of trl_oracle.py: a Llama of 2 layers and width 64 whose weights are functions of their
names (families_oracle.weights), so that tests/support/seeded_checkpoint.cpp makes the same folder from the fixture.
"""
from __future__ import annotations

import json
from pathlib import Path

import torch
import transformers
from families_oracle import weights
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

VOCABULARY = 384
PADDING, TURN_START, TURN_END = "<|pad|>", "<|im_start|>", "<|im_end|>"
# Nothing follows the token that ends a turn: the line break is written before the next turn. So TRL, which learns all
# that follows the prompt, and Cupel, which learns no line break after a turn, learn the same tokens.
TEMPLATE = ("{% for message in messages %}{% if not loop.first %}{{ '\\n' }}{% endif %}"
            "{{ '<|im_start|>' + message['role'] + '\\n' }}"
            "{% if message['role'] == 'assistant' %}"
            "{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}"
            "{% else %}{{ message['content'] + '<|im_end|>' }}{% endif %}{% endfor %}"
            "{% if add_generation_prompt %}{{ '\\n<|im_start|>assistant\\n' }}{% endif %}")


def texts_of(value):
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for each in inner for text in texts_of(each)]


def tokenizer_json(rows):
    """A byte-level BPE learnt from the rows' texts."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(texts_of(rows), trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=[PADDING, TURN_START, TURN_END], show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    return json.loads(tokenizer.to_str())


def files_of(rows):
    return {"tokenizer.json": tokenizer_json(rows),
            "tokenizer_config.json": dict(tokenizer_class="PreTrainedTokenizerFast", pad_token=PADDING,
                                          eos_token=TURN_END, bos_token=None, chat_template=TEMPLATE,
                                          model_max_length=1024)}


def config_of(tokenizer, **settings):
    return transformers.LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=1024, bos_token_id=None,
        eos_token_id=tokenizer.token_to_id(TURN_END), pad_token_id=tokenizer.token_to_id(PADDING), **settings)


KINDS = {"untied": (transformers.LlamaForCausalLM, {}),
         "tied": (transformers.LlamaForCausalLM, dict(tie_word_embeddings=True)),
         "reward": (transformers.LlamaForSequenceClassification, dict(num_labels=1))}


def write_model(kind, files, folder: Path) -> dict:
    """Writes the folder; returns its fixture, as write_seeded_checkpoint reads it (without "files")."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content))
    family, settings = KINDS[kind]
    config = config_of(Tokenizer.from_str(json.dumps(files["tokenizer.json"])), **settings)
    family(config).save_pretrained(folder)
    shapes = {name: list(value.shape) for name, value in load_file(folder / "model.safetensors").items()}
    save_file({name: torch.from_numpy(weights(name, shape)) for name, shape in shapes.items()},
              folder / "model.safetensors", metadata={"format": "pt"})
    return dict(config=json.loads((folder / "config.json").read_text()), tensors=sorted(map(list, shapes.items())))
