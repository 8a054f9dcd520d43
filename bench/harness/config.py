"""Where things lie, what is measured, and the facts about the models that limits are computed from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

BENCH = Path(__file__).resolve().parents[1]
ROOT = BENCH.parent
RESULTS = BENCH / "results"
CACHE = RESULTS / "cache"
ORACLES = BENCH / "oracles"
PEERS = BENCH / "peers"
TEXT = ROOT / "tests" / "data" / "oracles" / "perplexity_text.txt"

STARTUP_RUNS = 20
# Arguments of `cupel`, and the exit code that is right for them.
STARTUP_CASES = {"--help": 0, "--version": 0, "--no-such-flag": 2}
# With more than this share of the processors taken by others, times say nothing.
BUSY_SHARE = 0.15
DECODE_TOKENS, CONTEXT_TOKENS, NEIGHBOUR_TOKENS, STREAMS = 64, 32, 32, 16
BATCHES, PREFILLS, CONTEXTS = (1, 4, 16), (128, 512, 2048), (128, 512, 2048, 8192)
PREFIX_TOKENS, START_TOKENS, WARM_UP_TOKENS, NEIGHBOUR_PREFILL = 300, 5, 16, 512


@dataclass(frozen=True)
class Model:
    """A model file, and what one decoded token must read from memory."""

    path: Path
    weight_bytes: float
    layer_cache_bytes: int  # of one position in one layer, 16-bit keys and values
    full_layers: int
    sliding_layers: int = 0
    window: int = 0

    def cache_bytes(self, positions: float) -> float:
        """What attention reads when a sequence has this many positions; a sliding layer stops at its window."""
        return self.layer_cache_bytes * (self.full_layers * positions + self.sliding_layers * min(positions, self.window))


MODELS = {
    "smollm2": Model(ROOT / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf", 96.44e6, 768, full_layers=30),
    "gemma3": Model(ROOT / "models" / "gemma-3-270m.Q4_K_M.gguf", 246.6e6, 1024, full_layers=3, sliding_layers=15, window=512),
}
