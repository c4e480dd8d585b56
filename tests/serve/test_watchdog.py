"""systemd is told that the server turns, where it asks."""

import socket
from pathlib import Path

import pytest

from rlm_local.serve.watchdog import Watchdog


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_is_told_once_in_a_while(tmp_path: Path, abstract: bool) -> None:
    name = f"@{tmp_path.name}-notify" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(f"\0{name[1:]}" if abstract else name)
        systemd.setblocking(False)
        watchdog = Watchdog({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "60000000"})
        for count in range(20):
            watchdog.tick(count)
        assert [systemd.recv(100) for _ in range(2)] == [b"WATCHDOG=1"] * 2
        with pytest.raises(BlockingIOError):
            systemd.recv(100)


@pytest.mark.parametrize(
    "environment", [{}, {"NOTIFY_SOCKET": "/nowhere"}, {"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "1"}]
)
def test_where_nobody_listens_nothing_happens(environment: dict[str, str]) -> None:
    Watchdog(environment).tick(0)
