import json
from pathlib import Path

from tests.cli.fakes import FakeEngine, run_program


def test_keys_as_json_have_lists_and_no_secret(home: Path) -> None:
    made = run_program(("keys", "make", "alice", "--scopes", "read,ask"), FakeEngine(), home)
    run_program(("keys", "make", "bob"), FakeEngine(), home)
    run_program(("keys", "revoke", "bob"), FakeEngine(), home)
    listed = run_program(("keys", "list", "--json"), FakeEngine(), home).stdout
    known = {key["name"]: key for key in json.loads(listed)}
    assert known["alice"]["scopes"] == ["ask", "read"]
    assert known["alice"]["revoked"] is None
    assert known["bob"]["revoked"].startswith("20")
    assert made.stdout.strip() not in listed
