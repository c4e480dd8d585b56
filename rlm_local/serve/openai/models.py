"""GET /v1/models."""

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel

from rlm_local.serve import models
from rlm_local.serve.access import Member, service
from rlm_local.serve.shapes import ERRORS

router = APIRouter(tags=["openai"], responses=ERRORS)


class ModelCard(BaseModel):
    """A name that a request may give as its model."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "rlm-local"
    loaded: bool


class ModelList(BaseModel):
    object: Literal["list"] = "list"
    data: list[ModelCard]


@router.get("/v1/models")
def list_models(request: Request, _caller: Member) -> ModelList:
    """The models that are here, each with the policies that it can be asked under."""
    use = service(request)
    return ModelList(data=[_card(request, model) for model in models.served(use.settings, use.home)])


@router.get("/v1/models/{name}")
def get_model(request: Request, name: str, _caller: Member) -> ModelCard:
    """One of them."""
    use = service(request)
    return _card(request, models.find(name, use.settings, use.home))


def _card(request: Request, model: models.ServedModel) -> ModelCard:
    return ModelCard(id=model.name, loaded=model.model in service(request).engines.loaded)
