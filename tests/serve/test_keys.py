"""Keys: who may do what, and that only hashes are kept."""

from collections.abc import Iterator

import pytest

from rlm_local.errors import UsageError
from rlm_local.home import Home
from rlm_local.log.database import Database
from rlm_local.serve.keys import KeyRing, Scope
from rlm_local.serve.state import open_state
from tests.serve.conftest import QUESTION, Running

ASK = {"messages": [{"role": "user", "content": QUESTION}]}


@pytest.fixture
def state(home: Home) -> Iterator[Database]:
    state = open_state(home)
    yield state
    state.close()


@pytest.fixture
def keys(state: Database) -> KeyRing:
    return KeyRing(state)


def test_a_key_opens_until_it_is_revoked(keys: KeyRing) -> None:
    key, text = keys.make("alice", [Scope.ASK])
    assert keys.check(text) == key
    keys.revoke("alice")
    assert keys.check(text) is None
    assert keys.any()


def test_what_is_not_the_whole_key_opens_nothing(keys: KeyRing) -> None:
    _, text = keys.make("alice", [Scope.ASK])
    _, other = keys.make("bob", [Scope.ADMIN])
    mixed = "_".join([*text.split("_", 2)[:2], other.split("_", 2)[2]])
    for wrong in ("", "rlm", "rlm__", text[:-1], text + "x", text[4:], text.upper(), mixed, "\udcff", "rlm_\0_\0"):
        assert keys.check(wrong) is None, wrong
    assert all(keys.check(text[:length]) is None for length in range(len(text)))


def test_the_secret_is_nowhere_on_the_disk(home: Home, keys: KeyRing, state: Database) -> None:
    _, text = keys.make("alice", [Scope.ASK])
    secret = text.split("_", 2)[2].encode()
    state.close()
    assert not any(secret in path.read_bytes() for path in home.root.rglob("*") if path.is_file())


@pytest.mark.parametrize(("name", "scopes"), [("", [Scope.ASK]), ("alice", [Scope.ASK]), ("carol", [])])
def test_a_key_has_a_name_of_its_own_and_a_scope(keys: KeyRing, name: str, scopes: list[Scope]) -> None:
    keys.make("alice", [Scope.ASK])
    with pytest.raises(UsageError):
        keys.make(name, scopes)


def test_what_is_not_there_cannot_be_revoked(keys: KeyRing) -> None:
    with pytest.raises(UsageError, match="no key 'alice'"):
        keys.revoke("alice")


def test_from_the_first_key_on_every_request_needs_one(server: Running) -> None:
    with server.client() as nobody:
        assert nobody.get("/v1/models").status_code == 200
        _, text = server.service.keys.make("alice", [Scope.ASK])
        response = nobody.get("/v1/models")
        assert (response.status_code, response.json()["error"]["code"]) == (401, "invalid_api_key")
        assert response.headers["www-authenticate"] == "Bearer"
        assert nobody.get("/health").status_code == 200
    with server.client(text) as alice:
        assert alice.get("/v1/models").status_code == 200
    with server.client(text[:-1]) as mallory:
        assert mallory.post("/v1/chat/completions", json=ASK).status_code == 401


def test_a_scope_is_what_a_key_may_do(server: Running) -> None:
    texts = {scope: server.service.keys.make(scope, [scope])[1] for scope in Scope}
    may = {
        ("POST", "/v1/chat/completions"): {Scope.ASK, Scope.ADMIN},
        ("GET", "/v1/models"): set(Scope),
        ("GET", "/v1/files"): set(Scope),
        ("GET", "/metrics"): {Scope.ADMIN},
    }
    for (method, path), scopes in may.items():
        for scope, text in texts.items():
            with server.client(text) as client:
                status = client.request(method, path, json=ASK if method == "POST" else None).status_code
            assert status == (200 if scope in scopes else 403), (path, scope)


def test_a_key_sees_its_own_files_only(server: Running) -> None:
    texts = {name: server.service.keys.make(name, [Scope.ASK])[1] for name in ("alice", "bob")}
    _, admin = server.service.keys.make("root", [Scope.ADMIN])
    with server.client(texts["alice"]) as alice, server.client(texts["bob"]) as bob, server.client(admin) as root:
        file = alice.post("/v1/files", files={"file": ("a.txt", "The gate is red.")}).json()["id"]
        for request in (
            bob.get(f"/v1/files/{file}"),
            bob.get(f"/v1/files/{file}/content"),
            bob.delete(f"/v1/files/{file}"),
            bob.post("/v1/chat/completions", json={**ASK, "files": [file]}),
        ):
            assert request.status_code == 404
        assert bob.get("/v1/files").json()["data"] == []
        assert alice.get(f"/v1/files/{file}/content").content == b"The gate is red."
        assert [each["id"] for each in root.get("/v1/files").json()["data"]] == [file]
