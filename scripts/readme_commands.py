#!/usr/bin/env python3
"""Runs the commands of README.md, docs/ and events/README.md as they are written, against the emulated AWS.

A fenced block without a language, or with `sh`, holds shell commands; anything else names its language. What can't run here
stands in docs/commands-not-run.txt with the reason. A command that neither runs nor stands there fails, as does an entry
there that no document has any more. `aws` is lab/aws_cli.py here, which holds the commands to AWS's own models.
"""

import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time

from lab import tools

if __name__ == "__main__":
    tools.enter()

from lab import scene  # noqa: E402
from lab.emulator import ACCOUNT, HANGS, REGION, Emulator, clean_environment  # noqa: E402
from lab.stack import Stack  # noqa: E402
from lab.tools import ROOT  # noqa: E402

NOT_RUN = ROOT / "docs" / "commands-not-run.txt"
BUCKET = "acme-lidar"
SHELL = {"", "sh"}


def documents() -> list:
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "events" / "README.md"]


def blocks(text: str) -> list:
    """The shell blocks of a document, each a list of commands; continued lines are joined."""
    found, commands, fence = [], None, None
    for line in text.splitlines():
        mark = re.match(r"^\s*```(\S*)", line)
        if mark and fence is None:
            fence = mark[1]
            commands = []
        elif mark:
            if fence in SHELL:
                found.append(commands)
            fence = None
        elif fence is not None:
            stripped = line.strip()
            if commands and commands[-1].endswith("\\"):
                commands[-1] = commands[-1][:-1].rstrip() + " " + stripped
            elif stripped and not stripped.startswith("#"):
                commands.append(stripped)
    return found


def not_run() -> dict:
    """Command to the reason why it is not run."""
    listed, reason = {}, None
    for line in NOT_RUN.read_text().splitlines():
        if line.startswith("## "):
            reason = line.removeprefix("## ")
        elif line.strip() and not line.startswith("#"):
            if reason is None:
                sys.exit(f"{NOT_RUN.name}: a command before the first reason: {line}")
            listed[line.strip()] = reason
    return listed


def placeholders(stack: Stack) -> dict:
    def arn(output: str) -> str:
        url = stack.outputs[output]
        return stack.aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    outputs = stack.outputs
    topic = next(topic["TopicArn"] for topic in stack.aws.sns.list_topics()["Topics"])
    listener = stack.aws.sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=arn("ConfigDeadLetterQueueUrl"), ReturnSubscriptionArn=True,
    )
    return {
        "NAME": outputs["FunctionName"], "FUNCTION": outputs["FunctionName"], "REGION": REGION, "BUCKET": BUCKET,
        "ALARM_NAME": stack.aws.cloudwatch.describe_alarms()["MetricAlarms"][0]["AlarmName"],
        "STACK": stack.name, "TABLE": outputs["TableName"], "OBJECT_QUEUE_URL": outputs["ObjectQueueUrl"], "QUEUE_URL": outputs["ObjectQueueUrl"],
        "QUEUE_ARN": arn("ObjectQueueUrl"), "DEAD_LETTER_QUEUE_URL": outputs["ObjectDeadLetterQueueUrl"],
        "DEAD_LETTER_QUEUE_ARN": arn("ObjectDeadLetterQueueUrl"), "SUBSCRIPTION_ARN": listener["SubscriptionArn"],
    }


def filled(command: str, values: dict) -> str:
    return re.sub(r"(?<![\w$'\"])[A-Z][A-Z_]+(?![\w=])", lambda match: values.get(match[0], match[0]), command)


class Runner:
    def __init__(self, emulator: Emulator, directory: pathlib.Path):
        self.directory = directory
        for entry in ROOT.iterdir():
            if entry.name not in (".git", ".venv"):
                (directory / entry.name).symlink_to(entry)
        programs = directory / "bin"
        programs.mkdir()
        aws = programs / "aws"
        aws.write_text(f"#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(ROOT / 'scripts/lab/aws_cli.py'))} \"$@\"\n")
        aws.chmod(0o755)
        stack = Stack(emulator)
        scene.bucket(stack.aws, BUCKET)
        scene.upload(stack.aws, BUCKET, "raw/a.png")
        stack.create(ReadWriteBuckets=[BUCKET], Prefix="darwin/", TeamName="Acme Vision")
        self.values = placeholders(stack)
        self.environment = clean_environment() | {
            "AWS_ENDPOINT_URL": emulator.url, "AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_DEFAULT_REGION": REGION, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def run(self, command: str, before: list) -> str | None:
        """What went wrong, or none. The exports of the document up to here are made first."""
        script = "\n".join(["set -o pipefail", *before, filled(command, self.values)])
        # A group of its own, so that nothing is left behind of a command that does not end.
        child = subprocess.Popen(
            ["bash", "-c", script], cwd=self.directory, env=self.environment, start_new_session=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        try:
            out, err = child.communicate(timeout=HANGS)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
            return f"not done after {HANGS} s"
        # The shell form says 1 where something is found: that is an answer.
        guard = "s3-guard/bootstrap" in command or "release/darwin-guard" in command
        if child.returncode not in ({0, 1} if guard else {0}):
            return f"exit status {child.returncode}\n{out[-800:]}{err[-800:]}"
        if guard and not out.strip():
            return "it printed nothing"
        if "FunctionError" in out:
            return out[-800:]
        return None


def main() -> int:
    listed, seen, failed, ran = not_run(), set(), [], 0
    began = time.monotonic()
    with Emulator() as emulator, tempfile.TemporaryDirectory(prefix="readme-commands-") as directory:
        runner = Runner(emulator, pathlib.Path(directory))
        for document in documents():
            name = str(document.relative_to(ROOT))
            exports = []
            for command in [command for block in blocks(document.read_text()) for command in block]:
                seen.add(command)
                if command in listed:
                    print(f"not run  {name}: {command}\n         {listed[command]}")
                    continue
                problem = runner.run(command, exports)
                if command.startswith("export "):
                    exports.append(command)
                ran += 1
                print(f"{'FAILED ' if problem else 'ran    '}  {name}: {command}")
                if problem:
                    failed.append(command)
                    print("         " + problem.replace("\n", "\n         "))
    stale = [command for command in listed if command not in seen]
    for command in stale:
        print(f"FAILED   {NOT_RUN.name}: no document has this command any more: {command}")
    print(f"{ran} commands ran, {len(failed)} of them failed, in {time.monotonic() - began:.0f} s")
    return 1 if failed or stale else 0


if __name__ == "__main__":
    sys.exit(main())
