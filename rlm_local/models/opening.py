"""Opening a model by its description, here or on a server."""

import os

from rlm_local.home import Home
from rlm_local.models.catalog import ModelSpec
from rlm_local.models.fit import check_memory, needs_of
from rlm_local.models.local import LocalModel
from rlm_local.models.memory import Room, available_memory, physical_cores
from rlm_local.models.model import Model
from rlm_local.models.native import Notice, Setup, silent
from rlm_local.models.pull import ensure_model
from rlm_local.models.sources import Report

KEY_VARIABLE = "RLM_LOCAL_SERVER_KEY"
"""The environment variable with the key of a model's server: on a command line others could read it."""


def open_model(
    spec: ModelSpec,
    home: Home,
    *,
    threads: int | None = None,
    context: int | None = None,
    progress: Report,
    notice: Notice = silent,
) -> Model:
    """The model, fetched if need be and being loaded; to be closed. On this machine, `LocalModel.wait` waits for it.

    Args:
        home: where weights, llama.cpp's library, KV and the answers of leaf calls are kept.
        threads: for llama.cpp; by default one for each core this process may use.
        context: tokens of prompts and replies that it may hold at a time; by default what suits model and machine.
        progress: called with what is being done and the share of it, 0 to 1; while it is loaded, by who waits for it.
        notice: called with a line that a person should see.

    Raises:
        ModelError: the library or the weights cannot be had, the model does not fit this machine, or the server cannot
            be reached; with the remedy.
    """
    if spec.server:
        from rlm_local.models.remote import RemoteModel  # its HTTP client takes its time to import

        url, _, name = spec.server.partition("#")
        progress(f"connecting to {url}", None)
        return RemoteModel(url, name=name, key=os.environ.get(KEY_VARIABLE))
    setup = Setup(home.native, progress, notice)
    setup.choose()  # the process that the model gets then finds what was chosen
    if not setup.look(anew=False)[1].devices:  # else that process says whether it fits
        check_memory(spec.name, needs_of(spec), Room(available_memory(), (), physical_cores()), context)
    path = ensure_model(spec, home.models, progress=progress)
    return LocalModel(path, name=spec.name, home=home, threads=threads, context=context, progress=progress)
