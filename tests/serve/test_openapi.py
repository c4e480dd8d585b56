"""The OpenAPI document: complete, and nothing that it allows makes the server fail."""

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from tests.serve.conftest import Running

CHECKS = [not_a_server_error, status_code_conformance, response_schema_conformance]


@pytest.mark.filterwarnings("ignore")  # of libraries that are not ours
def test_no_request_makes_the_server_fail(server: Running) -> None:
    document = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    for found in document.get_all_operations():
        operation = found.ok()

        @settings(max_examples=8, suppress_health_check=list(HealthCheck), database=None)
        @given(case=operation.as_strategy())
        def check(case: schemathesis.Case) -> None:
            case.call_and_validate(checks=CHECKS, timeout=30)

        check()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "How many?"}], "stream": True}),
        ("/v1/responses", {"input": "How many?", "stream": True}),
    ],
)
def test_streams_are_what_the_document_says(server: Running, path: str, body: dict[str, object]) -> None:
    document = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    document[path]["POST"].Case(body=body).call_and_validate(checks=CHECKS, timeout=30)


def test_every_operation_is_described(client: httpx2.Client) -> None:
    document = client.get("/openapi.json").json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation.get("description"), f"{method} {path}"
            assert operation["tags"], path
            if path not in ("/health", "/ready"):
                assert {"401", "403", "429", "500"} <= set(operation["responses"]), f"{method} {path}"
    assert client.get("/docs").status_code == 404
