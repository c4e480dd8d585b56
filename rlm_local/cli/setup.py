"""`rlm-local setup`: what the first run would fetch, ahead of it, and which build of llama.cpp to use."""

import sys
from typing import Annotated

import typer

from rlm_local.cli.progress import progress
from rlm_local.cli.shared import ModelOption, shared


def setup(
    ctx: typer.Context,
    backend: Annotated[
        str | None,
        typer.Option(
            "--backend",
            metavar="BACKEND",
            help="cpu, cuda or vulkan: fetch that build; compile: compile one here, with a C++ compiler; or the path "
            "of a folder with llama.cpp's library, or of an archive with a build.  [default: what fits this machine]",
        ),
    ] = None,
    model: ModelOption = None,
    encrypted: Annotated[
        bool, typer.Option("--encrypted", help="Encrypt the state directory first: see `rlm-local encrypt`.")
    ] = False,
) -> None:
    """Fetch what a run needs, and try it out. It needs llama.cpp's library, a model's weights and the sandbox image.

    \b
    rlm-local setup                        what fits this machine
    rlm-local setup --backend vulkan       another build of llama.cpp, from now on
    rlm-local setup --backend ~/llama.cpp/build/bin

    The first run does the same by itself. The library is tried out in a process of its own, which decodes a few tokens;
    if it does not work, another one is used, and a line says so.
    """
    from rlm_local.engine.events import Event
    from rlm_local.models import DEFAULT_MODEL, OwnModels, ensure_model, resolve
    from rlm_local.models.native import Setup
    from rlm_sandbox import ensure_image

    home = shared(ctx).home
    if encrypted and not home.lockbox.exists:
        from rlm_local.vault.sealing import encrypt

        encrypt(home, home.secret)
    with progress() as listener:

        def tell(what: str, share: float | None) -> None:
            listener(Event("setup", what, share))

        native = Setup(home.native, tell, lambda text: listener(Event("notice", text)))
        native.ask_for(backend)
        library = native.choose(anew=True)
        spec = resolve(model or DEFAULT_MODEL, OwnModels(home.models).all())
        if not spec.server:
            ensure_model(spec, home.models, progress=tell)
        ensure_image(home.image, progress=tell)
    sys.stdout.write(f"llama.cpp: {library}\n")
