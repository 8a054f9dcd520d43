#!/usr/bin/env python3
"""Too little memory, on whichever thread it is missed: one line and exit code 6, never a crash."""
import json
import os
import resource
import struct

from support import CORRUPT, EXHAUSTED, GEMMA, SMOLLM2, CupelTest, main, needs_model

MIB = 1 << 20


def at_most(address_space):
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))


@needs_model(SMOLLM2)
class AddressSpaceTest(CupelTest):
    """The limits rise until the command is done: below it fails while opening, then amid a step of the engine."""

    def test_a_long_prompt(self):
        prompt = " ".join(f"word{i % 97}" for i in range(1500))
        self.file("long.jsonl", json.dumps({"prompt": prompt}) + "\n")
        failed_amid_steps = 0
        for limit in [*range(100, 240, 35), *range(240, 300, 6)]:
            with self.subTest(f"{limit} MiB"):
                done = self.run_cupel("generate", "--model", SMOLLM2, "--input", "long.jsonl", "--max-tokens", 1,
                                      "--threads", 2, timeout=300, preexec_fn=at_most(limit * MIB))
                if done.code == 0:
                    break
                self.check_failure(done, EXHAUSTED)
                failed_amid_steps += "long.jsonl:1: out of memory" in done.err
        self.assertGreater(failed_amid_steps, 0, "no limit was met while the engine computed")

    def test_no_room_for_a_thread(self):
        done = self.run_cupel("generate", "--model", SMOLLM2, "--prompt", "a", "--threads", 1024, timeout=120,
                              preexec_fn=at_most(1024 * MIB))
        self.check_failure(done, EXHAUSTED, says="cannot start a thread")


class PeakMemoryTest(CupelTest):
    """Weights stand in memory once: what was mapped goes as it is packed."""

    ALLOWANCE = 4 * MIB  # the binary and its libraries

    def peak_of(self, *args):
        process = self.start(*args)
        out = process.stdout.read()
        error = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0, error)
        self.assertTrue(out)
        return usage.ru_maxrss * 1024

    def check(self, model, cache):
        types = self.ok("inspect", model, "--format", "json").json()["types"]
        weights = sum(row["bytes"] for row in types)
        peak = self.peak_of("generate", "--model", f"m={model}", "--raw", "--prompt", "The quick brown fox jumps",
                            "--max-tokens", 64, "--temperature", 0, "--threads", 2)
        self.assertGreater(peak, weights)
        self.assertLess(peak, 1.3 * weights + cache + self.ALLOWANCE)

    # The cache: two pages of 64 positions, keys and values in 16 bits.
    @needs_model(SMOLLM2)
    def test_smollm2(self):
        self.check(SMOLLM2, cache=128 * 30 * 2 * 3 * 64 * 2)

    @needs_model(GEMMA)
    def test_gemma(self):
        self.check(GEMMA, cache=128 * 18 * 2 * 1 * 256 * 2)


class HostileFileTest(CupelTest):
    def gguf(self, alignment):
        """No tensors, and one entry: 57 bytes that once asked for 3 GiB of padding."""
        key = b"general.alignment"
        return struct.pack("<4sIQQQ", b"GGUF", 3, 0, 1, len(key)) + key + struct.pack("<II", 4, alignment)

    def test_a_few_bytes_do_not_ask_for_much(self):
        for alignment, says in ((3 << 30, "general.alignment"), (1 << 30, "general.alignment"),
                                (1 << 20, "holds no tensors")):
            with self.subTest(alignment):
                path = self.file("tiny.gguf", self.gguf(alignment))
                done = self.run_cupel("quantize", path, "out.gguf", preexec_fn=at_most(1024 * MIB))
                self.check_failure(done, CORRUPT, says=[str(path), says])
                self.assertFalse((self.folder / "out.gguf").exists())


if __name__ == "__main__":
    main()
