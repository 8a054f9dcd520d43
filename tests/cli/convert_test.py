#!/usr/bin/env python3
"""Convert, quantize from folders and perplexity as a newcomer runs them."""
import json

from support import CORRUPT, MISSING, SMOLLM2, USAGE, CupelTest, main, needs_model, write_json_lines

TEXT = "The cat sat on the mat, and the rain fell on the roof. Nobody knew why.\n" * 4


class ConvertTest(CupelTest):
    def generate(self, model):
        rows = self.ok("generate", "--model", model, "--raw", "--prompt", "the cat", "--max-tokens", 12,
                       "--temperature", 0, "--activations", "f32", "--format", "json").rows()
        return rows[0]["ids"]

    def test_there_and_back_answers_alike(self):
        tiny = self.tiny_model()
        done = self.ok("convert", tiny, "folder")
        self.assertRegex(done.out, r"^folder: \d+ tensors, 0\.\d MB \(from 0\.\d MB\); no number was rounded\n$")
        self.assertEqual(done.err, "")
        self.ok("convert", "folder", "back.gguf")
        self.assertEqual(self.generate("./folder"), self.generate(tiny))
        self.assertEqual(self.generate("back.gguf"), self.generate(tiny))
        self.assertIn("runs here: yes", self.ok("inspect", "folder").out)

    def test_json_names_every_tensor(self):
        tiny = self.tiny_model()
        report = self.ok("convert", tiny, "folder", "--type", "f16", "--format", "json").json()
        self.assertEqual(report["notes"], [])
        names = {tensor["name"]: tensor["to"] for tensor in report["tensors"]}
        self.assertEqual(names["model.layers.1.self_attn.q_proj.weight"], "F16")
        self.assertTrue(all(tensor["rmse"] > 0 for tensor in report["tensors"] if tensor["name"].endswith("proj.weight")))
        config = json.loads((self.folder / "folder/config.json").read_text())
        self.assertEqual((config["model_type"], config["torch_dtype"]), ("llama", "float16"))

    def test_quantize_takes_a_folder(self):
        self.ok("convert", self.tiny_model(), "folder")
        report = self.ok("quantize", "folder", "q.gguf", "--type", "q8_0", "--format", "json").json()
        self.assertLess(report["relative_error"], 0.01)
        self.assertEqual(len(self.generate("q.gguf")), 12)

    def test_mistakes_are_one_line(self):
        tiny = self.tiny_model()
        self.fails(MISSING, "convert", "nothing", "out.gguf", says="nothing")
        self.fails(USAGE, "convert", tiny, "out.gguf", says="is a GGUF file already; name another --type")
        self.fails(USAGE, "convert", tiny, tiny, "--type", "f16", says="is the source itself")
        self.file("full/keep.txt", "mine")
        self.fails(USAGE, "convert", tiny, "full", says="is there already; name a new folder")
        self.file("empty/other.json", "{}")
        self.fails(USAGE, "convert", "empty", "out.gguf", says="expected a file, or a folder with config.json")
        self.file("broken.gguf", "GGUF")
        self.fails(CORRUPT, "convert", "broken.gguf", "out", says="broken.gguf")
        self.ok("convert", tiny, "folder")
        (self.folder / "folder/tokenizer.json").unlink()
        for command in (("convert", "folder", "out.gguf"), ("quantize", "folder", "out.gguf", "--type", "q8_0")):
            self.fails(MISSING, *command, says="folder: holds no tokenizer.json")
        self.assertFalse((self.folder / "out.gguf").exists())
        self.assertFalse((self.folder / "out").exists())


class PerplexityTest(CupelTest):
    def test_text_and_json_say_the_same(self):
        tiny = self.tiny_model()
        self.ok("quantize", tiny, "q.gguf", "--type", "q4_0")
        self.file("text.txt", TEXT)
        found = self.ok("perplexity", "--model", "q.gguf", "--against", tiny, "--text", "text.txt", "--format", "json").json()
        text = self.ok("perplexity", "--model", "q.gguf", "--against", tiny, "--text", "text.txt").out
        self.assertIn(f"perplexity {found['perplexity']:.4f} over {found['tokens']} tokens\n", text)
        self.assertIn(f"KL divergence {found['against']['mean_kl']:.5f}", text)
        self.assertGreater(found["against"]["mean_kl"], 0)

    def test_mistakes_are_one_line(self):
        tiny = self.tiny_model()
        self.file("text.txt", TEXT)
        self.file("empty.txt")
        self.fails(MISSING, "perplexity", "--model", tiny, "--text", "none.txt", says="none.txt")
        self.fails(USAGE, "perplexity", "--model", tiny, "--text", "empty.txt", says="no token to predict")
        self.fails(USAGE, "perplexity", "--model", tiny, "--text", "text.txt", "--window", 4096, says="longer than the context")

    def test_rows_of_all_forms_and_with_any_number_of_answers(self):
        tiny = self.tiny_model()
        write_json_lines(self.folder / "rows.jsonl", [
            {"prompt": "the cat ", "responses": []},
            {"prompt": "the cat ", "responses": [{"content": "sat"}]},
            {"prompt": "the cat ", "responses": [{"content": "sat"}, {"content": "ran"}, {"content": "sat on"}]},
            {"prompt": "the cat ", "chosen": "sat", "rejected": "fell"},
            {"prompt": "the cat ", "completion": "sat", "label": False},
            {"prompt": "the cat ", "completion": "x" * 4000},
            {"text": "the cat sat"}])
        args = ["perplexity", "--model", tiny, "--rows", "rows.jsonl"]
        self.assertIn("7 rows, 8 answers; left out: 1 row without an answer, 1 answer longer than the context",
                      self.ok(*args).out)
        self.assertEqual(self.ok(*args, "--format", "json").json()["sequences"], 8)
        write_json_lines(self.folder / "rows.jsonl", [{"prompt": "the cat ", "responses": []}])
        self.fails(USAGE, *args, says="--rows rows.jsonl: no answer to read")

    def test_rows_are_written_by_the_template_of_the_spec(self):
        tiny = self.tiny_model()
        write_json_lines(self.folder / "rows.jsonl", [
            {"prompt": [{"role": "user", "content": "the cat"}], "responses": [{"content": "sat"}]}])
        self.fails(USAGE, "perplexity", "--model", tiny, "--rows", "rows.jsonl",
                   says="--model FILE.gguf,template=FILE.jinja")
        found = []
        for name, before in (("short", ""), ("long", "Nobody knew why, and the rain fell. ")):
            self.file(f"{name}.jinja", "{% for m in messages %}" + before + "{{ m.content }}\n{% endfor %}")
            found.append(self.ok("perplexity", "--model", f"{tiny},template={name}.jinja", "--rows", "rows.jsonl",
                                 "--format", "json").json())
        self.assertEqual(found[0]["sequences"], 1)
        self.assertNotEqual(found[0]["mean_nll"], found[1]["mean_nll"])

    @needs_model(SMOLLM2)
    def test_a_real_models_perplexity_is_transformers(self):
        from support import ROOT
        oracle = json.loads((ROOT / "tests/data/oracles/perplexity.json").read_text())["models"]["smollm2"]
        found = self.ok("perplexity", "--model", SMOLLM2, "--text", ROOT / "tests/data/oracles/perplexity_text.txt",
                        "--window", 8192, "--activations", "f32", "--format", "json", timeout=300).json()
        self.assertEqual(found["tokens"], oracle["counted_tokens"])
        self.assertAlmostEqual(found["perplexity"], oracle["perplexity"], delta=0.005 * oracle["perplexity"])


if __name__ == "__main__":
    main()
