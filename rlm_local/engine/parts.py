"""Parts: what an engine stands on, got ready side by side.

The model's process loads the weights while this one sees to the sandbox, and, in a program that was just started,
imports what the engine needs.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlm_local.engine.events import Event, Listener
from rlm_local.home import Home
from rlm_local.models import DEFAULT_MODEL, LocalModel, Model, ModelSpec, OwnModels, open_model, resolve

if TYPE_CHECKING:
    from rlm_local.log import RunStore
    from rlm_sandbox import Pool


@dataclass(frozen=True)
class Parts:
    """A model, a sandbox and a log.

    Attributes:
        model: may still be loading; `wait` waits for it.
        home: where their state is kept; None where they come from elsewhere.
    """

    spec: ModelSpec
    model: Model
    sandbox: "Pool"
    store: "RunStore"
    home: Home | None = None

    def wait(self) -> None:
        """Wait until the model is there; where it cannot be, the parts are closed.

        Raises:
            ModelError: it cannot be loaded.
        """
        if isinstance(self.model, LocalModel):
            try:
                self.model.wait()
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Free the model's memory, and end all processes."""
        self.model.close()
        self.sandbox.close()
        self.store.close()


def begin(
    model: str | None,
    *,
    home: Home,
    listener: Listener,
    threads: int | None = None,
    context: int | None = None,
) -> Parts:
    """Set up what is missing, and have the model loaded.

    Args:
        model, threads, context: as of `Engine`; None for the default model.
        home: where all state is kept.
        listener: told what is done.

    Raises:
        ModelError, SandboxError, HomeError: set-up is not possible, with the remedy.
    """

    def progress(what: str, fraction: float | None) -> None:
        listener(Event("setup", what, fraction))

    def notice(text: str) -> None:
        listener(Event("notice", text))

    spec = resolve(model or DEFAULT_MODEL, OwnModels(home.models).all())
    opened = open_model(spec, home, threads=threads, context=context, progress=progress, notice=notice)
    try:
        from rlm_local.log import RunStore  # these take their time; the model's process has begun by now
        from rlm_sandbox import Pool, ensure_image

        return Parts(
            spec, opened, Pool(ensure_image(home.image, progress=progress)), RunStore(home.runs, home.key), home
        )
    except BaseException:
        opened.close()
        raise
