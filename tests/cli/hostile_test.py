#!/usr/bin/env python3
"""Damaged and hostile model files: one line and the right exit code, nothing half written, and `inspect` knows."""
import json
import os
import random
import shutil
import struct

from support import CORRUPT, MISSING, USAGE, CupelTest, main

FLIPS = 40  # positions of each file


class ModelsTest(CupelTest):
    def generate(self, model):
        return self.run_cupel("generate", "--model", model, "--raw", "--prompt", "ab", "--max-tokens", 2)

    def check_agreement(self, model):
        """What `inspect` says of a file is what running it shows."""
        shown = self.run_cupel("inspect", model, "--format", "json")
        ran = self.generate(model)
        if shown.code == 0:
            self.assertEqual(shown.json()["runs"], ran.code == 0, (shown, ran))
            self.assertIn(shown.json()["reason"], ran.err)
        else:
            self.check_failure(shown, CORRUPT)
            self.assertEqual(ran.err, shown.err)
        if ran.code != 0:
            self.check_failure(ran, CORRUPT)

    def check_writers(self, model, out):
        """Commands that write a model fail in one line and leave nothing, or write a model."""
        done = self.run_cupel("quantize", model, "q.gguf", "--threads", 1)
        self.check_written(done, self.folder / "q.gguf")
        done = self.run_cupel("convert", model, out)
        self.check_written(done, self.folder / out)
        self.assertEqual(list(self.folder.glob("*.tmp")), [])

    def check_written(self, done, path):
        if done.code == 0:
            self.ok("inspect", path)
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        else:
            self.check_failure(done, CORRUPT)
            self.assertFalse(path.exists())

    def flipped(self, data, size):
        """The bytes with one of the first `size` changed, again and again."""
        rng = random.Random(7)
        for i in range(FLIPS):
            changed = bytearray(data)
            changed[rng.randrange(size)] ^= 0xFF if i % 2 else 1 << rng.randrange(8)
            yield bytes(changed)

    def test_any_byte_of_a_gguf_header(self):
        data = self.tiny_model().read_bytes()
        tensors = self.ok("inspect", "tiny.gguf", "--format", "json").json()["tensors"]
        for changed in self.flipped(data, min(tensor["offset"] for tensor in tensors)):
            model = self.file("m.gguf", changed)
            self.check_agreement(model)
            self.check_writers(model, "out")

    def test_a_gguf_file_cut_anywhere(self):
        data = self.tiny_model().read_bytes()
        for size in (*range(0, 60, 7), *(len(data) * i // 9 for i in range(1, 9)), len(data) - 1):
            model = self.file("m.gguf", data[:size])
            for args in (["inspect", model], ["quantize", model, "q.gguf"], ["convert", model, "out"]):
                self.fails(CORRUPT, *args, says="m.gguf")
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["m.gguf", "tiny.gguf"])

    def tiny_folder(self):
        self.tiny_model()
        self.ok("convert", "tiny.gguf", "model")
        return self.folder / "model"

    def test_any_byte_of_the_files_of_a_folder(self):
        folder = self.tiny_folder()
        for name in ("model.safetensors", "config.json", "tokenizer.json"):
            data = (folder / name).read_bytes()
            header = 8 + struct.unpack("<Q", data[:8])[0] if name == "model.safetensors" else len(data)
            for changed in self.flipped(data, header):
                (folder / name).write_bytes(changed)
                self.check_agreement(folder)
                self.check_writers(folder, "out.gguf")
            (folder / name).write_bytes(data)
        self.ok("inspect", folder)

    def test_tensors_that_overlap_or_leave_a_gap(self):
        folder = self.tiny_folder()
        data = (folder / "model.safetensors").read_bytes()
        size = struct.unpack("<Q", data[:8])[0]
        tensors = json.loads(data[8:8 + size])
        for by, says in ((-4, "overlaps"), (4, "leaves a gap")):
            moved = json.loads(json.dumps(tensors))
            last = max(moved, key=lambda name: moved[name]["data_offsets"][1] if name != "__metadata__" else -1)
            moved[last]["data_offsets"] = [place + by for place in moved[last]["data_offsets"]]
            header = json.dumps(moved).encode()
            body = data[8 + size:] + bytes(max(0, by))
            (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + body)
            for args in (["inspect", folder], ["quantize", folder, "q.gguf"], ["convert", folder, "out.gguf"]):
                self.fails(CORRUPT, *args, says=says)

    def test_indexes_of_shards_that_are_not_there(self):
        folder = self.tiny_folder()
        data = (folder / "model.safetensors").read_bytes()
        names = [name for name in json.loads(data[8:8 + struct.unpack("<Q", data[:8])[0]]) if name != "__metadata__"]
        (folder / "model.safetensors").rename(folder / "a.safetensors")
        cases = [(MISSING, {name: "b.safetensors" for name in names}, "b.safetensors: no such file"),
                 (CORRUPT, {name: "../model/a.safetensors" for name in names}, "in the same folder"),
                 (CORRUPT, {name: "model.safetensors.index.json" for name in names}, "header's length"),
                 (CORRUPT, {**{name: "a.safetensors" for name in names}, "ghost": "a.safetensors"}, '"ghost"'),
                 (CORRUPT, {f"t{i}": f"s{i}" for i in range(5000)}, "names 5000 files"), (CORRUPT, {}, "weight_map")]
        for code, weight_map, says in cases:
            (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
            for args in (["inspect", folder], ["quantize", folder, "q.gguf"], ["convert", folder, "out.gguf"],
                         ["generate", "--model", folder, "--raw", "--prompt", "a"]):
                self.fails(code, *args, says=says)

    def test_what_is_no_file(self):
        os.mkfifo(self.folder / "pipe.gguf")
        (self.folder / "endless.gguf").symlink_to("/dev/zero")
        (self.folder / "circle.gguf").symlink_to("circle.gguf")
        for name, says in (("pipe.gguf", "is no regular file"), ("endless.gguf", "is no regular file"),
                           ("circle.gguf", "symbolic links")):
            for args in (["inspect", name], ["quantize", name, "q.gguf"], ["convert", name, "out"],
                         ["generate", "--model", name, "--raw", "--prompt", "a"]):
                self.fails(USAGE, *args, says=[name, says], timeout=10)

    def test_what_inspect_has_to_look_for(self):
        """Files that describe a model well, but cannot run."""
        data = self.tiny_model().read_bytes()
        for old, new, says in ((b"blk.1.attn_k.weight", b"blk.1.attn_x.weight", "blk.1.attn_k.weight"),
                               (b"tokenizer.ggml.model", b"tokenizer.ggml.xxxxx", "no tokenizer")):
            self.assertEqual(data.count(old), 1, old)
            model = self.file("m.gguf", data.replace(old, new))
            self.assertIn(says, self.ok("inspect", model, "--format", "json").json()["reason"])
            self.check_agreement(model)
        folder = self.tiny_folder()
        (folder / "chat_template.jinja").write_text("{% if %}")
        self.assertIn("its chat template", self.ok("inspect", folder, "--format", "json").json()["reason"])
        self.check_agreement(folder)


class TokenizersTest(CupelTest):
    def refused(self, says, **parts):
        self.tiny_model()
        self.ok("convert", "tiny.gguf", "model")
        folder = self.folder / "model"
        file = folder / "tokenizer.json"
        tokenizer = json.loads(file.read_text())
        tokenizer["added_tokens"] += parts.pop("tokens", [])
        tokenizer.update(parts)
        file.write_text(json.dumps(tokenizer))
        self.assertIn(says, self.ok("inspect", folder, "--format", "json").json()["reason"])
        self.fails(CORRUPT, "generate", "--model", folder, "--raw", "--prompt", "a", says=[str(file), says])

    SLOW = {"type": "Replace", "pattern": {"Regex": "(a+)+[cd]"}, "content": ""}
    TOKENS = [{"id": 300 + i, "content": "a" * 40 + str(i)} for i in range(2000)]

    def test_a_normalizer_that_explodes_on_the_tokens(self):
        self.refused("normalizer: a pattern of its steps takes too long", normalizer=self.SLOW, tokens=self.TOKENS)

    def test_a_decoder_that_explodes_on_the_tokens(self):
        self.refused("decoder: a pattern of its steps takes too long", decoder=self.SLOW, tokens=self.TOKENS)

    def test_a_pattern_that_is_none(self):
        self.refused("missing closing parenthesis",
                     pre_tokenizer={"type": "Split", "pattern": {"Regex": "(a"}, "behavior": "Isolated"})


class SchemasTest(CupelTest):
    def test_one_key_twice(self):
        schema = self.file("s.json", '{"type": "string", "type": "integer"}')
        self.fails(CORRUPT, "generate", "--model", self.tiny_model(), "--raw", "--prompt", "a", "--json-schema", schema,
                   says=["s.json", '"type"'])


if __name__ == "__main__":
    main()
