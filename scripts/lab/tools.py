"""The pinned Python tools in `.venv`, made on first use. Standard library only.

Must never touch the system's Python, nor name a package registry: pip's own configuration decides.
"""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import time
import venv

ROOT = pathlib.Path(__file__).resolve().parents[2]


def _stamp(requirements: pathlib.Path) -> str:
    return hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()


def ensure(directory: str = ".venv", requirements: str = "requirements.txt") -> pathlib.Path:
    """Makes the environment if it is not there or its requirements changed; answers its Python."""
    target, wanted = ROOT / directory, ROOT / requirements
    python, mark = target / "bin" / "python", target / "stamp"
    if python.exists() and mark.exists() and mark.read_text() == _stamp(wanted):
        return python
    print(f"setting up {directory} from {requirements} (once, about a minute)", flush=True)
    began = time.monotonic()
    shutil.rmtree(target, ignore_errors=True)
    venv.create(target, with_pip=True)
    command = [python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "-r", wanted]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    tail = []
    for line in process.stdout:
        tail = (tail + [line.rstrip()])[-15:]
        if line.startswith(("Collecting", "Installing")):
            print(f"  {time.monotonic() - began:5.0f} s  {line.strip()[:110]}", flush=True)
    if process.wait() != 0:
        sys.exit("\n".join(tail) + f"\n{directory} could not be set up: pip failed as above")
    mark.write_text(_stamp(wanted))
    return python


def enter() -> None:
    """Runs the calling script again under the environment's Python, unless it already does."""
    python = ensure()
    if pathlib.Path(sys.prefix).resolve() != (ROOT / ".venv").resolve():
        os.execv(python, [str(python), *sys.argv])


if __name__ == "__main__":
    ensure(*sys.argv[1:3])
