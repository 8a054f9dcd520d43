"""Whether llama.cpp loads and runs what `cupel quantize` writes, and how far its answers move.

    python bench/oracles/check_quantized.py build/release/cupel models/MODEL.gguf [--types q4_k,q4_k_m]

Each file is loaded by the xllamacpp wheel, which completes a prompt greedily; every row of every tensor is decoded by
gguf-py as well and held to the error that cupel reports. One line per type; exit status 1 where anything differs.
"""
import argparse
import json
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import gguf
import numpy as np
import xllamacpp

TYPES = "q8_0,q4_0,q4_1,q5_0,q5_1,q4_k,q5_k,q6_k,q4_k_m"
PROMPT = "The capital of France is"


def completion(path, tokens=12):
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_ctx, params.n_parallel, params.cpuparams.n_threads = 256, 1, 1
    params.port, params.verbosity, params.cache_ram_mib = 0, 0, 0
    server = xllamacpp.Server(params)
    body = {"prompt": PROMPT, "n_predict": tokens, "temperature": 0, "top_k": 1}
    request = urllib.request.Request(server.listening_address + "/completion", json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as response:
        return json.loads(response.read())["content"]


def decoded(path):
    return {tensor.name: (tensor.tensor_type.name, gguf.dequantize(tensor.data, tensor.tensor_type))
            for tensor in gguf.GGUFReader(path).tensors}


def compare(source, path, report):
    """The largest difference between the errors that cupel reports and those that gguf-py finds, relative."""
    result, worst = decoded(path), 0.0
    for tensor in report["tensors"]:
        kind, values = result[tensor["name"]]
        assert kind == tensor["to"], (tensor, kind)
        difference = values.astype(np.float64) - source[tensor["name"]][1]
        error = float(np.sqrt(np.mean(difference ** 2)))
        worst = max(worst, abs(error - tensor["rmse"]) / max(tensor["rms"], 1e-30) if tensor["rms"] else error)
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cupel", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--types", default=TYPES)
    args = parser.parse_args()
    source, failed = decoded(args.model), False
    with tempfile.TemporaryDirectory() as folder:
        for kind in args.types.split(","):
            path = Path(folder) / f"{kind}.gguf"
            done = subprocess.run([args.cupel, "quantize", args.model, path, "--type", kind, "--format", "json"],
                                  check=True, capture_output=True)
            report = json.loads(done.stdout)
            worst = compare(source, path, report)
            text = completion(path)
            failed = failed or worst > 1e-6 or not text.strip()
            print(f"{kind:7} {path.stat().st_size / 1e6:7.1f} MB  relative error {report['relative_error']:.4f}  "
                  f"reports differ by {worst:.1e}  {text!r}", flush=True)
            path.unlink()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
