#!/usr/bin/env python3
"""Keys and the queries of endpoint URLs reach the endpoint and nothing else: no file of a run, no message."""
from endpoint import Endpoint, Reply, chat_reply
from support import TOUCHSTONE, USAGE, CupelTest, main

SECRET = "s3cr3t-of-the-query"
KEY = "k3y-of-the-environment"


class SecretsTest(CupelTest):
    def setUp(self):
        super().setUp()
        self.environment["SCRIPTED_KEY"] = KEY

    def spec(self, name, endpoint):
        return f"{name}=openai:scripted@{endpoint.url()}?api-key={SECRET},key-env=SCRIPTED_KEY,concurrency=2"

    def run_with(self, script, *more):
        with Endpoint(script) as endpoint:
            done = self.run_cupel("eval", "--bench", TOUCHSTONE, "--limit", 1, "--protocol", "single", "--model",
                                  self.spec("a", endpoint), "--judge", self.spec("judge", endpoint), "--out", "run",
                                  "--quiet", *more)
            self.assertGreater(len(endpoint.requests), 0, done)
            for request in endpoint.requests:
                self.assertIn(f"?api-key={SECRET}", request.path)
                self.assertEqual(request.headers["Authorization"], f"Bearer {KEY}")
        return done

    def check_nothing_shows(self, done):
        for secret in (SECRET, KEY):
            self.assertNotIn(secret, done.out + done.err)
            for path in (self.folder / "run").rglob("*"):
                self.assertTrue(path.is_dir() or secret.encode() not in path.read_bytes(), path)

    def test_a_run_does_not_hold_them(self):
        done = self.run_with(lambda request, index: chat_reply(request, "Rating: [[7]]"))
        self.assertEqual(done.code, 0, done)
        self.check_nothing_shows(done)
        for name in ("manifest.json", "report.json", "report.html"):
            text = (self.folder / "run" / name).read_text(encoding="utf-8").replace("<wbr/>", "")  # may break there
            self.assertRegex(text, r"openai:scripted@http://127\.0\.0\.1:[0-9]+/v1,key-env=SCRIPTED_KEY,concurrency=2")
        self.check_nothing_shows(self.ok("report", "run"))
        self.check_nothing_shows(self.ok("report", "run", "--format", "json"))

    def test_an_endpoint_that_repeats_them_does_not_betray_them(self):
        echo = f'{{"error": {{"message": "POST /v1/chat/completions?api-key={SECRET} with Bearer {KEY} is refused"}}}}'
        done = self.run_with(lambda request, index: Reply(echo, status=403))
        self.assertNotEqual(done.code, 0)
        self.assertIn("is refused", done.err)
        self.check_nothing_shows(done)

    def test_a_spec_that_makes_no_sense_is_repeated_without_them(self):
        for spec in (f"j=openai:m@http://localhost/v1?api-key={SECRET},tiemout=3",
                     f"j=openai:@http://localhost/v1?api-key={SECRET}",
                     f"a b=openai:m@http://localhost/v1?api-key={SECRET}",
                     f"j=openai:m@http://me:{SECRET}@localhost/v1"):
            with self.subTest(spec):
                self.check_nothing_shows(self.fails(USAGE, "generate", "--model", spec, "--prompt", "a"))


if __name__ == "__main__":
    main()
