"""Errors of llama.cpp's own encoders on made numbers: tests/data/oracles/quant_errors.json.

The numbers are a function of their index, which the test computes again: four 16-bit pieces of a splitmix64 hash,
added up and scaled (nearly normal), or the cube of that (heavy tails). Weights, where there are any, are the
exponential of 1.5 times the nearly normal numbers that follow. A record: `type`, `heavy`, `weighted`, and `relative_error`, the
root of the weighted squared error over the weighted squares.

The encoders are `ggml_quantize_chunk` of the library inside the xllamacpp wheel, the decoders gguf-py's.
"""
import argparse
import ctypes
import json
from importlib.metadata import version
from pathlib import Path

import gguf
import numpy as np
import xllamacpp

NUMBERS = 16384
TYPES = ("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K")
ROOT = Path(__file__).resolve().parents[2]


def sample(heavy, first=1):
    z = np.arange(first, first + NUMBERS, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    total = sum(((z >> np.uint64(16 * k)) & np.uint64(0xFFFF)).astype(np.int64) for k in range(4))
    x = (total - 131070) / 37837.0
    return (x ** 3 if heavy else x).astype(np.float32)


def load_library():
    library = ctypes.CDLL(next(Path(xllamacpp.__file__).parent.glob("xllamacpp*.so")))
    encode = library.ggml_quantize_chunk
    encode.restype = ctypes.c_size_t
    encode.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64,
                       ctypes.c_void_p]
    return encode


def relative_error(encode, kind, values, weights):
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = np.zeros(NUMBERS // elements * size, dtype=np.uint8)
    written = encode(kind.value, values.ctypes.data, blocks.ctypes.data, 0, 1, NUMBERS,
                     None if weights is None else weights.ctypes.data)
    assert written == blocks.size, (kind, written)
    back = gguf.dequantize(blocks, kind).astype(np.float64)
    w = 1.0 if weights is None else weights.astype(np.float64)
    return float(np.sqrt(np.sum(w * (back - values) ** 2) / np.sum(w * values.astype(np.float64) ** 2)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "tests/data/oracles/quant_errors.json")
    out = parser.parse_args().out
    encode = load_library()
    weights = np.exp(np.float32(1.5) * sample(False, 1 + NUMBERS)).astype(np.float32)
    errors = [{"type": name, "heavy": heavy, "weighted": weighted,
               "relative_error": round(relative_error(encode, gguf.GGMLQuantizationType[name], sample(heavy),
                                                      weights if weighted else None), 8)}
              for name in TYPES for heavy in (False, True) for weighted in (False, True)
              if not (weighted and name == "Q8_0")]
    versions = {name: version(name) for name in ("gguf", "numpy", "xllamacpp")}
    out.write_text(json.dumps({"versions": versions, "numbers": NUMBERS, "errors": errors}, indent=1) + "\n",
                   encoding="utf-8")
    print(f"{out}: {len(errors)} errors")


if __name__ == "__main__":
    main()
