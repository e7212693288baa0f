#!/usr/bin/env python3
"""Figures of the release bootstrap on this machine: size, start, and time of an invocation on the emulator.

The emulator runs the function as a local process and adds its own milliseconds: only ratios carry over to AWS.
"""

import json
import pathlib
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from lab import tools  # noqa: E402

tools.enter()

from lab import scene  # noqa: E402
from lab.emulator import Emulator  # noqa: E402
from lab.stack import BOOTSTRAP, Stack  # noqa: E402

BUCKET = "acme-lidar"


def timed(call, times: int) -> str:
    spent = []
    for _ in range(times):
        began = time.monotonic()
        call()
        spent.append((time.monotonic() - began) * 1000)
    spent.sort()
    return f"p50 {statistics.median(spent):.1f} ms, p95 {spent[int(times * 0.95)]:.1f} ms, of {times}"


def batch(count: int) -> dict:
    def record(n: int) -> dict:
        event = {
            "version": "0", "id": f"e{n}", "detail-type": "Object Created", "source": "aws.s3", "account": "111122223333",
            "time": "2026-11-24T00:00:00Z", "region": "eu-central-1", "resources": [],
            "detail": {"version": "0", "bucket": {"name": BUCKET}, "object": {"key": f"{n}.png", "size": 1}, "reason": "PutObject"},
        }
        return {"messageId": f"m{n}", "body": json.dumps(event), "eventSource": "aws:sqs"}

    return {"Records": [record(n) for n in range(count)]}


def main() -> None:
    print(f"bootstrap: {BOOTSTRAP.stat().st_size / 1e6:.2f} MB")
    print("start and end of the process (`--version`):", timed(lambda: subprocess.run([BOOTSTRAP, "--version"], capture_output=True), 50))
    with Emulator() as emulator:
        stack = Stack(emulator)
        scene.bucket(stack.aws, BUCKET)
        key = scene.key(stack.aws, "images", for_darwin=True)
        for n in range(100):
            scene.upload(stack.aws, BUCKET, f"{n}.png", key)
        stack.create(ReadWriteBuckets=[BUCKET], Mode="repair")
        began = time.monotonic()
        stack.invoke({"action": "judge", "bucket": BUCKET, "key": "0.png"})
        print(f"first invocation, start included: {(time.monotonic() - began) * 1000:.0f} ms")
        print("one object, warm:", timed(lambda: stack.invoke(batch(1)), 100))
        print("a batch of 100 objects, warm:", timed(lambda: stack.invoke(batch(100)), 20))
        print("an audit, warm:", timed(lambda: stack.invoke({"action": "audit"}), 50))


if __name__ == "__main__":
    main()
