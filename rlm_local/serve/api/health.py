"""Is it up, can it answer, and how busy is it."""

from importlib.metadata import version
from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import Response

from rlm_local.serve.access import Admin, Member, service
from rlm_local.serve.errors import NotReadyError
from rlm_local.serve.models import OWN, served
from rlm_local.serve.shapes import ERRORS

router = APIRouter(tags=["server"])


class Health(BaseModel):
    status: Literal["ok"] = "ok"


class About(BaseModel):
    """What a page needs to know to ask."""

    version: str
    model: str
    models: list[str]
    folders: list[str]
    caller: str
    scopes: list[str]
    at_once: int
    queue: int
    upload_bytes: int
    ready: bool
    loading: str


@router.get("/health")
async def health() -> Health:  # on the event loop: no thread that others may keep has to be free
    """The server is up."""
    return Health()


@router.get("/ready", responses={503: ERRORS[503]})
async def ready(request: Request) -> Health:
    """The server's model is loaded; 503 says how far along that is."""
    use = service(request)
    loaded, why = use.engines.state(use.settings.model)
    if not loaded:
        raise NotReadyError(why, code="loading")
    return Health()


@router.get("/metrics", responses={**ERRORS, 200: {"content": {"text/plain": {"schema": {"type": "string"}}}}})
def metrics(request: Request, _caller: Admin) -> Response:
    """Counters for Prometheus."""
    return Response(service(request).metrics.text(), media_type="text/plain; version=0.0.4")


@router.get("/api/about", responses=ERRORS)
def about(request: Request, caller: Member) -> About:
    """The server, its models and folders, and what the caller may do."""
    use = service(request)
    loaded, why = use.engines.state(use.settings.model)
    return About(
        version=version("rlm-local"),
        model=OWN,
        models=[model.name for model in served(use.settings, use.home)],
        folders=list(use.folders),
        caller=caller.name,
        scopes=sorted(caller.scopes),
        at_once=use.settings.at_once,
        queue=use.settings.queue,
        upload_bytes=use.settings.upload_bytes,
        ready=loaded,
        loading="" if loaded else why,
    )
