#!/usr/bin/env python3
"""`sam build` in a copy of the tree, for this machine's architecture: it would replace what it finds under target/.

It takes minutes, so that a stamp of the sources says whether there is anything new to build.
"""

import hashlib
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
PARTS = ["Cargo.toml", "Cargo.lock", "template.yaml", "samconfig.toml", "src"]
# Cargo looks for every target that the manifest names.
BESIDE = ["examples", "benches", "tests"]


def digest() -> str:
    found = hashlib.sha256()
    for part in PARTS:
        path = ROOT / part
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                found.update(str(file.relative_to(ROOT)).encode() + file.read_bytes())
    return found.hexdigest()


def main() -> None:
    stamp, wanted = ROOT / ".venv" / "sam" / "built", digest()
    if stamp.exists() and stamp.read_text() == wanted:
        print("sam build: nothing has changed since it last worked")
        return
    sam = ROOT / ".venv" / "sam" / "bin"
    architecture = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
    with tempfile.TemporaryDirectory(prefix="sam-build-") as directory:
        for part in PARTS + BESIDE:
            source, target = ROOT / part, pathlib.Path(directory) / part
            if source.is_dir():
                shutil.copytree(source, target)
            elif source.exists():
                shutil.copy(source, target)
        environment = {k: v for k, v in os.environ.items() if k != "CARGO_TARGET_DIR"} | {
            "SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "eu-central-1", "PATH": f"{sam}{os.pathsep}{os.environ['PATH']}",
        }
        command = [sam / "sam", "build", "--parameter-overrides", f"Architecture={architecture}"]
        if subprocess.run(command, cwd=directory, env=environment).returncode != 0:
            sys.exit("sam build failed")
        built = list(pathlib.Path(directory).glob(".aws-sam/build/*/bootstrap"))
        if not built:
            sys.exit("sam build left no bootstrap")
        print(f"sam build: {built[0].stat().st_size / 1e6:.2f} MB")
    stamp.write_text(wanted)


if __name__ == "__main__":
    main()
