#!/usr/bin/env python3
"""cupel pull against a scripted hub: fetching, resuming after a kill, what a model spec makes of the cache."""
import hashlib
import json
import re
import resource
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from endpoint import wait_until
from support import CORRUPT, ENDPOINT, EXHAUSTED, INTERRUPTED, MISSING, USAGE, CupelTest, main

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hf_s3cr3tOfTheEnvironment"


class Hub:
    """A hub of one repository, org/model. With `stop_after`, an answer stands still after so many bytes of a file."""

    def __init__(self, files, stop_after=None):
        self.files, self.stop_after = files, stop_after
        self.requests = []
        self.closing = threading.Event()
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle(self):
                try:
                    super().handle()
                except (BrokenPipeError, ConnectionResetError):  # the client was killed
                    pass

            def do_GET(self):
                hub.requests.append((self.path, dict(self.headers)))
                hub.answer(self)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    @property
    def ranges(self):
        return [headers.get("Range") for path, headers in self.requests if "/resolve/" in path]

    def listing(self):
        return {"sha": COMMIT, "siblings": [
            {"rfilename": name, "size": len(data), "blobId": "0" * 40,
             "lfs": {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}}
            for name, data in self.files.items()]}

    def answer(self, handler):
        if handler.path == "/api/models/org/model/revision/main?blobs=true":
            return self.send(handler, 200, json.dumps(self.listing()).encode())
        name = handler.path.removeprefix(f"/org/model/resolve/{COMMIT}/")
        if name not in self.files:
            return self.send(handler, 404, b'{"error": "Repository not found"}')
        data = self.files[name]
        first = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        if first is None:
            return self.send(handler, 200, data)
        begin = int(first[1])
        return self.send(handler, 206, data[begin:], {"Content-Range": f"bytes {begin}-{len(data) - 1}/{len(data)}"})

    def send(self, handler, status, body, headers=None):
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), "ETag": '"v1"', **(headers or {})}.items():
            handler.send_header(name, value)
        handler.end_headers()
        if self.stop_after is not None and "/resolve/" in handler.path:
            handler.wfile.write(body[:self.stop_after])
            handler.wfile.flush()
            self.closing.wait()
            handler.close_connection = True
        else:
            handler.wfile.write(body)


class PullTest(CupelTest):
    def setUp(self):
        super().setUp()
        for name in ("CUPEL_CACHE", "CUPEL_HUB", "HF_ENDPOINT", "CUPEL_HUB_TOKEN", "HF_TOKEN"):
            self.environment.pop(name, None)
        self.cache = self.folder / ".cache/cupel"
        self.files = {"m.Q8_0.gguf": self.tiny_model().read_bytes(), "m.Q2_K.gguf": b"x" * 1000, "README.md": b"read me"}

    def final_files(self):
        return [path.name for path in self.cache.rglob("files/**/*") if path.is_file()]

    def partial_bytes(self):
        return sum(path.stat().st_size for path in self.cache.rglob("*.partial"))

    def test_fetches_a_model_that_then_runs(self):
        with Hub(self.files) as hub:
            done = self.ok("pull", "org/model", "--hub", hub.url + "/")
        path = self.cache / f"models/org/model/{COMMIT}/files/m.Q8_0.gguf"
        self.assertEqual(done.out, f"{path}\n")
        self.assertRegex(done.err, r"\Am\.Q8_0\.gguf: [0-9.]+ [kM]B, SHA-256 checked\n\Z")
        self.assertEqual(path.read_bytes(), self.files["m.Q8_0.gguf"])
        for spec in ("org/model", "a=org/model:m.Q8_0.gguf", "org/model@main", f"org/model@{COMMIT}", "org/model:*Q8*"):
            self.ok("generate", "--raw", "--model", spec, "--prompt", "a", "--max-tokens", 2)
        self.fails(MISSING, "generate", "--model", "org/model:*q4*", "--prompt", "a", says="cupel pull org/model:*q4*")
        shown = self.ok("pull", "--list").out
        self.assertRegex(shown, r"org/model +main +0123456789 +[0-9.]+ [kM]B +m\.Q8_0\.gguf")
        listed = self.ok("pull", "--list", "--format", "json").json()["models"]
        self.assertEqual([(m["repository"], m["commit"], m["revisions"]) for m in listed],
                         [("org/model", COMMIT, ["main"])])
        self.assertEqual(listed[0]["files"][0]["file"], str(path))
        self.assertIn("removed org/model", self.ok("pull", "--remove", "org/model").out)
        self.assertEqual(self.final_files(), [])
        self.fails(MISSING, "pull", "--remove", "org/model", says="not in the cache")

    def test_the_environment_names_hub_cache_and_token(self):
        self.environment.update(CUPEL_CACHE=str(self.folder / "mine"), HF_TOKEN=TOKEN)
        with Hub(self.files) as hub:
            self.environment["HF_ENDPOINT"] = hub.url
            done = self.ok("pull", "org/model:*.gguf", "--format", "json")
            denied = self.fails(MISSING, "pull", "org/other", says='HTTP 404, "Repository not found"')
            self.assertTrue(all(headers["Authorization"] == f"Bearer {TOKEN}" for _, headers in hub.requests))
        self.assertEqual(done.json()["fetched"], 2)
        self.assertEqual(sorted(file["path"] for file in done.json()["files"]), ["m.Q2_K.gguf", "m.Q8_0.gguf"])
        for text in (done.out, done.err, denied.err):
            self.assertNotIn(TOKEN, text)
        for path in (self.folder / "mine").rglob("*"):
            self.assertTrue(path.is_dir() or TOKEN.encode() not in path.read_bytes(), path)
        self.fails(USAGE, "generate", "--model", "org/model", "--prompt", "a", says="m.Q2_K.gguf, m.Q8_0.gguf")

    def test_goes_on_after_a_kill_and_after_an_interrupt(self):
        data = bytes(range(256)) * 4000
        with Hub({"m.gguf": data}, stop_after=300_000) as hub:
            process = self.start("pull", "org/model", "--hub", hub.url)
            wait_until(lambda: self.partial_bytes() == 300_000)
            process.send_signal(signal.SIGKILL)
            process.wait()
            self.assertEqual(self.final_files(), [])
            process = self.start("pull", "org/model", "--hub", hub.url)
            wait_until(lambda: self.partial_bytes() == 600_000)
            process.send_signal(signal.SIGINT)
            self.check_failure(self.finish(process), INTERRUPTED, "the same command goes on")
            self.assertEqual(self.final_files(), [])
            self.assertIn("incomplete", self.ok("pull", "--list").out)
            self.fails(MISSING, "generate", "--model", "org/model", "--prompt", "a", says="cupel pull org/model")
            hub.stop_after = None
            done = self.ok("pull", "org/model", "--hub", hub.url)
            self.assertEqual(hub.ranges, [None, "bytes=300000-", "bytes=600000-"])
        self.assertIn("SHA-256 checked", done.err)
        self.assertEqual((self.folder / done.out.strip()).read_bytes(), data)
        self.assertEqual(self.partial_bytes(), 0)

    def test_two_at_one_time_do_not_meet(self):
        with Hub({"m.gguf": b"x" * 1000}, stop_after=100) as hub:
            self.start("pull", "org/model", "--hub", hub.url)
            wait_until(lambda: self.partial_bytes() == 100)
            self.fails(USAGE, "pull", "org/model", "--hub", hub.url, says="another cupel pull works on this model")
            self.fails(USAGE, "pull", "--remove", "org/model", says="another cupel pull works on this model")

    def test_a_full_disk_leaves_what_can_be_gone_on_from(self):
        def small_files():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))

        with Hub({"m.gguf": b"x" * 1_000_000}) as hub:
            self.fails(EXHAUSTED, "pull", "org/model", "--hub", hub.url, says="free some space",
                       preexec_fn=small_files)
            self.assertEqual(self.final_files(), [])
            self.assertEqual(self.partial_bytes(), 100_000)
            self.ok("pull", "org/model", "--hub", hub.url)
            self.assertEqual(hub.ranges[-1], "bytes=100000-")

    def test_hostile_hubs_write_nothing_outside(self):
        with Hub({"../../../../evil.gguf": b"x"}) as hub:
            self.fails(CORRUPT, "pull", "org/model", "--hub", hub.url, says='"../../../../evil.gguf"')
        self.assertEqual(list(self.folder.rglob("evil*")), [])
        with Hub({}) as hub:
            hub.listing = lambda: "<html>"
            self.fails(CORRUPT, "pull", "org/model", "--hub", hub.url, says="org/model at main")
        self.fails(ENDPOINT, "pull", "org/model", "--hub", hub.url, says="no connection")

    def test_a_path_that_exists_wins(self):
        self.file("org/model.gguf", self.files["m.Q8_0.gguf"])
        self.file("org/odd:name.gguf", self.files["m.Q8_0.gguf"])
        self.file("org/model", "no model")
        self.ok("generate", "--raw", "--model", "org/model.gguf", "--prompt", "a", "--max-tokens", 1)
        self.ok("generate", "--raw", "--model", "org/odd:name.gguf", "--prompt", "a", "--max-tokens", 1)
        self.fails(USAGE, "generate", "--model", "org/model", "--prompt", "a", says="does not end in .gguf")
        self.fails(MISSING, "generate", "--model", "org/none:x.gguf", "--prompt", "a",
                   says=["org/none:x.gguf is no file here", "cupel pull org/none:x.gguf"])

    def test_mistakes(self):
        self.fails(USAGE, "pull", says="name a model as ORG/NAME")
        self.fails(USAGE, "pull", "model", says="expected ORG/NAME")
        self.fails(USAGE, "pull", "org/model@a", "--revision", "b", says="names a revision already")
        self.fails(USAGE, "pull", "org/model", "--revision", "../..", says="names no model on a hub")
        self.fails(USAGE, "pull", "org/model", "--hub", "ftp://x", says="expected http://HOST")
        self.fails(USAGE, "pull", "org/model", "--hub", f"http://me:{TOKEN}@localhost", says="user name")
        self.fails(USAGE, "pull", "org/model", "--list", says="leave the rest out")
        self.environment["HF_TOKEN"] = "two words"
        self.fails(USAGE, "pull", "org/model", says="HF_TOKEN holds characters")


if __name__ == "__main__":
    main()
