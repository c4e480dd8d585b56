"""A model, a log and an engine, opened for collecting and evaluating."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rlm_local.engine.authors.prompt import PROMPT_VERSION
from rlm_local.engine.calibrated import biases_of
from rlm_local.engine.engine import Engine
from rlm_local.engine.events import Event, Listener
from rlm_local.engine.trained import TrainedPolicies
from rlm_local.home import Home
from rlm_local.log import RunStore
from rlm_local.models import LlamaEngine, Model, ModelSpec, OwnModels, ensure_model, resolve
from rlm_policy import Action, Policies
from rlm_sandbox import ensure_image
from rlm_training.files import sha256
from rlm_training.steer import steerable


@dataclass(frozen=True)
class Workbench:
    """What steps that ask questions need. `trained` finds policies by name and loads their adapters."""

    spec: ModelSpec
    llama: LlamaEngine
    model: Model
    """The same model, steerable."""

    store: RunStore
    engine: Engine
    trained: TrainedPolicies
    calibration: Mapping[Action, float]
    """The biases of the untrained model."""


@contextmanager
def open_workbench(
    model: str, home: Home, tell: Listener, lead: Callable[[Model], Model] = steerable
) -> Generator[Workbench]:
    """Sets up and loads everything. Leaf answers are not kept, because a run's cost must not depend on other runs.

    Args:
        lead: makes a model steerable; a teacher may write what the model cannot.
    """

    def progress(what: str, fraction: float | None) -> None:
        tell(Event("setup", what, fraction))

    spec, path = weights(model, home, tell)
    image = ensure_image(home.image, progress=progress)
    store = RunStore(home.runs, home.key)
    llama = LlamaEngine(path, name=spec.name, kv_directory=home.kv, progress=progress)
    steered = lead(llama)
    trained = TrainedPolicies(Policies(home.policies), spec.sha256, llama.template_sha256, llama.load_adapter)
    with Engine.of(spec, steered, image, store) as engine:
        calibration = biases_of(home.calibration, spec.sha256, PROMPT_VERSION)
        yield Workbench(spec, llama, steered, store, engine, trained, calibration)


def weights(model: str, home: Home, tell: Listener) -> tuple[ModelSpec, Path]:
    """A model's entry in the catalog (for a file of the user's own, with its sha256), and the path of its weights."""
    spec = resolve(model, OwnModels(home.models).all())
    path = ensure_model(spec, home.models, progress=lambda what, fraction: tell(Event("setup", what, fraction)))
    return (spec if spec.sha256 else replace(spec, sha256=sha256(path))), path
