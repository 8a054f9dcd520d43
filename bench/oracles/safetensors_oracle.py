#!/usr/bin/env python3
"""Writes tests/data/oracles/safetensors/: tiny checkpoints as the `safetensors` package stores them.

    python bench/oracles/safetensors_oracle.py [--out DIR]

* single/model.safetensors: every type of numbers that numpy has, a single number, an empty tensor, metadata
* sharded/model-0000N-of-00002.safetensors and model.safetensors.index.json: the layout of large checkpoints
* expected.json: versions; for every file its tensors with type, shape, sha256 of the data, and the numbers
  that 16-bit and 8-bit floats stand for (computed here from their definition)

Needs safetensors and numpy at the versions of requirements.txt.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import numpy
import safetensors
from safetensors import safe_open
from safetensors.numpy import save_file

ROOT = Path(__file__).resolve().parent.parent.parent
TYPES = ["F64", "F32", "F16", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL"]
NUMPY = {"F64": "float64", "F32": "float32", "F16": "float16", "I64": "int64", "I32": "int32", "I16": "int16",
         "I8": "int8", "U64": "uint64", "U32": "uint32", "U16": "uint16", "U8": "uint8", "BOOL": "bool"}


def small_float(code: int, exponent_bits: int, mantissa_bits: int, infinite: bool) -> float | str:
    """The number of a code by the definition of the type."""
    sign = -1.0 if code >> (exponent_bits + mantissa_bits) else 1.0
    exponent = code >> mantissa_bits & (1 << exponent_bits) - 1
    mantissa = code & (1 << mantissa_bits) - 1
    bias = (1 << exponent_bits - 1) - 1
    top = (1 << exponent_bits) - 1
    if infinite and exponent == top:
        return "nan" if mantissa else ("inf" if sign > 0 else "-inf")
    if not infinite and exponent == top and mantissa == (1 << mantissa_bits) - 1:
        return "nan"
    if exponent == 0:
        return sign * mantissa * 2.0 ** (1 - bias - mantissa_bits)
    return sign * (1 + mantissa / (1 << mantissa_bits)) * 2.0 ** (exponent - bias)


def single_tensors() -> dict:
    generator = numpy.random.default_rng(7)
    tensors = {}
    for name in TYPES:
        values = generator.integers(0, 100, size=(2, 3)) if name != "BOOL" else generator.integers(0, 2, size=(2, 3))
        tensors["t." + name.lower()] = values.astype(NUMPY[name])
    tensors["scalar"] = numpy.array(2.5, dtype="float32")
    tensors["empty"] = numpy.zeros((3, 0), dtype="float32")
    tensors["ünï \"code\"\n"] = numpy.arange(4, dtype="float32").reshape(1, 2, 2)
    return tensors


def raw_file(path: Path) -> None:
    """The types that numpy lacks, through the package's serializer of raw bytes."""
    codes = numpy.arange(256, dtype="uint8")
    words = numpy.array([0x3F80, 0xC000, 0x0001, 0x7F7F], dtype="<u2")
    parts = {"f8.e4m3": ("float8_e4m3fn", [16, 16], codes), "f8.e5m2": ("float8_e5m2", [16, 16], codes),
             "bf16": ("bfloat16", [2, 2], words)}
    specs = {name: safetensors.TensorSpec(dtype=dtype, shape=shape, data_ptr=data.ctypes.data, data_len=data.nbytes)
             for name, (dtype, shape, data) in parts.items()}
    path.write_bytes(safetensors.serialize(specs))


def describe(path: Path) -> list[dict]:
    header_bytes = int.from_bytes(path.read_bytes()[:8], "little")
    raw = path.read_bytes()
    header = json.loads(raw[8:8 + header_bytes])
    described = []
    with safe_open(path, framework="numpy") as file:  # what the package itself reads
        for name in sorted(file.keys()):
            view = file.get_slice(name)
            begin, end = header[name]["data_offsets"]
            data = raw[8 + header_bytes + begin:8 + header_bytes + end]
            described.append({"name": name, "dtype": view.get_dtype(), "shape": view.get_shape(),
                              "sha256": hashlib.sha256(data).hexdigest()})
    return described


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "tests/data/oracles/safetensors")
    out = parser.parse_args().out
    (out / "single").mkdir(parents=True, exist_ok=True)
    (out / "sharded").mkdir(exist_ok=True)
    save_file(single_tensors(), out / "single/model.safetensors", metadata={"format": "np", "made_by": "oracle"})
    raw_file(out / "small_floats.safetensors")
    first, second = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
    grid = numpy.arange(12, dtype="float16")
    save_file({"a": grid.reshape(3, 4), "b": grid[:4]}, out / "sharded" / first, metadata={"format": "pt"})
    save_file({"c": grid[:2]}, out / "sharded" / second, metadata={"format": "pt"})
    index = {"metadata": {"total_size": 36}, "weight_map": {"a": first, "b": first, "c": second}}
    (out / "sharded/model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")
    files = ["single/model.safetensors", "small_floats.safetensors", "sharded/" + first, "sharded/" + second]
    expected = {"versions": {"safetensors": safetensors.__version__, "numpy": numpy.__version__},
                "files": {name: describe(out / name) for name in files},
                "f8_e4m3": [small_float(code, 4, 3, False) for code in range(256)],
                "f8_e5m2": [small_float(code, 5, 2, True) for code in range(256)]}
    (out / "expected.json").write_text(json.dumps(expected) + "\n")


if __name__ == "__main__":
    main()
