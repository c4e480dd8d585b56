"""Workload: prompts of given sizes, a long prefix and a short item, none of them seen before."""

from random import Random

from rlm_local.models import Message, Model, Prompt

OPTIONS = ("river", "house", "paper")

_WORDS = (
    "garden window letter station doctor bridge yellow market silver engine winter harbour kitchen ticket mountain "
    "painter basket copper planet teacher corner village button island candle"
).split()


class Workload:
    """Makes prompts for a model; each has a word of its own at the start, so that nothing is at hand for it."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._random = Random(5)  # noqa: S311 - made text
        self._made = 0

    def prompts(self, number: int, *, prefix: int, item: int, task: str, worked: bool = True) -> list[Prompt]:
        """Prompts that share a prefix of about so many tokens, each with an item of so many.

        Args:
            task: what the system message asks for.
            worked: whether most of the prefix are examples with one word as the reply.
        """
        self._made += 1
        shared = [Message("system", f"Number {self._made}. {task}")]
        while worked and self._size(shared) < prefix - 40:
            shared += [Message("user", self._text(item)), Message("assistant", self._random.choice(OPTIONS))]
        shared[0] = Message("system", f"{shared[0].content} {self._text(max(1, prefix - self._size(shared)))}")
        return [Prompt((*shared, Message("user", self._text(item)))) for _ in range(number)]

    def _size(self, messages: list[Message]) -> int:
        return len(self._model.encode(Prompt((*messages, Message("user", "")))))

    def _text(self, tokens: int) -> str:
        """About so many tokens: most words are one."""
        return " ".join(self._random.choices(_WORDS, k=tokens))
