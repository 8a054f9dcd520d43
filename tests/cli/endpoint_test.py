#!/usr/bin/env python3
"""Models behind an OpenAI-compatible endpoint, and every way in which one can fail."""
import concurrent.futures
import re
import time

from endpoint import Endpoint, Reply, chat_reply, completion, events, refused_url
from support import (CORRUPT, ENDPOINT, EXHAUSTED, MISSING, TOUCHSTONE, USAGE, CupelTest, json_lines, main,
                     read_json_lines, without_measurements, write_json_lines)

SECRET = "sk-a-secret-that-may-stand-nowhere"
HTML = f"<!DOCTYPE html><html><body>Bad gateway, {SECRET}</body></html>"
# Five attempts, with waits of 0.25-0.5, 0.5-1, 1-2 and 2-4 s between them.
TRIED = "(tried 5 times)"


def says(text, **options):
    return lambda request, index: chat_reply(request, text, **options)


def first(replies, then):
    """The script that gives these replies to the first requests and `then` to all others."""
    return lambda request, index: replies[index] if index < len(replies) else then(request, index)


class EndpointTest(CupelTest):
    def setUp(self):
        super().setUp()
        self.environment["OPENAI_API_KEY"] = SECRET

    def generate(self, endpoint, *args, options=""):
        return self.run_cupel("generate", "--model", endpoint.spec(options=options), *args)

    def check_no_secret(self, *outcomes):
        for done in outcomes:
            self.assertNotIn(SECRET, done.out + done.err)
        for path in self.folder.rglob("*"):
            if path.is_file():
                self.assertNotIn(SECRET.encode(), path.read_bytes(), path)


class AnswerTest(EndpointTest):
    def test_streamed_and_whole_answers(self):
        with Endpoint(says("Paris is\nthe “capital”.")) as endpoint:
            streamed = self.generate(endpoint, "--prompt", "Capital?", "--max-tokens", 9)
            self.assertEqual((streamed.code, streamed.out, streamed.err), (0, "Paris is\nthe “capital”.\n", ""))
            source = write_json_lines(self.folder / "in.jsonl", [{"prompt": "Capital?"}] * 2)
            self.assertEqual(self.generate(endpoint, "--input", source).out, 2 * streamed.out)
            self.assertEqual([request.streamed for request in endpoint.requests], [True, False, False])
        request = endpoint.requests[0]
        self.assertEqual(request.path, "/v1/chat/completions")
        self.assertEqual(request.headers["Authorization"], f"Bearer {SECRET}")
        self.assertEqual(request.json["model"], "scripted")
        self.assertEqual(request.json["messages"], [{"role": "user", "content": "Capital?"}])
        self.assertEqual(request.json["max_tokens"], 9)
        self.assertEqual(request.json["temperature"], 0)

    def test_further_members_of_every_request(self):
        with Endpoint(says("Paris")) as endpoint:
            self.file("body.json", '{"reasoning_effort": "low", "top_k": 5}')
            self.assertEqual(self.generate(endpoint, "--prompt", "Capital?", options=",body=body.json").code, 0)
            self.assertEqual({key: endpoint.requests[0].json[key] for key in ("reasoning_effort", "top_k")},
                             {"reasoning_effort": "low", "top_k": 5})
            for content, code, text in (("[1]", CORRUPT, "expected an object"), ("{", CORRUPT, "list.json")):
                self.file("list.json", content)
                done = self.generate(endpoint, "--prompt", "a", options=",body=list.json")
                self.check_failure(done, code, text)
            self.check_failure(self.generate(endpoint, "--prompt", "a", options=",body=no.json"), MISSING, "no.json")

    def test_json_needs_log_probabilities(self):
        content = [{"token": "Par", "logprob": -0.5}, {"token": "is", "logprob": -0.25}]
        with Endpoint(lambda request, index: Reply(completion("Paris", logprobs={"content": content}))) as endpoint:
            done = self.generate(endpoint, "--prompt", "Capital?", "--format", "json")
            row, = done.rows()
            self.assertEqual((row["text"], row["ids"], row["logprobs"]), ("Paris", [], [-0.5, -0.25]))
            self.assertEqual(row["usage"]["prompt_tokens"], 7)
        with Endpoint(says("Paris")) as endpoint:
            self.check_failure(self.generate(endpoint, "--prompt", "Capital?", "--format", "json"), CORRUPT,
                               ["no log-probabilities"])

    def test_lines_come_in_input_order_however_the_endpoint_answers(self):
        def script(request, index):
            return chat_reply(request, request.last_message.upper(), delay=0.3 if index == 0 else 0)
        source = write_json_lines(self.folder / "in.jsonl", [{"prompt": word} for word in "abcdef"])
        with Endpoint(script) as endpoint:
            self.assertEqual(self.generate(endpoint, "--input", source, options=",concurrency=2").out, "A\nB\nC\nD\nE\nF\n")

    def test_chat_sends_the_conversation_so_far(self):
        with Endpoint(lambda request, index: chat_reply(request, f"answer {index}")) as endpoint:
            done = self.ok("chat", "--model", endpoint.spec(), "--system", "Be brief.", stdin="one\ntwo\n")
            self.assertEqual(done.out, "answer 0\nanswer 1\n")
            self.assertEqual([(m["role"], m["content"]) for m in endpoint.requests[1].json["messages"]],
                             [("system", "Be brief."), ("user", "one"), ("assistant", "answer 0"), ("user", "two")])


class RetryTest(EndpointTest):
    def test_a_busy_endpoint_is_asked_again_when_it_says(self):
        busy = Reply('{"error": {"message": "slow down"}}', 429, {"Retry-After": "1"})
        with Endpoint(first([busy], says("fine"))) as endpoint:
            begin = time.monotonic()
            done = self.generate(endpoint, "--prompt", "a")
            self.assertEqual((done.code, done.out, done.err), (0, "fine\n", ""))
            self.assertGreaterEqual(time.monotonic() - begin, 1)
            self.assertEqual(len(endpoint.requests), 2)

    def test_passing_failures_are_tried_again(self):
        failures = [Reply(HTML, 502, kind="text/html"), Reply("", 500), Reply("{}", 503)]
        with Endpoint(first(failures[:2], says("fine"))) as endpoint:
            self.assertEqual(self.generate(endpoint, "--prompt", "a").out, "fine\n")
            self.assertEqual(len(endpoint.requests), 3)

    def test_a_stream_that_breaks_once_is_shown_once(self):
        broken = Reply(pieces=events(["The whole", " ans"], done=False), end="cut", kind="text/event-stream")
        with Endpoint(first([broken], says("The whole answer."))) as endpoint:
            self.assertEqual(self.generate(endpoint, "--prompt", "a").out, "The whole answer.\n")
        with Endpoint(first([broken], says("Another answer."))) as endpoint:
            done = self.generate(endpoint, "--prompt", "a")
            self.assertEqual((done.code, done.out), (ENDPOINT, "The whole ans"))
            self.assertRegex(done.err, r"\Acupel: [^\n]*differs from what was shown[^\n]*\n\Z")


class FailureTest(EndpointTest):
    # What the endpoint does: the exit code, and what the one line says. The last entries fail five times each.
    AT_ONCE = {
        "page": (lambda r, i: Reply(HTML, kind="text/html"), CORRUPT, ["expected JSON, got text/html", "/v1"]),
        "no JSON": (lambda r, i: Reply('{"choices": ['), CORRUPT, ["expected JSON"]),
        "other JSON": (lambda r, i: Reply('{"object": "list"}'), CORRUPT, ['"choices"']),
        "no choice": (lambda r, i: Reply('{"choices": []}'), CORRUPT, ['"choices" is empty']),
        "wrong key": (lambda r, i: Reply('{"error": {"message": "bad key %s"}}' % SECRET, 401), USAGE,
                      ["HTTP 401: bad key [key]", "check the API key in OPENAI_API_KEY"]),
        "forbidden": (lambda r, i: Reply("{}", 403), USAGE, ["HTTP 403", "OPENAI_API_KEY"]),
        "no model": (lambda r, i: Reply('{"error": "no such model"}', 404), MISSING,
                     ["HTTP 404: no such model", 'model id "scripted"']),
        "bad request": (lambda r, i: Reply('{"error": {"message": "too long"}}', 400), USAGE, ["HTTP 400: too long"]),
        "moved": (lambda r, i: Reply("", 301, {"Location": "http://localhost/v2"}), USAGE,
                  ["HTTP 301", "http://localhost/v2"]),
        "huge": (lambda r, i: Reply(b" " * (65 << 20)), EXHAUSTED, ["longer than"]),
    }
    AGAIN = {
        "overloaded": (lambda r, i: Reply(HTML, 503, kind="text/html"), ["HTTP 503"]),
        "cut": (lambda r, i: Reply(completion("The whole"), end="cut"), []),
        "cut stream": (lambda r, i: Reply(pieces=events(["The ", "who"], done=False), end="cut",
                                          kind="text/event-stream"), []),
        "ended stream": (lambda r, i: Reply(pieces=events(["The ", "who"], done=False), kind="text/event-stream"),
                         ["ended before the answer was complete"]),
        "hanging": (lambda r, i: Reply(delay=60), ["0.4"]),
        "hanging stream": (lambda r, i: Reply(pieces=events(["The ", "who"], done=False), end="hang",
                                              kind="text/event-stream"), ["0.4"]),
        "aborted": (lambda r, i: chat_reply(r, "The who", reason="abort"), ['finish_reason "abort"']),
    }

    def test_failures_that_no_second_try_mends(self):
        source = write_json_lines(self.folder / "in.jsonl", [{"prompt": "a"}] * 2)  # one alone is streamed
        for name, (script, code, words) in self.AT_ONCE.items():
            for args in (["--prompt", "a"], ["--input", source]):
                with self.subTest(name, args=args[0]), Endpoint(script) as endpoint:
                    done = self.generate(endpoint, *args)
                    self.check_failure(done, code, [endpoint.url(), *words])
                    streamed = [request.streamed for request in endpoint.requests]
                    self.assertEqual(streamed, [True] if args[0] == "--prompt" else [False] * 2)
                    self.check_no_secret(done)

    def failing(self, name, script, words, args):
        with Endpoint(script) as endpoint:
            done = self.generate(endpoint, *args, options=",timeout=0.4")
            with self.subTest(name, args=args[0]):
                self.assertEqual(done.code, ENDPOINT, done)
                self.assertIn(done.out, ("", "The who"))  # what came of a stream was shown already
                self.assertRegex(done.err, r"\Acupel: [^\n]+\n\Z")
                for word in [endpoint.url(), TRIED, *words]:
                    self.assertIn(word, done.err)
                self.assertEqual(len(endpoint.requests), 5 if args[0] == "--prompt" else 10)
                self.check_no_secret(done)

    def test_failures_that_last(self):
        source = write_json_lines(self.folder / "in.jsonl", [{"prompt": "a"}] * 2)
        with concurrent.futures.ThreadPoolExecutor(16) as pool:  # they wait most of the time
            waiting = [pool.submit(self.failing, name, script, words, args)
                       for name, (script, words) in self.AGAIN.items()
                       for args in (["--prompt", "a"], ["--input", source])
                       if args[0] == "--prompt" or "stream" not in name]
            waiting += [pool.submit(self.refusing, args) for args in (["--prompt", "a"], ["--input", source])]
            for one in waiting:
                one.result()

    def refusing(self, args):
        url = refused_url()
        done = self.run_cupel("generate", "--model", f"a=openai:m@{url}", *args)
        self.check_failure(done, ENDPOINT, [url, TRIED, "no connection"])

    def test_without_a_key_the_message_says_how_to_give_one(self):
        del self.environment["OPENAI_API_KEY"]
        with Endpoint(lambda request, index: Reply("{}", 401)) as endpoint:
            self.check_failure(self.generate(endpoint, "--prompt", "a"), USAGE,
                               ["no key was sent", "OPENAI_API_KEY", "key-env=VARIABLE"])
            self.assertNotIn("Authorization", endpoint.requests[0].headers)
        self.environment["MY_KEY"] = SECRET
        with Endpoint(says("fine")) as endpoint:
            self.assertEqual(self.generate(endpoint, "--prompt", "a", options=",key-env=MY_KEY").out, "fine\n")
            self.assertEqual(endpoint.requests[0].headers["Authorization"], f"Bearer {SECRET}")


class EvaluationTest(EndpointTest):
    """An evaluation whose contender and judge sit behind the same endpoint."""

    @staticmethod
    def answer(request, index=0):
        judging = "double square brackets" in request.body.decode()
        text = "It is fine. Rating: [[6]]" if judging else f"An answer of {len(request.body)} bytes."
        return chat_reply(request, text)

    def arguments(self, endpoint, out="run"):
        return ["eval", "--bench", TOUCHSTONE, "--limit", 3, "--protocol", "single", "--out", out, "--quiet",
                "--model", endpoint.spec("remote", ",concurrency=2"), "--model", "null:a",
                "--judge", endpoint.spec("judge", ",concurrency=2")]

    def report(self, out="run"):
        rows = without_measurements(self.ok("report", out, "--format", "json").json())
        for model in rows["leaderboard"]:
            model["spec"] = re.sub(r":\d+/", ":PORT/", model["spec"])
        return rows

    def test_the_run_stays_resumable_after_every_failure(self):
        with Endpoint(self.answer) as endpoint:
            self.ok(*self.arguments(endpoint, "whole"))
            requests_of_a_whole_run = len(endpoint.requests)
        self.assertEqual(requests_of_a_whole_run, 6 + 12)
        for name in ("wrong key", "no model", "page", "huge"):
            reply, code, words = FailureTest.AT_ONCE[name]
            failing = [False]

            def script(request, index):
                return reply(request, index) if failing[0] and index % 7 == 6 else self.answer(request)
            with self.subTest(name), Endpoint(script) as endpoint:
                arguments = self.arguments(endpoint, name)
                failing[0] = True
                done = self.run_cupel(*arguments)
                self.check_failure(done, code, [endpoint.url(), *words])
                finished = {row["key"]: row for row in read_json_lines(self.folder / name / "results.jsonl")}
                asked = len(endpoint.requests)
                failing[0] = False
                self.ok(*arguments)
                resumed = {row["key"]: row for row in read_json_lines(self.folder / name / "results.jsonl")}
                self.assertEqual(finished, {key: resumed[key] for key in finished})
                remote = sum(1 for key in finished if not key.startswith("answer/null/"))
                self.assertEqual(len(endpoint.requests) - asked, requests_of_a_whole_run - remote)
                self.assertEqual(self.report(name), self.report("whole"))
                self.check_no_secret(done)

    def test_a_hanging_endpoint_ends_the_run_within_its_time_limit(self):
        def script(request, index):
            return Reply(delay=60) if index >= 4 else self.answer(request)
        with Endpoint(script) as endpoint:
            arguments = [str(arg).replace("concurrency=2", "concurrency=2,timeout=0.4")
                         for arg in self.arguments(endpoint)]
            done = self.run_cupel(*arguments, timeout=40)
            self.check_failure(done, ENDPOINT, [endpoint.url(), TRIED, "0.4"])
            rows = json_lines((self.folder / "run/results.jsonl").read_text(encoding="utf-8"))
            self.assertEqual(sum(1 for row in rows if not row["key"].startswith("answer/null/")), 4)
            endpoint.script = lambda request, index: self.answer(request)
            self.ok(*arguments)
            self.check_no_secret(done)


if __name__ == "__main__":
    main()
