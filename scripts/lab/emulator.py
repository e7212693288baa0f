"""Processes of the laboratory: the emulated AWS, and the proxy that injects AWS's faults. Loopback only, free ports.

Must never leave a process behind: each runs in its own group, which is ended by id.
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ACCOUNT = "111122223333"
REGION = "eu-central-1"
# Seconds after which something hangs. Nothing is expected by then: it only ends what would not end by itself.
HANGS = 1_200


class LabError(Exception):
    """Something of the laboratory itself did not work."""


def reserved_port() -> socket.socket:
    """Holds a free port for the process that will listen on it: to nobody else the system gives it while this is open."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    return held


def clean_environment() -> dict:
    """The caller's environment without anything that could point a process at a real AWS account."""
    kept = {k: v for k, v in os.environ.items() if not k.upper().startswith(("AWS_", "LAMBDA_", "GUARDED_", "MINISTACK_"))}
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        kept.pop(name, None)
    return kept


class Process:
    """A child in its own process group, with its output in a file."""

    def __init__(self, name: str, command: list, environment: dict, directory: pathlib.Path):
        self.name = name
        self.log = directory / f"{name}.log"
        with open(self.log, "wb") as out:
            self.child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                env=environment, cwd=directory, start_new_session=True,
            )

    def wait_for(self, url: str) -> None:
        limit = time.monotonic() + HANGS
        while time.monotonic() < limit:
            if self.child.poll() is not None:
                raise LabError(f"{self.name} ended at once:\n{self.tail()}")
            try:
                with urllib.request.urlopen(url, timeout=2):
                    return
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.05)
        raise LabError(f"{self.name} is not ready after {HANGS} s:\n{self.tail()}")

    def tail(self, lines: int = 15) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def stop(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.child.pid, number)
            except ProcessLookupError:
                break
            try:
                self.child.wait(3)
            except subprocess.TimeoutExpired:
                continue
        self.child.wait()


class Emulator:
    """The emulated AWS, and what its functions have in their environments besides their own. Use it in a `with`."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="darwin-s3-guard-"))
        self.environment = {}
        self._ports = [reserved_port()]
        self.port = self._ports[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.processes = []
        self._faults = None

    def __enter__(self):
        try:
            environment = clean_environment() | {
                "IOT_MTLS_ENABLED": "0",
                "BIND_HOST": "127.0.0.1",
                "GATEWAY_PORT": str(self.port),
                # For the functions, which have their environment from here.
                "AWS_ENDPOINT_URL": self.url,
                "MINISTACK_REGION": REGION,
                "AWS_DEFAULT_REGION": REGION,
                "AWS_ACCESS_KEY_ID": ACCOUNT,
                "AWS_SECRET_ACCESS_KEY": "none",
                "AWS_EC2_METADATA_DISABLED": "true",
                "HOME": str(self.directory),
                "TMPDIR": str(self.directory),
                "PATH": f"{pathlib.Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}",
            } | self.environment
            ministack = self._start("ministack", [str(pathlib.Path(sys.prefix) / "bin" / "ministack")], environment)
            ministack.wait_for(f"{self.url}/_ministack/health")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.stop()
        for port in self._ports:
            port.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _start(self, name, command, environment) -> Process:
        process = Process(name, command, environment, self.directory)
        self.processes.append(process)
        return process

    def faults(self) -> "Faults":
        """The proxy in front of the emulator, started on first use."""
        if self._faults is None:
            self._ports.append(reserved_port())
            port = self._ports[-1].getsockname()[1]
            command = [str(pathlib.Path(sys.prefix) / "bin" / "microburst"), "--host", "127.0.0.1", "--port", str(port)]
            process = self._start("microburst", [*command, "--upstream", self.url], clean_environment())
            process.wait_for(f"http://127.0.0.1:{port}/_microburst/rules")
            self._faults = Faults(f"http://127.0.0.1:{port}")
        return self._faults


class Faults:
    """The proxy's control interface. `url` is what the function is given as AWS's endpoint."""

    def __init__(self, url: str):
        self.url = url

    def _call(self, method: str, path: str, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.url}/_microburst/{path}", data, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=HANGS) as answer:
            text = answer.read().decode()
        return json.loads(text) if text else None

    def inject(self, *rules: dict) -> None:
        self._call("POST", "rules", list(rules))

    def add(self, rule: dict) -> int:
        """Adds a rule to those in force; its number."""
        return self._call("PATCH", "rules", [rule])[0]["id"]

    def end(self, rule: dict) -> None:
        """Ends what `add` began; to be given the same rule."""
        self._call("DELETE", "rules", [rule])

    def counts(self) -> dict:
        """How often each rule was applied, by its number; rules that were never are left out."""
        return {entry["id"]: entry["fired"] for entry in self._call("GET", "stats")["by_rule"]}

    def clear(self) -> None:
        self._call("POST", "rules", [])

    def fired(self) -> list:
        answer = self._call("GET", "fired")
        return answer.get("fired", answer) if isinstance(answer, dict) else answer
