#!/usr/bin/env python3
"""`cupel embed`: vectors, cosines and NumPy files of a tiny encoder; who is an encoder and who is not."""
import json
import struct
import subprocess

from support import CORRUPT, MISSING, ROOT, TINY_WRITER, USAGE, CupelTest, main, write_json_lines

FIXTURE = ROOT / "tests/data/oracles/encoders/mean.json"


class EmbedTest(CupelTest):
    def setUp(self):
        super().setUp()
        self.encoder = self.folder / "encoder"
        self.encoder.mkdir()
        subprocess.run([TINY_WRITER, FIXTURE, self.encoder], check=True)
        self.fixture = json.loads(FIXTURE.read_text(encoding="utf-8"))

    def embed(self, *args, **options):
        return self.ok("embed", "--model", self.encoder, *args, **options)

    def check(self, found, expected):
        self.assertEqual(len(found), len(expected))
        for a, b in zip(found, expected):
            self.assertAlmostEqual(a, b, delta=1e-4)

    def test_texts_of_a_file_get_the_vectors_of_the_reference(self):
        rows = [{"text": text, "id": f"row {i}"} for i, text in enumerate(self.fixture["texts"])]
        source = write_json_lines(self.folder / "in.jsonl", rows)
        done = self.embed("--input", source)
        for i, (row, expected) in enumerate(zip(done.rows(), self.fixture["vectors"], strict=True)):
            self.assertEqual((row["index"], row["id"], row["tokens"]), (i, f"row {i}", len(self.fixture["ids"][i])))
            self.check(row["embedding"], expected)
        self.assertIn("3 of 10 texts are longer than the 16 tokens", done.err)

    def test_texts_of_the_command_line_and_of_standard_input(self):
        line, storm = self.embed(self.fixture["texts"][0], "storm").rows()
        self.check(line["embedding"], self.fixture["vectors"][0])
        piped, = self.embed("--input", "-", stdin='{"text": "storm"}\n').rows()
        self.assertEqual(piped["embedding"], storm["embedding"])
        self.assertNotIn("id", piped)

    def test_out_writes_json_lines_or_numpy(self):
        texts = self.fixture["texts"][:3]
        printed = self.embed(*texts).out
        self.embed(*texts, "--out", self.folder / "v.jsonl")
        self.assertEqual((self.folder / "v.jsonl").read_text(), printed)
        self.assertEqual(self.embed(*texts, "--out", self.folder / "v.npy").out, "")
        data = (self.folder / "v.npy").read_bytes()
        # NumPy's own description of the format, version 1.0.
        self.assertEqual(data[:8], b"\x93NUMPY\x01\x00")
        length, = struct.unpack("<H", data[8:10])
        header = data[10:10 + length]
        self.assertEqual((10 + length) % 64, 0)
        self.assertEqual(eval(header), {"descr": "<f4", "fortran_order": False, "shape": (3, 64)})
        numbers = struct.unpack(f"<{3 * 64}f", data[10 + length:])
        for i in range(3):
            self.check(numbers[64 * i:64 * (i + 1)], self.fixture["vectors"][i])

    def test_similarity_prints_cosines(self):
        rows = self.embed("--similarity", "rain", "rain", "storm").rows()
        matrix = [row["similarity"] for row in rows]
        self.assertAlmostEqual(matrix[0][1], 1, places=6)
        self.assertAlmostEqual(matrix[0][2], matrix[2][0], places=12)
        vectors = [row["embedding"] for row in self.embed("rain", "storm").rows()]
        self.assertAlmostEqual(matrix[0][2], sum(a * b for a, b in zip(*vectors)), places=5)

    def test_results_depend_on_neither_threads_nor_level(self):
        one = self.embed(*self.fixture["texts"], "--threads", 1).out
        self.assertEqual(self.embed(*self.fixture["texts"], "--threads", 2).out, one)
        self.assertEqual(self.embed(*self.fixture["texts"], "--cpu-level", "scalar").out, one)

    def test_a_text_may_begin_like_a_flag(self):
        self.assertEqual(self.embed("--", "-5 degrees").rows()[0]["embedding"],
                         self.embed("--input", "-", stdin='{"text": "-5 degrees"}\n').rows()[0]["embedding"])

    def test_inspect_says_that_it_is_an_encoder(self):
        text = self.ok("inspect", self.encoder).out
        self.assertIn("runs here: yes, as a sentence encoder (cupel embed)", text)
        self.assertIn("64 numbers, pooling mean, of length 1, at most 16 tokens", text)
        self.assertNotIn("chat template", text)
        found = self.ok("inspect", self.encoder, "--format", "json").json()
        self.assertEqual((found["runs"], found["runs_as"]), (True, "encoder"))
        self.assertEqual(found["embeddings"], {"dimensions": 64, "pooling": ["mean"], "normalize": True,
                                               "max_tokens": 16, "prompt": ""})

    def test_encoders_write_no_text_and_decoders_make_no_vectors(self):
        for command in (["generate", "--prompt", "a"], ["score", "--input", "-"]):
            self.fails(USAGE, command[0], "--model", self.encoder, *command[1:], says=["sentence encoder", "cupel embed"],
                       stdin='{"prompt": "a", "completion": "b"}\n')
        decoder = self.tiny_model()
        self.fails(USAGE, "embed", "--model", decoder, "a", says=["language model (llama)", "sentence encoders"])
        self.assertEqual(self.ok("inspect", decoder, "--format", "json").json()["runs_as"], "decoder")

    def test_what_makes_no_sense(self):
        embed = ["embed", "--model", self.encoder]
        self.fails(USAGE, *embed, says="give either texts or --input")
        self.fails(USAGE, *embed, "a", "--input", "-", says="give either texts or --input")
        self.fails(USAGE, *embed, "a", "--similarity", "--out", "a.npy", says="--similarity")
        self.fails(USAGE, "embed", "a", says="--model is required")
        self.fails(MISSING, "embed", "--model", "absent/model", "a", says="absent/model")
        self.fails(USAGE, "embed", "--model", "null:a", "a", says="needs a model file")
        bad = self.file("bad.jsonl", '{"text": "a"}\n{"texts": "b"}\n')
        self.fails(CORRUPT, *embed, "--input", bad, says=f"{bad}:2: ")
        (self.encoder / "modules.json").write_text('[{"type": "a.Transformer", "path": ""}')
        self.fails(CORRUPT, *embed, "a", says="modules.json")


if __name__ == "__main__":
    main()
