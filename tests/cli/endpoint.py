"""A scripted OpenAI-compatible endpoint on a port of its own, in threads of the test."""
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Reply:
    """One answer. `pieces` are sent one by one in chunks, `body` whole. `end`: "whole"; "cut" closes the connection
    before the announced end; "hang" sends nothing more until the server is closed. `delay`: seconds before it."""

    def __init__(self, body="", status=200, headers=None, pieces=None, end="whole", delay=0, kind="application/json"):
        self.body = body if isinstance(body, bytes) else body.encode()
        self.status, self.headers, self.pieces, self.end, self.delay = status, headers or {}, pieces, end, delay
        self.kind = kind


class Request:
    """A request as it was read."""

    def __init__(self, path, headers, body):
        self.path, self.headers, self.body = path, headers, body
        self.json = json.loads(body)

    @property
    def last_message(self):
        return self.json["messages"][-1]["content"]

    @property
    def streamed(self):
        return self.json.get("stream", False)


def completion(text, reason="stop", prompt_tokens=7, completion_tokens=3, **choice):
    return json.dumps({"id": "c", "object": "chat.completion",
                       "choices": [{"index": 0, "message": {"role": "assistant", "content": text},
                                    "finish_reason": reason, **choice}],
                       "usage": {"prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens}})


def events(texts, reason="stop", done=True):
    """The pieces of a streamed answer; without `done` it stops after the texts."""
    chunks = [{"choices": [{"index": 0, "delta": {"content": text}}]} for text in texts]
    if done:
        chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
    pieces = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
    return pieces + ["data: [DONE]\n\n"] if done else pieces


def chat_reply(request, text, reason="stop", **options):
    """The same answer streamed or not, as the request asks."""
    if request.streamed:
        words = [text[i:i + 5] for i in range(0, len(text), 5)]
        return Reply(pieces=events(words, reason), kind="text/event-stream", **options)
    return Reply(completion(text, reason), **options)


def label_reply(yes, no):
    """One token whose alternatives are Yes and No, as `score_labels` asks for it."""
    top = [{"token": "Yes", "logprob": yes}, {"token": "No", "logprob": no}]
    return Reply(completion("Yes", logprobs={"content": [{**top[0], "top_logprobs": top}]}))


class Endpoint:
    """`with Endpoint(script) as endpoint:`; `script(request, index)` gives the Reply to the index-th request."""

    def __init__(self, script):
        self.script = script
        self.requests = []
        self.lock = threading.Lock()
        self.closing = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()

    def url(self, path="/v1"):
        return f"http://127.0.0.1:{self.server.server_address[1]}{path}"

    def spec(self, name="remote", options=""):
        return f"{name}=openai:scripted@{self.url()}{options}"

    def _answer(self, handler):
        length = int(handler.headers.get("Content-Length", 0))
        request = Request(handler.path, dict(handler.headers), handler.rfile.read(length))
        with self.lock:
            index = len(self.requests)
            self.requests.append(request)
        reply = self.script(request, index)
        self.closing.wait(reply.delay)
        handler.send_response(reply.status)
        handler.send_header("Content-Type", reply.kind)
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        chunked = reply.pieces is not None
        extra = 100 if reply.end != "whole" else 0  # bytes that are announced and never come
        handler.send_header(*(("Transfer-Encoding", "chunked") if chunked
                              else ("Content-Length", str(len(reply.body) + extra))))
        handler.end_headers()
        for piece in reply.pieces or []:
            data = piece.encode() if isinstance(piece, str) else piece
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        if not chunked:
            handler.wfile.write(reply.body)
        if reply.end == "hang":
            self.closing.wait()
        elif reply.end == "whole" and chunked:
            handler.wfile.write(b"0\r\n\r\n")
        handler.close_connection = reply.end != "whole"

    def _handler(self):
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle(self):
                try:
                    super().handle()
                except (BrokenPipeError, ConnectionResetError):  # the client gave up, as it may
                    pass

            def do_POST(self):
                endpoint._answer(self)

            def log_message(self, *_):
                pass

        return Handler


def refused_url():
    """An address where nothing listens: the port of a server that is closed again."""
    with Endpoint(lambda request, index: Reply()) as endpoint:
        return endpoint.url()


def wait_until(condition, timeout=20):
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("what the test waits for did not happen")
        time.sleep(0.005)
