"""A policy that is promoted while a server runs decides in its next run, with the real llama.cpp."""

from pathlib import Path

import httpx2
import pytest

from rlm_local.engine.authors.prompt import PROMPT_VERSION
from rlm_local.engine.engine import Engine
from rlm_local.home import Home
from rlm_local.log import RunRecord
from rlm_policy import Manifest, Policies
from rlm_sandbox import Image
from tests.models.conftest import smollm_path
from tests.models.lora import make_adapter
from tests.models.test_adapters import NOISE
from tests.serve.conftest import QUESTION, StartServer
from tests.serve.test_runs import ask

__all__ = ["smollm_path"]


@pytest.mark.slow
def test_a_promoted_policy_decides_in_the_next_run(
    start: StartServer, home: Home, image: Image, smollm_path: Path, tmp_path: Path
) -> None:
    home.root.mkdir(mode=0o700)
    (home.root / "models").symlink_to(smollm_path.parent)
    (home.root / "image").symlink_to(image.folder.parent)
    server = start(make=lambda name, listener: Engine(name, home=home, listener=listener))

    def decided(client: httpx2.Client, model: str) -> RunRecord:
        """A run as far as its first decision."""
        run = ask(client, model=model)
        with client.stream("GET", f"/api/runs/{run}/events") as events:
            for line in events.iter_lines():
                if line == "event: decision":
                    client.post(f"/api/runs/{run}/cancel")
        return server.service.store.get(run)

    with server.client() as client:
        body = {"question": QUESTION, "model": "rlm-local:adapter"}
        assert client.post("/api/runs", json=body).json()["error"]["code"] == "model_not_found"
        plain = decided(client, "rlm-local:prompted")
        manifest = Manifest(
            "smollm2-135m", plain.start.model_sha256, plain.start.template_sha256, PROMPT_VERSION, scale=0.5
        )
        policies = Policies(home.policies)
        policies.add("sparing", make_adapter(tmp_path / "sparing.gguf", smollm_path, seed=1), manifest)
        policies.promote("sparing", force=True)
        promoted = decided(client, "rlm-local:adapter")
        assert "rlm-local:sparing" in {model["id"] for model in client.get("/v1/models").json()["data"]}
    assert (plain.start.policy, promoted.start.policy) == ("prompted", "sparing")
    before, after = (run.nodes[0].turns[0].start.decision["logprobs"] for run in (plain, promoted))
    assert max(abs(before[action] - after[action]) for action in before.keys() & after.keys()) > NOISE
