#!/usr/bin/env python3
"""The pictures of docs/tool.md: an audit's page on the emulated AWS, light, dark and as wide as a phone. Needs Chromium and `make cli`."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from lab import tools

if __name__ == "__main__":
    tools.enter()

from lab import scene  # noqa: E402
from lab.emulator import ACCOUNT, REGION, Emulator, clean_environment  # noqa: E402
from lab.stack import Aws  # noqa: E402
from lab.tools import ROOT  # noqa: E402

TOOL = ROOT / "target" / "release" / "darwin-guard"
IMAGES = ROOT / "docs" / "images"


def audited(directory: pathlib.Path) -> pathlib.Path:
    """The page of three buckets: one that is ready, one that a pipeline rewrote, one whose default key is its own."""
    page = directory / "audit.html"
    with Emulator() as emulator:
        aws = Aws(emulator.url)
        scene.bucket(aws, "acme-lidar")
        scene.bucket(aws, "acme-slides", for_darwin=False)
        scene.bucket(aws, "acme-video")
        rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": scene.key(aws, "video", for_darwin=False)}}
        aws.s3.put_bucket_encryption(Bucket="acme-video", ServerSideEncryptionConfiguration={"Rules": [rule]})
        environment = clean_environment() | {
            "AWS_ENDPOINT_URL": emulator.url, "AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "none", "AWS_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }
        buckets = ["acme-lidar", "acme-slides", "acme-video"]
        command = [TOOL, "audit", *buckets, "--access", "read-write", "--prefix", "darwin/", "--team", "Acme Vision", "--html", page]
        status = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL).returncode
        if status != 1:
            sys.exit(f"the audit ended with {status}")
    return page


def main() -> int:
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None or not TOOL.exists():
        sys.exit("needs Chromium and `make cli`")
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        page = audited(directory)
        # A window is never as narrow as a phone: a frame is.
        phone = directory / "phone.html"
        phone.write_text(f'<!doctype html><style>body{{margin:0}}iframe{{border:0;width:390px;height:1500px}}</style><iframe src="{page.name}"></iframe>')
        for shown, image, size, scheme in (
            (page, "page-light.png", "1100,1250", 1), (page, "page-dark.png", "1100,1250", 0), (phone, "page-phone.png", "390,1500", 1),
        ):
            subprocess.run(
                [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={directory / 'browser'}",
                 f"--blink-settings=preferredColorScheme={scheme}", f"--window-size={size}", f"--screenshot={IMAGES / image}", shown.as_uri()],
                check=True, capture_output=True, env=clean_environment() | {"HOME": name},
            )
            print(IMAGES / image)
    return 0


if __name__ == "__main__":
    sys.exit(main())
