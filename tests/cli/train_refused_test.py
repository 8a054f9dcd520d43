#!/usr/bin/env python3
"""What cannot be trained is refused in one line, before anything is written."""
import json
import struct
import subprocess

from support import CORRUPT, CUPEL, EXHAUSTED, SMOLLM2, CupelTest, main, needs_model, write_json_lines
from train_tune_test import TuneTest

MOST_RANK = 65536  # of adapters: with their gradients and moments hundreds of times the model


def drop_rows(path, tensor, rows):
    """Cuts the last rows off a matrix in a safetensors file."""
    content = path.read_bytes()
    size = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8:8 + size])
    entry = header[tensor]
    begin, end = entry["data_offsets"]
    cut = (end - begin) // entry["shape"][0] * rows
    tail = content[8 + size + end:]
    for other in header.values():
        if "data_offsets" in other and other["data_offsets"][0] >= end:
            other["data_offsets"] = [place - cut for place in other["data_offsets"]]
    entry["shape"][0] -= rows
    entry["data_offsets"][1] -= cut
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + content[8 + size:8 + size + end - cut] + tail)


class VocabularyTest(TuneTest):
    def test_a_tokenizer_with_more_ids_than_the_embedding_has_rows(self):
        self.ok("convert", self.model, "base")
        self.model = self.folder / "base"
        path = self.model / "tokenizer.json"
        tokenizer = json.loads(path.read_text())
        known = len(tokenizer["model"]["vocab"])
        tokenizer["added_tokens"].append(tokenizer["added_tokens"][0] | {"id": known, "content": "<|more|>"})
        path.write_text(json.dumps(tokenizer))
        for command in ("tune", "plan", "validate"):
            words = self.arguments("run") if command == "tune" else ["tune", command, *self.arguments("run")[1:]]
            self.fails(CORRUPT, *words,
                       says=f"base: the vocabulary has {known + 1} tokens, but the embedding only {known} rows")
        self.assertFalse((self.folder / "run").exists())

    def test_an_adapter_for_another_vocabulary(self):
        self.ok(*self.arguments("run", "--max_steps", "1", "--parameters", "lora", "--set",
                                'lora.modules_to_save=["lm_head"]'))
        adapter = self.folder / "run/adapter"
        merge = ["tune", "merge", "--model", self.model, "--adapter", adapter, "--out", "merged"]
        self.ok(*merge[:-1], "fits")
        name = "base_model.model.lm_head.weight"
        drop_rows(adapter / "adapter_model.safetensors", name, 2)
        self.fails(CORRUPT, *merge, says=("adapter_model.safetensors", name, "has shape [290, 64]; expected [292, 64]"))
        self.assertFalse((self.folder / "merged").exists())


class MemoryTest(TuneTest):
    def test_a_run_that_does_not_fit_is_refused_with_what_helps(self):
        """The machine of this run says that one MiB is free."""
        little = self.file("meminfo", "MemTotal: 4096 kB\nMemFree: 1024 kB\nMemAvailable: 1024 kB\n")
        arguments = " ".join(f"'{word}'" for word in map(str, [CUPEL, *self.arguments("run")]))
        script = self.file("run.sh", f"mount --bind {little} /proc/meminfo || exit 77\nexec {arguments}\n")
        done = subprocess.run(["unshare", "-m", "sh", script], cwd=self.folder, env=self.environment, text=True,
                              capture_output=True, check=False)
        if done.returncode == 77 or "unshare failed" in done.stderr:
            self.skipTest("nothing can be mounted here: a machine with little memory is not shown")
        self.assertEqual((done.returncode, done.stdout), (EXHAUSTED, ""), done.stderr)
        self.assertRegex(done.stderr, r"\Acupel: the run takes about \d+ MiB, and 1 MiB are free; set batch\.micro = 1[^\n]*"
                                      r'checkpointing = "full"[^\n]*\n\Z')
        self.assertFalse((self.folder / "run").exists())


@needs_model(SMOLLM2)
class LargeTest(CupelTest):
    def test_a_real_model_with_adapters_that_no_machine_holds(self):
        rows = write_json_lines(self.folder / "rows.jsonl", [
            {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]}] * 8)
        arguments = ["--method", "sft", "--model", SMOLLM2, "--data", rows, "--out", "run", "--parameters", "lora",
                     "--lora.rank", MOST_RANK]
        self.fails(EXHAUSTED, "tune", *arguments, says=("the run takes about", "MiB are free"))
        self.assertFalse((self.folder / "run").exists())
        plan = self.run_cupel("tune", "plan", *arguments, "--format", "json")
        self.assertEqual(plan.code, EXHAUSTED, plan)
        memory = plan.json()["memory"]
        self.assertGreater(memory["together"], memory["available"])
        self.assertGreater(memory["adapters"], 100 * memory["weights"])


if __name__ == "__main__":
    main()
