#!/usr/bin/env python3
"""An evaluation that is killed, interrupted or added to goes on where it was, and ends as if nothing had happened."""
import collections
import os
import random
import signal
import subprocess
import time

from endpoint import Endpoint, Reply, chat_reply, wait_until
from support import (INTERRUPTED, SMOLLM2, TOUCHSTONE, CupelTest, json_lines, main, needs_model, read_json_lines,
                     without_measurements, write_json_lines)

KILLS = 20
KILLS_OF_ONE_RUN = 4
SEED = int(os.environ.get("CUPEL_TEST_SEED", "20240613"))
JUDGE = "judge=null:Rating: [[7]]"


class ResumeTest(CupelTest):
    def arguments(self, out, *more):
        return ["eval", "--bench", TOUCHSTONE, "--out", out, "--quiet", *more]

    def finished(self, out):
        """The rows of a run that may have been killed while it wrote one: key to row, without clock readings."""
        path = self.folder / out / "results.jsonl"
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        rows = json_lines(text[:text.rfind("\n") + 1])
        keys = [row["key"] for row in rows]
        self.assertEqual(len(keys), len(set(keys)), "a row was written twice")
        clock = ("started", "ended", "seconds")
        return {row["key"]: {k: v for k, v in row["row"].items() if k not in clock} for row in rows}

    def report(self, out):
        return without_measurements(self.ok("report", out, "--format", "json").json())

    def check_same(self, out, whole):
        self.assertEqual(self.report(out), self.report(whole))
        self.assertEqual(self.finished(out), self.finished(whole))
        self.assertEqual(list((self.folder / out).rglob("*.tmp")), [])
        for model in (self.folder / whole / "model_answer").iterdir():
            for mine, expected in zip(read_json_lines(self.folder / out / "model_answer" / model.name),
                                      read_json_lines(model), strict=True):
                self.assertEqual({**mine, "tstamp": 0}, {**expected, "tstamp": 0})

    def undisturbed(self, arguments):
        begin = time.monotonic()
        self.ok(*arguments)
        return time.monotonic() - begin

    def kill_after(self, arguments, seconds):
        """Starts the command and kills it; True when it was still running."""
        process = self.start(*arguments)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:  # the usual case
            process.kill()
        self.finish(process)
        return process.returncode == -signal.SIGKILL

    def disturbed_runs(self, arguments_of, duration):
        """Kills runs, each several times, until there were KILLS kills; yields the folder of each run that got to its
        end, and what was finished at each kill."""
        draw = random.Random(SEED)
        print(f"seed {SEED}; an undisturbed run takes {duration:.2f} s")
        kills = run = 0
        while kills < KILLS:
            run += 1
            out, at_kill = f"killed-{run}", []
            for _ in range(min(KILLS_OF_ONE_RUN, KILLS - kills)):
                seconds = draw.uniform(0, duration)
                if not self.kill_after(arguments_of(out), seconds):
                    break  # it got to its end first: the next run is killed in its place
                kills += 1
                at_kill.append(self.finished(out))
                print(f"kill {kills}: run {run} after {seconds:.3f} s, {len(at_kill[-1])} rows finished")
                self.between_kills(out)
            done = self.ok(*arguments_of(out))
            self.assertEqual(done.err, "")
            yield out, at_kill

    def between_kills(self, out):
        """For tests that look at each kill."""


@needs_model(SMOLLM2)
class KilledLocalModelTest(ResumeTest):
    def arguments_of(self, out):
        return self.arguments(out, "--limit", 2, "--max-tokens", 24, "--model", f"smol={SMOLLM2}",
                              "--model", "null:I am happy to help.", "--judge", f"judge={SMOLLM2}")

    def test_killed_runs_end_with_the_undisturbed_report(self):
        duration = self.undisturbed(self.arguments_of("whole"))
        for out, at_kill in self.disturbed_runs(self.arguments_of, duration):
            self.check_same(out, "whole")
            for rows in at_kill:
                self.assertEqual(rows, {key: self.finished(out)[key] for key in rows})

    def test_ctrl_c_and_terminate_stop_cleanly(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            out = f"stopped-{number.name}"
            process = self.start(*self.arguments_of(out))
            wait_until(lambda: "answer/smol" in str(self.finished(out).keys()))
            process.send_signal(number)
            begin = time.monotonic()
            done = self.finish(process)
            self.assertLess(time.monotonic() - begin, 5)
            self.check_failure(done, INTERRUPTED, ["the same command goes on from here"])
            self.ok(*self.arguments_of(out))
        self.ok(*self.arguments_of("whole"))
        self.check_same("stopped-SIGINT", "whole")
        self.check_same("stopped-SIGTERM", "whole")

    def test_ctrl_c_stops_an_answer_of_chat_and_not_the_chat(self):
        process = self.start("chat", "--model", SMOLLM2, "--max-tokens", 8000, "--temperature", 2, "--top-p", 1)
        process.stdin.write(b"Tell me a very long story.\n")
        process.stdin.flush()
        self.assertTrue(process.stdout.read(1))
        process.send_signal(signal.SIGINT)
        process.stdin.write(b"/new\n")  # read only when the answer has ended
        done = self.finish(process, timeout=20)
        self.assertEqual((done.code, done.err), (0, ""))

    def test_ctrl_c_leaves_nothing_of_generate_and_quantize(self):
        prompts = write_json_lines(self.folder / "prompts.jsonl", [{"prompt": f"Write {n} words."} for n in range(400)])
        process = self.start("generate", "--model", SMOLLM2, "--input", prompts, "--max-tokens", 1000, "--format", "json")
        time.sleep(0.7)
        process.send_signal(signal.SIGINT)
        done = self.finish(process, timeout=10)
        self.assertLess(len(done.rows()), 400)  # whole lines of what was answered by then, if anything
        done.out = ""
        self.check_failure(done, INTERRUPTED)
        process = self.start("quantize", SMOLLM2, "out.gguf", "--type", "q4_0", "--threads", 1)
        time.sleep(0.3)  # it takes several seconds on one thread
        process.send_signal(signal.SIGINT)
        self.check_failure(self.finish(process, timeout=10), INTERRUPTED)
        self.assertEqual(list(self.folder.glob("out.gguf*")), [])


class KilledEndpointTest(ResumeTest):
    """Contender and judge are an endpoint that counts what it is asked."""

    CALLS_AT_ONCE = 2

    def setUp(self):
        super().setUp()
        self.asked = collections.Counter()
        self.finished_calls = collections.Counter()  # what was finished at the last kill, and is asked for no more
        self.repeated = []
        self.endpoint = self.enterContext(Endpoint(self.script))
        questions = read_json_lines(TOUCHSTONE / "question.jsonl")
        self.turns = {(q["question_id"], turn): text for q in questions for turn, text in enumerate(q["turns"], 1)}

    def script(self, request, index):
        call = request.last_message
        self.asked[call] += 1
        if call in self.finished_calls:
            self.repeated.append(call)
        judging = "double square brackets" in request.body.decode()
        text = f"Rating: [[{len(call) % 10 + 1}]]" if judging else f"{call.upper()[:40]}, you say?"
        return chat_reply(request, text, delay=0.02)

    def arguments_of(self, out):
        spec = f",concurrency={self.CALLS_AT_ONCE}"
        return self.arguments(out, "--limit", 4, "--protocol", "single", "--model", self.endpoint.spec("remote", spec),
                              "--judge", self.endpoint.spec("judge", spec))

    def call_of(self, key, row):
        """The last message of the request that a row was made by."""
        kind, name, question, turn = key.split("/")[0], key.split("/")[1], *map(int, key.split("/")[-2:])
        self.assertIn(name, ("remote", "judge"))
        return row["user_prompt"] if kind == "verdict" else self.turns[question, turn]

    def between_kills(self, out):
        self.finished_calls = {self.call_of(key, row) for key, row in self.finished(out).items()}

    def test_no_call_is_made_twice_for_a_finished_row(self):
        duration = self.undisturbed(self.arguments_of("whole"))
        rows = len(self.finished("whole"))
        self.assertEqual(rows, 16)
        self.assertEqual((len(self.asked), sum(self.asked.values())), (rows, rows))
        self.asked.clear()
        for out, at_kill in self.disturbed_runs(self.arguments_of, duration):
            self.check_same(out, "whole")
            self.assertEqual(self.repeated, [])
            calls = {self.call_of(key, row) for key, row in self.finished(out).items()}
            self.assertEqual(set(self.asked), calls)
            # Twice is asked only what was on its way at a kill: of each side no more than run at once.
            again = sum(self.asked.values()) - rows
            self.assertLessEqual(again, len(at_kill) * 2 * self.CALLS_AT_ONCE)
            self.asked.clear()
            self.finished_calls = set()

    def test_a_finished_run_asks_for_nothing(self):
        self.ok(*self.arguments_of("whole"))
        before = (self.folder / "whole/results.jsonl").read_bytes()
        asked = len(self.endpoint.requests)
        self.ok(*self.arguments_of("whole"))
        self.assertEqual(len(self.endpoint.requests), asked)
        self.assertEqual((self.folder / "whole/results.jsonl").read_bytes(), before)

    def test_ctrl_c_does_not_wait_for_calls_that_hang(self):
        silent = self.enterContext(Endpoint(lambda request, index: Reply(end="hang")))
        null, hanging = "null:Hello.", silent.spec("silent", ",timeout=60")
        for name, args in (("contender", ["--protocol", "single", "--model", hanging, "--judge", "judge=null:[[5]]"]),
                           ("grader", ["--protocol", "single", "--model", null, "--judge", hanging]),
                           ("checklist", ["--protocol", "checklist", "--model", null, "--judge", hanging])):
            with self.subTest(name):
                asked = len(silent.requests)
                process = self.start(*self.arguments(f"hang-{name}", "--limit", 4, *args))
                wait_until(lambda: len(silent.requests) > asked)
                begin = time.monotonic()
                process.send_signal(signal.SIGINT)
                self.check_failure(self.finish(process, timeout=10), INTERRUPTED, ["the same command goes on from here"])
                self.assertLess(time.monotonic() - begin, 2)

    def test_ctrl_c_keeps_what_is_finished(self):
        process = self.start(*self.arguments_of("stopped"))
        wait_until(lambda: len(self.finished("stopped")) >= 4)
        process.send_signal(signal.SIGINT)
        self.check_failure(self.finish(process, timeout=10), INTERRUPTED, ["the same command goes on from here"])
        self.between_kills("stopped")
        self.assertLess(len(self.finished("stopped")), 16)
        self.ok(*self.arguments_of("stopped"))
        self.assertEqual(self.repeated, [])
        self.ok(*self.arguments_of("whole"))
        self.check_same("stopped", "whole")


class AddedTest(ResumeTest):
    """Models and judges are added to a run; nothing that is there is asked for or written again."""

    def run_with(self, models, judge):
        args = [word for model in models for word in ("--model", model)]
        return self.ok(*self.arguments("run", "--limit", 2, "--protocol", "single", *args, "--judge", judge)), \
            (self.folder / "run/results.jsonl").read_text(encoding="utf-8")

    def test_a_further_model_and_another_judge(self):
        _, one = self.run_with(["a=null:first"], JUDGE)
        _, two = self.run_with(["b=null:second"], JUDGE)
        self.assertTrue(two.startswith(one))
        self.assertEqual({row["model"] for row in self.report("run")["leaderboard"]}, {"a", "b"})
        done, three = self.run_with(["a=null:first", "c=null:third"], "strict=null:[[3]]")
        self.assertTrue(three.startswith(two))
        keys = [row["key"] for row in json_lines(three)]
        self.assertEqual(len(keys), len(set(keys)))
        report = self.report("run")
        self.assertEqual((report["judge"], report["incomplete"]), ("strict", []))
        self.assertEqual({row["model"]: row["score"] for row in report["leaderboard"]}, {"a": 3, "b": 3, "c": 3})
        old = self.ok("report", "run", "--judge", "judge", "--format", "json").json()
        self.assertEqual({row["model"]: row["score"] for row in old["leaderboard"]}, {"a": 7, "b": 7})
        self.assertEqual(old["incomplete"], ["c"])

    def test_a_run_grows_with_its_limit(self):
        args = ["--protocol", "single", "--model", "null:a", "--judge", JUDGE]
        self.ok(*self.arguments("run", "--limit", 1, *args))
        first = self.finished("run")
        self.ok(*self.arguments("run", "--limit", 3, *args))
        self.assertEqual(len(self.finished("run")), 3 * len(first))
        self.assertEqual(self.report("run")["rows_per_model"], 6)
        self.ok(*self.arguments("run", "--limit", 1, *args))
        self.assertEqual(self.report("run")["rows_per_model"], 2)


if __name__ == "__main__":
    main()
