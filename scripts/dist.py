#!/usr/bin/env python3
"""What a release consists of, made from what `make build` and `make cli` built on this machine, into dist/.

For one architecture, this machine's: the function's zip, the tool's archive, both with fixed times so that the same binaries
give the same bytes. Beside them the template, which takes the zip from a bucket of the user's, the bill of materials, and the
checksums of everything that lies in the directory. Must never build, sign or upload anything.
"""

import argparse
import gzip
import hashlib
import io
import json
import pathlib
import platform
import re
import subprocess
import sys
import tarfile
import tomllib
import uuid
import zipfile

from lab import tools
from lab.tools import ROOT

if __name__ == "__main__":
    tools.enter()

from cyclonedx.contrib.this.builders import this_component  # noqa: E402
from cyclonedx.model import HashAlgorithm, HashType, Property  # noqa: E402
from cyclonedx.model.bom import Bom  # noqa: E402
from cyclonedx.model.component import Component, ComponentType  # noqa: E402
from cyclonedx.model.license import LicenseExpression  # noqa: E402
from cyclonedx.output.json import JsonV1Dot6  # noqa: E402
from packageurl import PackageURL  # noqa: E402

PACKAGE = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]
NAME = PACKAGE["name"]
ARCHITECTURE = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
EPOCH = (2020, 1, 1, 0, 0, 0)

# What the released template has more than template.yaml: where the user has put the zip.
PARAMETERS = """\
Parameters:
  CodeBucket:
    Type: String
    Description: A bucket of yours in this Region that holds the function's zip of this release.
    AllowedPattern: '[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]'
    ConstraintDescription: the name of a bucket.
  CodePrefix:
    Type: String
    Default: ''
    Description: Where in that bucket the zip lies, e.g. releases/. Ends in a slash; none means its top.
    AllowedPattern: '([A-Za-z0-9][A-Za-z0-9._/-]*/)?'
    ConstraintDescription: empty, or a prefix that ends in a slash.
    MaxLength: 200
"""


def code(version: str) -> str:
    key = f"${{CodePrefix}}{NAME}-{version}-${{Architecture}}.zip"
    return f"      CodeUri: {{Bucket: !Ref CodeBucket, Key: !Sub '{key}'}}\n"


def template(version: str) -> str:
    """template.yaml, which takes its code from the user's bucket. Comments and what builds it from source are dropped."""
    text = (ROOT / "template.yaml").read_text()
    build = "    Metadata: {BuildMethod: rust-cargolambda, BuildProperties: {Binary: bootstrap}}\n"
    start, end = "  AWS::ServerlessRepo::Application:\n", "  AWS::CloudFormation::Interface:\n"
    for part in ("\nParameters:\n", "      CodeUri: .\n", build, start, end):
        if text.count(part) != 1:
            sys.exit(f"template.yaml no longer holds exactly one of\n{part}")
    # The application repository's, whose files `sam package` puts into S3: of the source alone.
    text = text[:text.index(start)] + text[text.index(end):]
    text = text.replace("\nParameters:\n", "\n" + PARAMETERS).replace("      CodeUri: .\n", code(version)).replace(build, "")
    return "".join(line for line in text.splitlines(keepends=True) if not line.lstrip().startswith("#"))


# What provided.al2023 has.
GLIBC = (2, 34)


def function_zip(bootstrap: pathlib.Path) -> bytes:
    newest = max((2, int(minor)) for minor in re.findall(rb"GLIBC_2\.(\d+)", bootstrap.read_bytes()) or [b"0"])
    if newest > GLIBC:
        sys.exit(f"{bootstrap} needs glibc {newest[0]}.{newest[1]}; Lambda's provided.al2023 has {GLIBC[0]}.{GLIBC[1]}: build it on an older system")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        entry = zipfile.ZipInfo("bootstrap", EPOCH)
        entry.external_attr, entry.compress_type, entry.create_system = 0o755 << 16, zipfile.ZIP_DEFLATED, 3
        archive.writestr(entry, bootstrap.read_bytes())
    return buffer.getvalue()


def tool_archive(tool: pathlib.Path, folder: str) -> bytes:
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0, filename="") as packed, tarfile.open(fileobj=packed, mode="w") as archive:
        for path, mode in ((tool, 0o755), (ROOT / "LICENSE", 0o644), (ROOT / "README.md", 0o644)):
            data = path.read_bytes()
            entry = tarfile.TarInfo(f"{folder}/{path.name}")
            entry.size, entry.mode = len(data), mode
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def crates(features: str) -> list:
    """The crates that a release build links, as Cargo resolves them for this platform without the tests' own."""
    host = next(line.split()[1] for line in subprocess.check_output(["rustc", "-vV"], text=True).splitlines() if line.startswith("host:"))
    asked = ["--locked", "--features", features]
    tree = ["cargo", "tree", *asked, "--edges", "normal", "--target", host, "--prefix", "none", "--format", "{p}"]
    lines = subprocess.check_output(tree, cwd=ROOT, text=True).splitlines()
    linked = {(line.split()[0], line.split()[1].removeprefix("v")) for line in lines if line.strip()} - {(NAME, PACKAGE["version"])}
    command = ["cargo", "metadata", "--format-version", "1", "--filter-platform", host, *asked]
    packages = json.loads(subprocess.check_output(command, cwd=ROOT, text=True))["packages"]
    found = [package for package in packages if (package["name"], package["version"]) in linked]
    if len(found) != len(linked):
        sys.exit(f"cargo tree names {len(linked)} crates, cargo metadata knows {len(found)} of them")
    return sorted(found, key=lambda package: (package["name"], package["version"]))


def checksums() -> dict:
    """SHA-256 by crate, as Cargo.lock has them."""
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    return {(package["name"], package["version"]): package.get("checksum") for package in lock["package"]}


def bill(version: str, features: str) -> str:
    """A CycloneDX bill of materials: every crate with its licence and its checksum."""
    sums, bom = checksums(), Bom()
    bom.metadata.component = Component(
        type=ComponentType.APPLICATION, name=NAME, version=version, bom_ref=NAME, licenses=[LicenseExpression(PACKAGE["license"])],
        properties=[Property(name="features", value=features or "none")],
    )
    bom.metadata.tools.components.add(this_component())
    for package in crates(features):
        name, number = package["name"], package["version"]
        sha, purl = sums.get((name, number)), PackageURL("cargo", name=name, version=number)
        licence = (package.get("license") or "").replace("/", " OR ")
        bom.components.add(Component(
            type=ComponentType.LIBRARY, name=name, version=number, purl=purl, bom_ref=str(purl),
            licenses=[LicenseExpression(licence)] if licence else None,
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha)] if sha else None,
        ))
    # The same crates give the same bill: its number comes from them, and the time of making is no part of it.
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, ",".join(sorted(str(c.bom_ref) for c in bom.components)) + version)
    made = json.loads(JsonV1Dot6(bom).output_as_string())
    made["metadata"].pop("timestamp", None)
    return json.dumps(made, indent=1, sort_keys=True) + "\n"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--into", type=pathlib.Path, default=ROOT / "dist")
    asked.add_argument("--version", default=PACKAGE["version"], help="of the release; Cargo.toml's if not given")
    asked.add_argument("--bootstrap", type=pathlib.Path, required=True)
    asked.add_argument("--tool", type=pathlib.Path, help="darwin-guard, with the feature `cli`")
    options = asked.parse_args()
    options.into.mkdir(parents=True, exist_ok=True)
    label = f"{options.version}-{ARCHITECTURE}"
    made = {
        f"{NAME}-{label}.zip": function_zip(options.bootstrap),
        f"{NAME}-{options.version}-template.yaml": template(options.version).encode(),
        f"{NAME}-{label}.cdx.json": bill(options.version, "").encode(),
    }
    if options.tool:
        made[f"darwin-guard-{label}.tar.gz"] = tool_archive(options.tool, f"darwin-guard-{label}")
        made[f"darwin-guard-{label}.cdx.json"] = bill(options.version, "cli").encode()
    for name, data in made.items():
        (options.into / name).write_bytes(data)
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(options.into.iterdir()) if path.name != "SHA256SUMS"
    ]
    (options.into / "SHA256SUMS").write_text("".join(lines))
    for name, data in sorted(made.items()):
        print(f"{len(data):>10,} B  {options.into.name}/{name}")


if __name__ == "__main__":
    main()
