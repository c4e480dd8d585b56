"""Parts: the model, the sandbox and the log that an engine needs, made ready at the same time.

The model's process loads the weights while this process makes the sandbox ready and, in a program that has just
started, imports what the engine needs.
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
        model: may still be loading; see `wait`.
        home: where their state is kept; None if they come from elsewhere.
    """

    spec: ModelSpec
    model: Model
    sandbox: "Pool"
    store: "RunStore"
    home: Home | None = None

    def wait(self) -> None:
        """Wait until the model is loaded. If it cannot be loaded, the parts are closed.

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
    """Fetch what is missing, and begin to load the model.

    Args:
        model, threads, context: as of `Engine`; None for the default model.
        home: where all state is kept.
        listener: called with what is being done.

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
