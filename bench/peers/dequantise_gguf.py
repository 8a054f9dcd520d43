#!/usr/bin/env python3
"""A GGUF file with the weights of another one dequantised; metadata and tokenizer are copied as they are.

    python dequantise_gguf.py --gguf FILE --dtype f32|bf16 --out FILE

Matrices get the type asked for; vectors (norms) are F32 in both, as in every GGUF file. The file appears when it is whole.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter, LlamaFileType, dequantize, quantize

DTYPES = {"f32": (GGMLQuantizationType.F32, LlamaFileType.ALL_F32),
          "bf16": (GGMLQuantizationType.BF16, LlamaFileType.MOSTLY_BF16)}
# The writer states these itself; the file type is that of the weights that it writes.
NOT_COPIED = ("GGUF.", "general.architecture", "general.file_type", "general.quantization_version")


def copy_metadata(reader: GGUFReader, writer: GGUFWriter) -> None:
    for field in reader.fields.values():
        if not field.name.startswith(NOT_COPIED):
            kind = field.types[0]
            part = field.types[-1] if kind == GGUFValueType.ARRAY else None
            writer.add_key_value(field.name, field.contents(), kind, sub_type=part)


def write(source: Path, dtype: str, out: Path) -> None:
    reader = GGUFReader(str(source))
    kind, file_type = DTYPES[dtype]
    writer = GGUFWriter(str(out), reader.fields["general.architecture"].contents())
    copy_metadata(reader, writer)
    writer.add_file_type(file_type)
    for tensor in reader.tensors:
        weight = dequantize(tensor.data, tensor.tensor_type)
        wanted = kind if weight.ndim > 1 else GGMLQuantizationType.F32
        writer.add_tensor(tensor.name, quantize(weight, wanted), raw_dtype=wanted)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gguf", type=Path, required=True)
    parser.add_argument("--dtype", choices=list(DTYPES), required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    partial = options.out.with_name(options.out.name + ".tmp")
    write(options.gguf, options.dtype, partial)
    partial.rename(options.out)


if __name__ == "__main__":
    main()
