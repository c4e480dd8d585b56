"""Thinking: how families of models think before they answer, and how each is had to answer at once.

A reply may begin with a thought, between marks that are special tokens. An answer's logits are those after its end: a
prompt for which nobody wants a thought gets an empty one, or the mark that says that this is the answer. A thought that
is wanted is bounded, and is no part of the reply.
"""

from collections.abc import Callable
from dataclasses import dataclass

from rlm_local.models.logits import Logits


@dataclass(frozen=True)
class Thinking:
    """The marks of a family, as text in which special tokens are spelled.

    Attributes:
        opens: what the turn begins with where the model is to think.
        ends: what the model writes when it has thought enough.
        answers: what comes between that and the answer.
        cut: what ends a thought that grew too long, before `answers`.
        skips: what the turn begins with where templates leave it to the model whether it thinks.
    """

    opens: str
    ends: str
    answers: str
    cut: str
    skips: str = ""

    def begin(self, opening: str) -> str:
        """The turn's opening, as the template has it with thinking on, up to where the thought begins."""
        return opening if opening.rstrip().endswith(self.opens.rstrip()) else opening + self.opens

    def skip(self, opening: str) -> str:
        """The turn's opening, as the template has it with thinking off, up to where the answer begins."""
        if opening.rstrip().endswith(self.opens.rstrip()):  # the template opens a thought whatever it is told
            return opening + self.cut.lstrip() + self.answers
        return opening + self.skips


_TAGS = Thinking(opens="<think>\n", ends="</think>", answers="\n\n", cut="\n</think>")
_CHANNELS = Thinking(
    opens="<|channel|>analysis<|message|>",
    ends="<|end|>",
    answers="<|start|>assistant<|channel|>final<|message|>",
    cut="<|end|>",
    skips="<|channel|>final<|message|>",
)
_CHANNEL = Thinking(opens="<|channel>thought\n", ends="<channel|>", answers="", cut="\n<channel|>")


def thinking_of(template: str, opening: str) -> Thinking | None:
    """How a model thinks, by its chat template; None where it does not.

    Tags are those of Qwen3 and later, QwQ, R1 and SmolLM3; channels those of gpt-oss; one channel that of Gemma 4. A
    template that only leaves thoughts out of earlier turns is of a model that does not think.

    Args:
        opening: of a turn, as the template has it with thinking on.
    """
    switched = "enable_thinking" in template
    if "<|channel|>" in template and "analysis" in template:
        return _CHANNELS
    if "<|channel>" in template and switched:
        return _CHANNEL
    if "<think>" in opening or ("<think>" in template and switched):
        return _TAGS
    return None


@dataclass(frozen=True)
class Bound:
    """A thought that is wanted before a reply.

    Attributes:
        most: tokens that it may have.
        ends: the text that ends it.
        answers: tokens from there to where the reply is the model's own.
        cut: tokens that end it and lead there, where it grew too long.
    """

    most: int
    ends: str
    answers: tuple[int, ...]
    cut: tuple[int, ...]

    @property
    def room(self) -> int:
        """Tokens that thought and marks may have together."""
        return self.most + len(self.cut)


class Thought:
    """A thought as it is written, token by token.

    Args:
        pick: the next token, from the logits.
        spell: the text of a token, special ones spelled out.
        is_end: whether a token ends the turn; the thought ends with it, and the turn goes on.
    """

    def __init__(
        self,
        bound: Bound,
        pick: Callable[[Logits], int],
        spell: Callable[[int], str],
        is_end: Callable[[int], bool],
    ) -> None:
        self._bound = bound
        self._pick = pick
        self._spell = spell
        self._is_end = is_end
        self._left = list[int]()  # of the marks, once it is over
        self._over = False
        self._text = ""
        self._tokens = 0

    @property
    def room(self) -> int:
        """The most tokens that it and its marks may have."""
        return self._bound.room

    @property
    def text(self) -> str:
        """What was thought, without the marks."""
        return self._text.partition(self._bound.ends)[0].strip()

    @property
    def going_on(self) -> bool:
        """Whether the next token is of the thought or its marks."""
        return not self._over or bool(self._left)

    def step(self, logits: Logits) -> int:
        """The next token of the thought, or of the marks after it."""
        if self._over:
            return self._left.pop(0)
        token = self._pick(logits)
        self._tokens += 1
        spelled = self._spell(token)
        if self._bound.ends in self._text + spelled:
            self._text += spelled
            self._finish(self._bound.answers)
        elif self._is_end(token):
            self._finish(self._bound.cut)
            return self._left.pop(0)
        else:
            self._text += spelled
            if self._tokens == self._bound.most:
                self._finish(self._bound.cut)
        return token

    def _finish(self, marks: tuple[int, ...]) -> None:
        self._over, self._left = True, list(marks)
