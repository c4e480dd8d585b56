"""What is not there for model-written code: the machine, the network, other processes, JavaScript, native code."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rlm_sandbox import Session, capabilities
from tests.sandbox.processes import processes

_LOAD_NATIVE = """
import importlib.machinery, importlib.util
open('/tmp/a.so', 'wb').write(b'\\0asm')
loader = importlib.machinery.ExtensionFileLoader('a', '/tmp/a.so')
importlib.util.module_from_spec(importlib.util.spec_from_file_location('a', '/tmp/a.so', loader=loader))
"""


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("import js", "ModuleNotFoundError"),
        ("import pyodide_js", "ModuleNotFoundError"),
        ("import _pyodide_core", "ModuleNotFoundError"),
        ("from pyodide.code import run_js; run_js('1')", "ModuleNotFoundError"),
        ("import ctypes", "ModuleNotFoundError"),
        ("open('/etc/passwd')", "FileNotFoundError"),
        ("open('/../../etc/passwd')", "FileNotFoundError"),
        ("open('/proc/self/environ')", "FileNotFoundError"),
        ("open('/proc/self/mem')", "FileNotFoundError"),
        ("import os; os.symlink('/etc', '/tmp/etc'); open('/tmp/etc/passwd')", "FileNotFoundError"),
        ("import os; os.open('/lib/python314.zip', os.O_RDWR)", "Read-only"),
        ("import socket; socket.socket()", "OSError"),
        ("import socket; socket.create_connection(('127.0.0.1', 80))", "gaierror"),
        ("import socket; socket.gethostbyname('localhost')", "gaierror"),
        ("import urllib.request; urllib.request.urlopen('http://127.0.0.1')", "URLError"),
        ("import subprocess; subprocess.run(['ls'])", "OSError"),
        ("import os; os.fork()", "OSError"),
        ("import os; os.execv('/bin/sh', ['sh'])", "OSError"),
        ("import os; os.pipe()", "OSError"),
        ("import threading; threading.Thread(target=print).start()", "RuntimeError"),
        ("import multiprocessing; multiprocessing.Pool(1)", "OSError"),
        ("import mmap; mmap.mmap(open('/tmp/x', 'w+b').fileno(), 10)", "Error"),
        (_LOAD_NATIVE, "ImportError"),
    ],
)
def test_it_fails_as_an_ordinary_exception(shared_session: Session, code: str, error: str) -> None:
    result = shared_session.run(code)
    assert error in (result.error or "").splitlines()[-1]
    assert shared_session.alive


def test_no_command_runs(shared_session: Session) -> None:
    assert shared_session.run("import os; os.system('ls')").output == "-1\n"


def test_the_guest_sees_nothing_of_the_machine(new_session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "do not tell")
    session = new_session()
    assert session.run("import os; sorted(os.environ)").output == "['HOME', 'LANG', 'PATH', 'USER']\n"
    assert session.run("sorted(os.listdir('/'))").output == "['dev', 'home', 'lib', 'proc', 'tmp']\n"
    assert session.run("os.listdir('/proc/self'), sorted(os.listdir('/dev'))").output == "([], ['null', 'stdout'])\n"
    for process in processes():
        assert b"SECRET" not in _as_far_as_readable(process / "environ")


def _as_far_as_readable(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (PermissionError, ProcessLookupError):  # not dumpable, when not even its owner may look; or just gone
        return b""


def test_every_object_in_reach_is_the_guests(shared_session: Session) -> None:
    code = """
found = {c.__module__ for c in object.__subclasses__()} & {'wasmtime', 'rlm_sandbox', 'ctypes', '_ctypes'}
frames = __import__('sys')._getframe(1).f_globals['__name__']
found, frames
"""
    assert shared_session.run(code).output == "(set(), 'rlm_driver')\n"


def test_every_builtin_module_imports_or_refuses(new_session: Any) -> None:
    session = new_session()
    result = session.run(
        "import sys\nfor name in sys.builtin_module_names:\n  try: __import__(name)\n  except ImportError: print(name)"
    )
    assert set(result.output.split()) <= {"_ctypes", "_pyodide_core"}
    assert session.alive


def test_the_worker_gives_up_what_the_kernel_lets_it(new_session: Any) -> None:
    granted = capabilities()
    assert granted["no_new_privs"]
    assert granted["resource_limits"]
    new_session()
    for process in processes():
        status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines() if ":\t" in line)
        assert status["NoNewPrivs"] == "1"
        if granted["no_capabilities"]:
            assert int(status["CapEff"], 16) == 0
        if granted["network_namespace"] and os.access(process / "ns", os.R_OK | os.X_OK):
            assert (process / "ns/net").readlink() != Path("/proc/self/ns/net").readlink()


_TRY_ALL = """
import ctypes, os, platform, resource, socket, sys, tempfile
from rlm_sandbox import confine, system_calls
mine = tempfile.NamedTemporaryFile().name
open(mine, "w").close()
confine.confine(), confine.confine_files(), system_calls.forbid()
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # its own
def call(x86, arm, *arguments):
    number = {"x86_64": x86, "aarch64": arm}[platform.machine()]
    if ctypes.CDLL(None).syscall(number, *arguments) < 0:
        raise OSError
attempts = {
    "open": lambda: open("/etc/passwd"),
    "write": lambda: open("/tmp/written", "w"),
    "remove": lambda: os.unlink("/tmp/nothing"),
    "exec": lambda: os.execv("/bin/true", ["true"]),
    "socket": lambda: socket.socket(socket.AF_UNIX),
    "kill": lambda: os.kill(os.getppid(), 0),
    "signal": lambda: os.kill(os.getpid(), 0),
    "namespace": lambda: call(56, 220, 0x10000000 | 17, 0, 0, 0, 0),
    "group": lambda: os.setpgid(0, 0),
    "mode": lambda: os.chmod(mine, 0o600),
    "owner": lambda: os.chown(mine, os.geteuid(), -1),
    "attribute": lambda: os.setxattr(mine, "user.x", b"1"),
    "directory": lambda: os.mkdir("/tmp/made-in-the-walls"),
    "link": lambda: os.readlink("/proc/self/exe"),
    "look": lambda: os.access(mine, os.R_OK) or call(89, 78, 0),
    "go": lambda: os.chdir("/"),
    "limits": lambda: resource.prlimit(os.getppid(), resource.RLIMIT_CORE),
    "shared": lambda: call(29, 194, 0, 4096, 0o1600),
    "watch": lambda: call(294, 26, 0),
    "priority": lambda: os.setpriority(os.PRIO_PROCESS, 0, 19),
}
for name, attempt in attempts.items():
    try: attempt()
    except OSError as error: print(name, "refused")
    else: print(name, "done")
"""


@pytest.mark.skipif(not capabilities()["no_system_calls"], reason="the kernel has no seccomp filters")
def test_native_code_in_the_worker_would_reach_no_file_process_or_socket() -> None:
    command = [sys.executable, "-c", _TRY_ALL]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    names = (
        "open write remove exec socket kill signal namespace group mode owner attribute directory link look go limits "
        "shared watch priority"
    )
    assert done.stdout.split("\n")[:-1] == [f"{name} refused" for name in names.split()]


def test_capabilities_name_every_protection() -> None:
    assert set(capabilities()) == {
        "no_new_privs",
        "network_namespace",
        "no_capabilities",
        "not_dumpable",
        "resource_limits",
        "session_limits",
        "no_files",
        "no_system_calls",
    }
