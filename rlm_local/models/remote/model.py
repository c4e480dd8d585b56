"""RemoteModel: the Model interface over an OpenAI-compatible server, for work that outgrows the machine.

Documents then go to that server; nothing goes anywhere unless its address is given. What servers do differently:
- Log probabilities of the likeliest next tokens are what `choose` needs. Where a server gives none, some replies are
  sampled and counted, which costs as many calls and tells less.
- A prefill is sent as the start of the assistant's message, which vLLM, llama-server and Ollama go on from.
- A GBNF grammar is understood by llama-server and vLLM; whether it is, is tried once, before the first one counts.
- Nobody tells how many tokens a text has: `count` is an estimate on the safe side, and `encode` gives none.
"""

import hashlib
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from types import TracebackType
from typing import Any, Self, TypeVar

from rlm_local.models.calibration import calibrated
from rlm_local.models.cancel import Cancel
from rlm_local.models.errors import AdapterError, GrammarError, PromptTooLong, ServerError
from rlm_local.models.job import Done, Text
from rlm_local.models.prompt import Prompt
from rlm_local.models.remote.cursor import RemoteCursor
from rlm_local.models.remote.options import check, matched, score
from rlm_local.models.remote.reply import Reply, read_reply, read_usage, record
from rlm_local.models.remote.server import Call, Server
from rlm_local.models.result import Generation, Scores, Usage

LIKELIEST = 20  # tokens in each place of a reply: the most that servers give
_SAMPLES = 8  # replies that stand in for log probabilities
_OPTION_TOKENS = 16
_BYTES_A_TOKEN = 3.0
_CONTEXT = 8192  # where a server does not say
_PROBE = 'root ::= "qvz7"'

OnDone = Callable[[int], None]
_R = TypeVar("_R")


class RemoteModel:
    """A model of a server; a context manager. Its methods are those of `rlm_local.models.model.Model`.

    Args:
        url: of the server's API, such as http://127.0.0.1:8000/v1.
        name: the model's name there; by default the first that the server lists.
        key: sent as a bearer token, if any.
        n_ctx: the most tokens of a prompt with its reply; by default what the server says.
        concurrency: the most requests at a time.
        patience: tries for one request, with a pause that doubles in between, where the server is busy (429, 503) or
            not there.
        pause: the first pause, in seconds.
        timeout: seconds that one reply may take.

    Raises:
        ServerError: it cannot be reached, or has no such model.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str = "",
        key: str | None = None,
        n_ctx: int | None = None,
        concurrency: int = 8,
        patience: int = 6,
        pause: float = 0.5,
        timeout: float = 300.0,
    ) -> None:
        self._server = Server(url, key=key, concurrency=concurrency, patience=patience, pause=pause, timeout=timeout)
        try:
            listed = self._one(lambda _: self._server.get("/models"), None)
            self.name, said = _find(listed, name, url)
        except BaseException:
            self._server.close()
            raise
        self.n_ctx = n_ctx or said or _CONTEXT
        self.thinks = False  # what a server lets its model think is the server's own
        self.template_sha256 = hashlib.sha256(f"{url} {self.name}".encode()).hexdigest()  # it stays with the server
        self._tells = True  # whether it gives log probabilities, as far as is known
        self._grammars: bool | None = None

    def count(self, text: str) -> int:
        return math.ceil(len(text.encode(errors="replace")) / _BYTES_A_TOKEN)

    def encode(self, prompt: Prompt) -> tuple[int, ...]:  # noqa: ARG002 - a server does not say
        return ()

    def generate(
        self,
        prompts: Sequence[Prompt],
        *,
        max_tokens: int,
        stop: Sequence[str] = (),
        temperature: float = 0.0,
        seed: int = 0,
        adapters: Mapping[str, float] | None = None,
        cancel: Cancel | None = None,
        on_done: OnDone | None = None,
        on_text: Callable[[int, str], None] | None = None,
    ) -> list[Generation]:
        if not 0 <= temperature < math.inf:
            raise ValueError(f"the temperature must be a number from 0 on, not {temperature}")
        if not all(stop):
            raise ValueError("stop strings must not be empty")
        how = {**_length(max_tokens), "temperature": temperature, **({"stop": list(stop)} if stop else {})}
        _refuse(adapters)
        urgent = len(prompts) == 1

        def call(place: int) -> Call:
            body = self.body(prompts[place], seed=seed + place, **how)
            if on_text is None:
                return lambda _emit: self._generation(body, urgent=urgent)
            return lambda emit: self._streamed(body, emit, urgent=urgent)

        return self._each([call(place) for place in range(len(prompts))], cancel, on_done, on_text)

    def extract(
        self,
        prompts: Sequence[Prompt],
        *,
        grammar: str,
        max_tokens: int,
        adapters: Mapping[str, float] | None = None,
        cancel: Cancel | None = None,
        on_done: OnDone | None = None,
    ) -> list[Generation]:
        _refuse(adapters)
        how = {**_length(max_tokens), **_constrained(grammar)}

        async def call(prompt: Prompt) -> Generation:
            if self._grammars is None:
                probe = self.body(Prompt(prompt.messages[-1:]), max_tokens=8, **_constrained(_PROBE))
                self._grammars = (await self.ask(probe, urgent=True)).text == _PROBE.split('"')[1]
            if not self._grammars:
                raise GrammarError(
                    f"the server of {self.name} does not take grammars", remedy="llama-server and vLLM do"
                )
            return await self._generation(self.body(prompt, **how), urgent=len(prompts) == 1)

        return self._each([lambda _, prompt=prompt: call(prompt) for prompt in prompts], cancel, on_done)

    def choose(
        self,
        prompts: Sequence[Prompt],
        options: Sequence[str],
        *,
        bias: Sequence[float] | None = None,
        neutral: Sequence[Prompt] = (),
        adapters: Mapping[str, float] | None = None,
        cancel: Cancel | None = None,
        on_done: OnDone | None = None,
    ) -> list[Scores]:
        check(options)
        _refuse(adapters)
        asked = [*prompts, *neutral] if prompts else []

        def tell(place: int) -> None:
            if on_done is not None and place < len(prompts):
                on_done(place)

        urgent = len(prompts) == 1
        calls: list[Call] = [lambda _, prompt=prompt: self.score(prompt, options, urgent=urgent) for prompt in asked]
        scores: list[Scores] = self._each(calls, cancel, tell)
        return calibrated(scores[: len(prompts)], scores[len(prompts) :], bias)

    def cursor(
        self, prompt: Prompt, *, adapters: Mapping[str, float] | None = None, cancel: Cancel | None = None
    ) -> RemoteCursor:
        _refuse(adapters)
        return RemoteCursor(self, prompt, cancel)

    def close(self) -> None:
        self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ---- what the cursor uses, too

    def wait_for(self, work: Callable[[], Awaitable[_R]], cancel: Cancel | None) -> _R:
        """What some work of a single call gives, done on the server's loop; the caller waits."""
        return self._one(lambda _: work(), cancel)

    def body(self, prompt: Prompt, **how: Any) -> dict[str, Any]:
        """A request for a chat completion."""
        messages = [{"role": message.role, "content": message.content} for message in prompt.messages]
        body = {"model": self.name, "messages": messages, "temperature": 0.0, **how}
        if prompt.prefill:
            messages.append({"role": "assistant", "content": prompt.prefill})
            body |= {"add_generation_prompt": False, "continue_final_message": True}
        return body

    async def ask(self, body: dict[str, Any], *, urgent: bool) -> Reply:
        """The reply to a request.

        Raises:
            PromptTooLong: the server says that it is.
        """
        try:
            return read_reply(await self._server.post("/chat/completions", body, urgent=urgent))
        except ServerError as error:
            raise self._told_too_long(body, error) or error from error.__cause__

    async def score(self, prompt: Prompt, options: Sequence[str], *, urgent: bool) -> Scores:
        """How likely each option is as the start of the reply, not calibrated."""
        usage = Usage()

        async def following(before: str) -> Sequence[tuple[str, float]]:
            nonlocal usage
            so_far = Prompt(prompt.messages, prefill=prompt.prefill + before)
            reply = await self.ask(
                self.body(so_far, max_tokens=1, logprobs=True, top_logprobs=LIKELIEST), urgent=urgent
            )
            usage += reply.usage
            if reply.tokens is None:
                raise _Untold
            first = reply.tokens[0].likeliest or ((reply.tokens[0].text, reply.tokens[0].logprob),)
            return first if so_far.prefill else [(text.lstrip(), logprob) for text, logprob in first]

        if self._tells:
            try:
                logprobs = tuple(await score(options, following))
                return Scores(tuple(options), logprobs, logprobs, usage)
            except _Untold:
                self._tells = False
        counted = [0.5] * len(options)
        for seed in range(_SAMPLES):
            body = self.body(prompt, max_tokens=_OPTION_TOKENS, seed=seed) | {"temperature": 1.0}
            reply = await self.ask(body, urgent=urgent)
            usage += reply.usage
            place = matched(options, reply.text)
            if place is not None:
                counted[place] += 1
        logprobs = tuple(math.log(each / sum(counted)) for each in counted)
        return Scores(tuple(options), logprobs, logprobs, usage)

    # ---- calls

    async def _generation(self, body: dict[str, Any], *, urgent: bool) -> Generation:
        reply = await self.ask(body | ({"logprobs": True} if self._tells else {}), urgent=urgent)
        logprob = sum(token.logprob for token in reply.tokens or ())
        return Generation(reply.text, (), (), logprob, reply.finish, reply.usage)

    async def _streamed(self, body: dict[str, Any], emit: Callable[[str], None], *, urgent: bool) -> Generation:
        body = body | {"stream": True, "stream_options": {"include_usage": True}}
        text, finish, usage = "", "stop", Usage()
        try:
            async with aclosing(self._server.stream("/chat/completions", body, urgent=urgent)) as events:
                async for event in events:
                    piece, ended = _piece(event)
                    finish = ended or finish
                    usage = read_usage(event.get("usage")) if event.get("usage") else usage
                    if piece:
                        text += piece
                        emit(piece)
        except ServerError as error:
            raise self._told_too_long(body, error) or error from error.__cause__
        return Generation(text, (), (), 0.0, "length" if finish == "length" else "stop", usage)

    def _each(
        self,
        calls: Sequence[Call],
        cancel: Cancel | None,
        on_done: OnDone | None = None,
        on_text: Callable[[int, str], None] | None = None,
    ) -> list[Any]:
        """The results of calls, in their order."""
        results: dict[int, Any] = {}
        for event in self._server.run(calls, cancel):
            match event:
                case Done(index, result):
                    results[index] = result
                    if on_done is not None:
                        on_done(index)
                case Text(index, text):
                    if on_text is not None:
                        on_text(index, text)
        return [results[place] for place in range(len(calls))]

    def _one(self, call: Call, cancel: Cancel | None) -> Any:
        return self._each([call], cancel)[0]

    def _told_too_long(self, body: Mapping[str, Any], error: ServerError) -> PromptTooLong | None:
        if error.status not in (400, 413) or "context" not in str(error).lower():
            return None
        return PromptTooLong(sum(self.count(message["content"]) for message in body["messages"]), self.n_ctx)


class _Untold(Exception):  # noqa: N818 - not a fault: a server that gives no log probabilities
    pass


def _find(listed: Any, name: str, url: str) -> tuple[str, int | None]:
    """A model in what a server lists, and its context as far as that is said."""
    try:
        models = {str(each["id"]): record(each) for each in listed["data"]}
        said = {name: each.get("max_model_len") or _trained(record(each.get("meta"))) for name, each in models.items()}
    except (KeyError, TypeError) as error:
        raise ServerError(f"{url} lists no models", remedy="Give the address of its API, ending in /v1") from error
    if (name and name not in models) or not models:
        raise ServerError(f"{url} has no model {name!r}", remedy=f"It has {', '.join(models) or 'none'}")
    found = name or next(iter(models))
    return found, said[found] if isinstance(said[found], int) else None


def _trained(meta: Mapping[str, Any]) -> Any:
    """The context of a model, as llama-server says it."""
    return meta.get("n_ctx") or meta.get("n_ctx_train")


def _length(max_tokens: int) -> dict[str, Any]:
    if max_tokens < 1:
        raise ValueError(f"a reply must have room for a token, not {max_tokens}")
    return {"max_tokens": max_tokens}


def _constrained(grammar: str) -> dict[str, Any]:
    """A grammar as llama-server and as vLLM take it."""
    return {"grammar": grammar, "structured_outputs": {"grammar": grammar}}


def _refuse(adapters: Mapping[str, float] | None) -> None:
    if adapters and any(adapters.values()):
        raise AdapterError(
            f"no adapter is called {', '.join(adapters)} here",
            remedy="A server's adapters are models of their own there: give their name as the model's",
        )


def _piece(event: Any) -> tuple[str, str | None]:
    """The text that an event of a stream adds, and why it ended if it did."""
    try:
        if "error" in event:
            raise ServerError(f"the server broke off: {event['error']}")
        if not event["choices"]:
            return "", None
        [choice] = event["choices"]
        return choice["delta"].get("content") or "", choice.get("finish_reason")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ServerError(f"the server sent what is no part of a completion: {event}") from error
