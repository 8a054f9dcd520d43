#!/usr/bin/env python3
"""Writes dequant.jsonl: seeded random blocks of each tensor type and gguf-py's float32 values of them.

One line per block: {"type", "ggml_type", "block_bytes", "bytes": hex, "f32": hex}. "f32" holds the
values' bit patterns, eight hex digits each, most significant first, in element order; compare with
`==`. F16 and BF16 have no blocks: 32 elements stand for one. All stored half floats are finite; of
the four blocks of a type the first has subnormal scales and the second negative ones. The others
have any. `NaN` never appears.
"""

from __future__ import annotations

import random

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, dequantize

from fixtures import versions_record, write_jsonl

# Type and byte offsets of the half floats inside a block.
HALVES = {
    "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0],
    "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208],
}
PLAIN_ELEMENTS, BLOCKS, SEED = 32, 4, 20


def finite_half(bits: int, block: int) -> int:
    """Half-float bits made finite, and of the kind that this block is to show."""
    if (bits >> 10) & 31 == 31:
        bits &= ~0x4000
    if block == 0:
        bits &= ~0x7C00
    if block == 1:
        bits |= 0x8000
    return bits


def random_block(name: str, block: int, source: random.Random) -> bytes:
    draw = lambda: int(source.random() * 256)  # noqa: E731
    if name == "F16":
        values = [finite_half(draw() << 8 | draw(), block) for _ in range(PLAIN_ELEMENTS)]
        return b"".join(value.to_bytes(2, "little") for value in values)
    if name == "BF16":
        values = [draw() << 8 | draw() for _ in range(PLAIN_ELEMENTS)]
        values = [value & ~0x4000 if (value >> 7) & 255 == 255 else value for value in values]
        return b"".join(value.to_bytes(2, "little") for value in values)
    size = GGML_QUANT_SIZES[GGMLQuantizationType[name]][1]
    raw = bytearray(draw() for _ in range(size))
    for offset in HALVES[name]:
        bits = finite_half(int.from_bytes(raw[offset : offset + 2], "little"), block)
        raw[offset : offset + 2] = bits.to_bytes(2, "little")
    return bytes(raw)


def main() -> None:
    source = random.Random(SEED)
    records = [versions_record(seed=SEED)]
    for name in ["F16", "BF16", *HALVES]:
        kind = GGMLQuantizationType[name]
        for block in range(BLOCKS):
            raw = random_block(name, block, source)
            stored = np.frombuffer(raw, dtype=np.float16 if name == "F16" else np.uint8)
            values = dequantize(stored, kind).astype(np.float32).ravel()
            if not np.isfinite(values).all():
                raise ValueError(f"{name} block {block} is not finite")
            records.append({
                "type": name,
                "ggml_type": int(kind),
                "block_bytes": len(raw),
                "bytes": raw.hex(),
                "f32": "".join(f"{bits:08x}" for bits in values.view(np.uint32).tolist()),
            })
    write_jsonl("dequant.jsonl", records)


if __name__ == "__main__":
    main()
