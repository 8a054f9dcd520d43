"""Shared by the fixture writers: where fixtures go, and the record that says what made them."""

from __future__ import annotations

import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Iterable

from gguf_tokenizers import MODEL_FILES, REPOSITORY

FIXTURES = REPOSITORY / "tests" / "data" / "oracles"
MAX_FIXTURE_BYTES = 1 << 20


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as source:
        while block := source.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def versions_record(model: str | None = None, **extra) -> dict:
    """First line of every fixture: versions of the packages, the file read, the layout in words."""
    packages = ("torch", "transformers", "tokenizers", "gguf", "numpy")
    record: dict = {"versions": {"python": platform.python_version(), **{name: version(name) for name in packages}}}
    if model is not None:
        record["model"] = model
        record["gguf"] = MODEL_FILES[model].name
        record["gguf_sha256"] = sha256_of(MODEL_FILES[model])
    record.update(extra)
    return record


def write_jsonl(name: str, records: Iterable[dict]) -> None:
    """Writes one fixture and reports its size; the house limit on a data file is 1 MiB."""
    FIXTURES.mkdir(parents=True, exist_ok=True)
    path = FIXTURES / name
    lines = [json.dumps(record) for record in records]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    size = path.stat().st_size
    print(f"{path.relative_to(REPOSITORY)}: {len(lines)} lines, {size} bytes")
    if size > MAX_FIXTURE_BYTES:
        raise SystemExit(f"{name} is larger than {MAX_FIXTURE_BYTES} bytes")
