"""A real server on this machine that speaks as OpenAI-compatible ones do, over a language model of a few lines."""

import json
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Next = Callable[[str, str], Sequence[tuple[str, float]]]
"""The likeliest tokens with their probabilities, after the last user's message and the reply so far; "" ends it."""


@dataclass
class Fault:
    """What goes wrong with a request, in place of an answer or before it."""

    status: int = 0
    body: str = ""
    retry_after: str = ""
    gone: bool = False  # the connection is closed without a word
    cut: bool = False  # or in the middle of a stream


@dataclass
class LittleServer:
    """What it is asked is in `asked`; `fault` says by the number of a completion what goes wrong with it."""

    next: Next
    logprobs: bool = True
    grammars: bool = True
    fault: Callable[[int], Fault | None] = lambda _number: None
    listed: Any = field(default_factory=lambda: {"data": [{"id": "little", "max_model_len": 512}]})
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def complete(self, asked: dict[str, Any]) -> dict[str, Any]:
        *_, last = asked["messages"]
        text = last["content"] if last["role"] == "assistant" else ""
        user = next(m["content"] for m in reversed(asked["messages"]) if m["role"] == "user")
        grammar, before, tokens, finish = asked.get("grammar") if self.grammars else None, len(text), [], "length"
        while len(tokens) < asked["max_tokens"]:
            likely = [(grammar.split('"')[1], 1.0)] if grammar and not tokens else self.next(user, text)
            best = "" if grammar and tokens else max(likely, key=lambda each: each[1])[0]
            if not best:
                finish = "stop"
                if asked["max_tokens"] > 1:
                    break
            tokens.append((best, likely))
            text += best
            if places := [at for each in asked.get("stop", []) if (at := text.find(each, before)) >= 0]:
                text, finish = text[: min(places)], "stop"
                break
        message = {"role": "assistant", "content": text[before:]}
        choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
        if self.logprobs and asked.get("logprobs"):
            choice["logprobs"] = {"content": [_place(*each) for each in tokens]}
        usage = {"prompt_tokens": 20, "completion_tokens": len(tokens), "prompt_tokens_details": {"cached_tokens": 12}}
        return {"choices": [choice], "usage": usage}

    @contextmanager
    def serving(self, port: int = 0) -> Iterator[str]:
        """Its address, while it runs."""
        server = ThreadingHTTPServer(("127.0.0.1", port), type("Handler", (_Handler,), {"little": self}))
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def _place(best: str, likely: Sequence[tuple[str, float]]) -> dict[str, Any]:
    def said(text: str, probability: float) -> dict[str, Any]:
        return {"token": text, "bytes": list(text.encode()), "logprob": math.log(probability)}

    return {**said(best, dict(likely)[best]), "top_logprobs": [said(*each) for each in likely]}


class _Handler(BaseHTTPRequestHandler):
    little: LittleServer

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.little.keys.append(self.headers["Authorization"])
        self._send(200, json.dumps(self.little.listed))

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.little.lock:
            self.little.asked.append(asked)
            number = len(self.little.asked)
            self.little.at_once += 1
            self.little.most_at_once = max(self.little.most_at_once, self.little.at_once)
        try:
            fault = self.little.fault(number) or Fault()
            if fault.gone:
                self.close_connection = True
            elif fault.status or fault.body:
                self._send(fault.status or 200, fault.body, fault.retry_after)
            elif asked.get("stream"):
                self._stream(self.little.complete(asked), cut=fault.cut)
            else:
                self._send(200, json.dumps(self.little.complete(asked)))
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            with self.little.lock:
                self.little.at_once -= 1

    def _send(self, status: int, body: str, retry_after: str = "") -> None:
        self.send_response(status)
        if retry_after:
            self.send_header("Retry-After", retry_after)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def _stream(self, made: dict[str, Any], *, cut: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        [choice] = made["choices"]
        pieces: list[dict[str, Any]] = [{"choices": [{"delta": {"role": "assistant"}}]}]
        pieces += [{"choices": [{"delta": {"content": letter}}]} for letter in choice["message"]["content"]]
        pieces += [{"choices": [{"delta": {}, "finish_reason": choice["finish_reason"]}]}]
        pieces += [{"choices": [], "usage": made["usage"]}]
        for piece in pieces[: 3 if cut else None]:
            self.wfile.write(f"data: {json.dumps(piece)}\n\n".encode())
        if cut:
            self.wfile.write(b"data: {")
        else:
            self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True
