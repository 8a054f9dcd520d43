"""Texts that the logit and greedy oracles run on, and how each model reads them."""

from __future__ import annotations

from fixtures import FIXTURES
from gguf_tokenizers import encode

BOS = {"smollm2": [], "gemma3": [2]}

# Long enough for 65 tokens in both vocabularies: 64 positions and the token after the last.
LOGIT_TEXTS = {
    "prose": (
        "Every winter the reservoir above the village froze from the edges inward, and the engineer "
        "walked around it twice a day with a hammer and a notebook. She tapped the ice, listened, and "
        "wrote down what she heard. A dull note meant water underneath; a bright one meant the sheet "
        "had thickened enough to carry a cart. By February her notebook read like the score of a very "
        "slow piece of music, and the children had learned to skate by it."
    ),
    "code": (
        "def moving_average(values, width):\n"
        "    \"\"\"Mean of each window of `width` neighbours.\"\"\"\n"
        "    if width <= 0:\n"
        "        raise ValueError(f\"width must be positive, got {width}\")\n"
        "    total = sum(values[:width])\n"
        "    result = [total / width]\n"
        "    for i in range(width, len(values)):\n"
        "        total += values[i] - values[i - width]\n"
        "        result.append(total / width)\n"
        "    return result\n"
    ),
    "mixed": (
        "Menu du jour: soupe à l'oignon 6,50 €; Käsespätzle 11,90 €; борщ 7 €; 味噌ラーメン 1200円. "
        "Ouvert de 12:00 à 14:30 — fermé le dimanche! Reservations: +49 30 5550 1234 (ask for Zoë). "
        "Rated 4.7/5 by 1,286 guests 😀👍🏽, 38% of whom came back within 90 days."
    ),
}
CHAT_TEXTS = {
    "smollm2": (
        "<|im_start|>system\nYou answer in one short paragraph.<|im_end|>\n<|im_start|>user\n"
        "Why does a kettle go quiet just before it boils?<|im_end|>\n<|im_start|>assistant\n"
        "A kettle is loud while small steam bubbles form on its hot base and collapse in the cooler "
        "water above. Just before boiling, all of the water is hot enough for the bubbles to survive."
    ),
    "gemma3": (
        "<start_of_turn>user\nWhy does a kettle go quiet just before it boils?<end_of_turn>\n"
        "<start_of_turn>model\nA kettle is loud while small steam bubbles form on its hot base and "
        "collapse in the cooler water above. Just before boiling, all of the water is hot enough for "
        "the bubbles to survive, and the noise of their collapse stops.<end_of_turn>\n"
    ),
}

GREEDY_TEXTS = {
    "lighthouse": "The lighthouse keeper climbed the stairs every evening, carrying a small brass lamp and",
    "recipe": "To make a simple vegetable soup, first wash and chop the carrots, then",
    "code": "# Returns the n-th Fibonacci number.\ndef fibonacci(n):\n",
    "list": "The planets of the solar system, in order from the Sun, are: 1. Mercury, 2. Venus, 3.",
}


def prompt_ids(model: str, tokenizer, text: str, parse_special: bool = False) -> list[int]:
    return BOS[model] + encode(tokenizer, text, parse_special)


def logit_prompts(model: str, tokenizer) -> dict[str, list[int]]:
    """65 ids for each named text; all but the last are fed to the model."""
    prompts = {name: prompt_ids(model, tokenizer, text) for name, text in LOGIT_TEXTS.items()}
    prompts["chat"] = prompt_ids(model, tokenizer, CHAT_TEXTS[model], parse_special=True)
    for name, ids in prompts.items():
        if len(ids) < 65:
            raise ValueError(f"the text {name!r} has only {len(ids)} tokens")
    return {name: ids[:65] for name, ids in prompts.items()}


def perplexity_text() -> str:
    return (FIXTURES / "perplexity_text.txt").read_text(encoding="utf-8")
