#!/usr/bin/env python3
"""The guard's story on an emulated AWS: the real template, the real function, real API answers.

Exits non-zero, with what did not happen, if one thing that it claims is not so. Leaves nothing running.
"""

import argparse
import difflib
import json
import os
import pathlib
import signal
import subprocess
import sys
import textwrap
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from lab import tools  # noqa: E402

tools.enter()

from lab import scene, trail  # noqa: E402
from lab.emulator import ACCOUNT, REGION, Emulator, LabError, clean_environment  # noqa: E402
from lab.mailbox import Mailbox  # noqa: E402
from lab.stack import BOOTSTRAP, Stack  # noqa: E402
from lab.tools import ROOT  # noqa: E402

BUCKET = "acme-lidar"
TOOL = ROOT / "target" / "release" / "darwin-guard"
PAGE = ROOT / "target" / "demo-audit.html"
COLOURS = {"you": "36", "guard": "32", "alert": "33", "AWS": "90", "proof": "32", "not so": "31"}


class NotSo(Exception):
    """Something the demo claims did not happen."""


class Stage:
    """The timeline: each line with the elapsed time and who speaks."""

    def __init__(self):
        self.began = time.monotonic()
        self.proofs = 0
        self.colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def _paint(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self.colour else text

    def chapter(self, title: str) -> None:
        print("\n" + self._paint("1", title), flush=True)

    def say(self, who: str, text: str, block: str = "") -> None:
        elapsed = f"{time.monotonic() - self.began:6.2f} s"
        print(f"{self._paint('90', elapsed)}  {self._paint(COLOURS.get(who, '0'), who.ljust(6))} {text}", flush=True)
        for line in block.splitlines():
            code = {"+": "32", "-": "31"}.get(line[:1], "90")
            print(" " * 18 + self._paint(code, line[:116]), flush=True)

    def prove(self, claim: str, holds, seen: object = None) -> None:
        """States a claim that was just checked; ends the demo if it does not hold."""
        if not holds:
            self.say("not so", claim, textwrap.shorten(f"seen: {seen}", 700) if seen is not None else "")
            raise NotSo(claim)
        self.proofs += 1
        self.say("proof", f"{claim}")


def status(answer: dict) -> str:
    meta = answer["ResponseMetadata"]
    return f"HTTP {meta['HTTPStatusCode']}"


def diff(before: str, after: str) -> str:
    def lines(text):
        return json.dumps(json.loads(text), indent=2).splitlines()

    changed = difflib.unified_diff(lines(before), lines(after), "before", "after", n=1, lineterm="")
    return "\n".join(list(changed)[2:])


def statements(text: str) -> list:
    return json.loads(text)["Statement"]


class Demo:
    def __init__(self, stage: Stage, emulator: Emulator, options):
        self.stage = stage
        self.options = options
        self.stack = Stack(emulator, options.bootstrap)
        self.aws = self.stack.aws
        self.mailbox = None

    def policy(self) -> str:
        return self.aws.s3.get_bucket_policy(Bucket=BUCKET)["Policy"]

    def cors(self) -> list:
        return self.aws.s3.get_bucket_cors(Bucket=BUCKET)["CORSRules"]

    def put_policy(self, *parts: dict) -> str:
        """PutBucketPolicy as somebody else's pipeline would do it, and its event."""
        text = scene.policy(*parts)
        answer = self.aws.s3.put_bucket_policy(Bucket=BUCKET, Policy=text)
        self.stage.say("you", f"PutBucketPolicy {BUCKET}: {', '.join(p['Sid'] for p in parts)} -> {status(answer)}")
        return text

    def played(self, event: dict) -> None:
        matched = trail.deliver(self.stack, event)
        name = event["detail"]["eventName"]
        self.stage.say("AWS", f"(the demo plays CloudTrail: the event {name} of that call, put on the config queue)")
        self.stage.prove(f"a rule of the template lets this event through: {', '.join(matched) or 'none'}", matched)

    def policy_event(self, text: str) -> dict:
        return trail.s3_event("PutBucketPolicy", BUCKET, {"policy": "", "bucketPolicy": json.loads(text)})

    def own_write_comes_back(self) -> None:
        """What the function wrote comes back through CloudTrail as well."""
        who = {
            "type": "AssumedRole", "accountId": ACCOUNT,
            "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/guard/{self.stack.function}",
        }
        event = trail.s3_event("PutBucketPolicy", BUCKET, {"policy": "", "bucketPolicy": json.loads(self.policy())}, who)
        trail.deliver(self.stack, event)

    def alert(self, what: str, wanted) -> dict:
        message = self.mailbox.wait(wanted, self.stack.settled)
        self.stage.prove(f"the topic delivered an alert: {what}", message, self.mailbox.messages or "no message at all")
        self.stage.say("alert", message["subject"], "\n".join(self._because(message)))
        return message

    @staticmethod
    def _because(message: dict) -> list:
        lines = [wrapped for sentence in message["because"] for wrapped in textwrap.wrap(sentence, 112)]
        return lines[:4]

    # ------------------------------------------------------------------ the story
    def deploy(self) -> None:
        self.stage.chapter("A bucket that exists, and one stack beside it")
        scene.bucket(self.aws, BUCKET)
        self.shared = scene.key(self.aws, "scans, shared with Darwin", True)
        self.private = scene.key(self.aws, "scans, ours alone", False)
        self.stage.say("you", f"a bucket {BUCKET} that fulfils V7's contract, with two statements and a CORS rule of your own")
        self.before()
        self.stack.create(ReadWriteBuckets=[BUCKET], Prefix="darwin/", TeamName="Acme Vision", Mode=self.options.mode)
        names = self.aws.cloudformation.list_stack_resources(StackName=self.stack.name)["StackResourceSummaries"]
        state = self.aws.cloudformation.describe_stacks(StackName=self.stack.name)["Stacks"][0]["StackStatus"]
        self.stage.say("AWS", f"CloudFormation: {self.stack.name} is {state}, {len(names)} resources, from template.yaml")
        self.mailbox = Mailbox(self.aws, self.stack.outputs["TopicArn"])
        self.stage.say("you", f"subscribe a queue to the alert topic -> {self.mailbox.subscription.rsplit(':', 2)[1]}")

    def tool(self, *arguments: str) -> subprocess.CompletedProcess:
        """darwin-guard, from a desk."""
        environment = clean_environment() | {
            "AWS_ENDPOINT_URL": self.aws.endpoint, "AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "none", "AWS_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }
        return subprocess.run([TOOL, *arguments], env=environment, capture_output=True, text=True)

    def before(self) -> None:
        """The tool's audit and scan, when nothing is deployed yet."""
        PAGE.unlink(missing_ok=True)
        command = ["audit", BUCKET, "--access", "read-write", "--prefix", "darwin/", "--team", "Acme Vision"]
        self.stage.say("you", f"darwin-guard {' '.join(command)} --html {PAGE.relative_to(ROOT)}")
        done = self.tool(*command, "--html", str(PAGE))
        self.stage.say("guard", "what Darwin can do, before anything is deployed:", done.stdout)
        self.stage.prove("the tool says OK, and wrote a page", done.returncode == 0 and PAGE.is_file(), done.stdout + done.stderr)

        for number in range(40):
            scene.upload(self.aws, BUCKET, f"2024/scan-{number:03}.png", self.private if number % 5 == 4 else self.shared)
        command = ["scan", f"s3://{BUCKET}/2024/"]
        self.stage.say("you", f"40 objects from long ago, 8 of them under a key that Darwin may not use; darwin-guard {' '.join(command)}")
        done = self.tool(*command)
        self.stage.say("guard", "what of the objects that are there Darwin can't read:", done.stdout)
        report = json.loads(self.tool(*command, "--format", "json").stdout or "{}")
        verdicts = report.get("verdicts", {})
        held = done.returncode == 1 and (report.get("objects"), verdicts.get("allowed"), verdicts.get("denied")) == (40, 32, 8)
        self.stage.prove("of 40 objects it found the 8, under one key", held and len(report["causes"]) == 1, (done.stderr, report))

    def audit(self) -> None:
        self.stage.chapter("1  Audit: reads everything, writes nothing")
        before = (self.policy(), self.cors())
        succeeded, answer = self.stack.invoke({"action": "audit"})
        bucket = (answer.get("buckets") or [{}])[0] if isinstance(answer, dict) else {}
        self.stage.prove(
            "the bucket is readable and writable by your side, and CORS serves the annotators",
            succeeded and (bucket.get("read"), bucket.get("write"), bucket.get("cors")) == ("allowed", "allowed", "ok"),
            answer,
        )
        self.stage.say("guard", "activation details, ready to send to V7:", answer.get("activation") or "")
        self.stage.prove("they are there, and nothing was written", answer.get("activation") and before == (self.policy(), self.cors()), answer)

    def good_upload(self) -> None:
        self.stage.chapter("2  An upload under a key that Darwin may use")
        answer = scene.upload(self.aws, BUCKET, "raw/scan-001.png", self.shared)
        self.stage.say("you", f"PutObject raw/scan-001.png under {self.shared[-12:]} -> {status(answer)}")
        allowed = scene.until(self._allowed)
        self.stage.prove("EventBridge brought the event to the function, which judged the object: allowed", allowed, self._log()[-3:])
        self.stage.prove("nobody was told anything: all is well", not self.mailbox.fetch(), self.mailbox.messages)

    def bad_upload(self) -> None:
        self.stage.chapter("3  An upload under a key that it may not use")
        for name in ("raw/scan-002.png", "raw/scan 003 (ü+).png"):
            answer = scene.upload(self.aws, BUCKET, name, self.private)
            self.stage.say("you", f"PutObject {name} under {self.private[-12:]} -> {status(answer)}")
        scene.until(lambda: self._seen("key-denied") == 2)
        alert = self.alert("the key, once for both objects", lambda m: m["status"] == "opened" and m["kind"] == "key-denied")
        self.stage.prove("it names the key and carries a remedy", self.private in json.dumps(alert) and alert["remedy"], alert)
        self.stage.say("alert", "what to do, ready to paste:", "\n".join(alert["remedy"].splitlines()[:14]))
        scene.until(self.stack.settled)
        again = [m for m in self.mailbox.fetch_all() if m["kind"] == "key-denied"]
        self.stage.prove("the second object under the same key made no second message", not again, again)

        answer = self.aws.kms.put_key_policy(KeyId=self.private, PolicyName="default", Policy=scene.key_policy(True))
        self.stage.say("you", f"PutKeyPolicy with Darwin's statement -> {status(answer)}")
        self.played(trail.kms_event("PutKeyPolicy", self.private, {"policyName": "default"}))
        self.alert("it is fixed", lambda m: m["status"] == "resolved" and m["kind"] == "key-denied")

    def policy_deleted(self) -> None:
        self.stage.chapter("4  A pipeline rewrites the bucket policy and drops Darwin's statement")
        theirs = self.put_policy(scene.tls_only(BUCKET), scene.backup(BUCKET))
        self.played(self.policy_event(theirs))
        repaired = scene.until(lambda: "DarwinAccess" in self.policy(), self.stack.settled)
        self.stage.prove("GetBucketPolicy shows Darwin's statement again", repaired, self.policy())
        now = self.policy()
        self.stage.say("guard", "what changed, read from S3:", diff(theirs, now))
        others = [part for part in statements(now) if part["Sid"] != "DarwinAccess"]
        self.stage.prove("the other statements are as they were", others == statements(theirs), others)
        same = all(json.dumps(part, indent=2).replace("\n", "\n    ") in now for part in statements(theirs))
        self.stage.prove("to the byte, indentation included", same, now)
        alert = self.alert("the repair, and whose change it was", lambda m: m["kind"].startswith("policy-"))
        actor = alert.get("actor") or {}
        self.stage.prove(f"it says who: {actor.get('arn')}, from {actor.get('source_ip')}", actor.get("arn") == trail.PERSON["arn"], actor)
        self.own_write_comes_back()

    def cors_replaced(self) -> None:
        self.stage.chapter("5  Somebody replaces the CORS rules")
        rules = [scene.OWN_RULE, {"AllowedMethods": ["GET"], "AllowedOrigins": ["https://viewer.acme.example"]}]
        answer = self.aws.s3.put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": rules})
        self.stage.say("you", f"PutBucketCors {BUCKET}: two rules, none for Darwin -> {status(answer)}")
        self.played(trail.s3_event("PutBucketCors", BUCKET, {"cors": "", "CORSConfiguration": {}}))
        repaired = scene.until(lambda: len(self.cors()) == 3, self.stack.settled)
        now = self.cors()
        self.stage.prove("GetBucketCors shows a third rule, for Darwin's origin", repaired and scene.ORIGIN in json.dumps(now), now)
        self.stage.prove("the two others are as they were", now[:2] == rules, now)
        self.alert("the repair", lambda m: m["kind"] == "cors-missing")

    def dry_run(self) -> None:
        self.stage.chapter("6  Dry run: the plan as a diff")
        theirs = self.put_policy(scene.tls_only(BUCKET), scene.backup(BUCKET))
        _, answer = self.stack.invoke({"action": "repair", "bucket": BUCKET, "dry_run": True})
        bucket = (answer.get("buckets") or [{}])[0]
        self.stage.say("guard", "repair, dry_run: this is what it would write", bucket.get("plan") or "")
        self.stage.prove("the plan is there, and marked as a dry run", bucket.get("plan") and [a["result"] for a in bucket["actions"]] == ["dry_run"], answer)
        self.stage.prove("GetBucketPolicy: nothing was written", self.policy() == theirs, self.policy())
        _, answer = self.stack.invoke({"action": "repair", "bucket": BUCKET})
        self.stage.prove("the same without dry_run, and it shows in S3", "DarwinAccess" in self.policy(), answer)
        self.own_write_comes_back()

    def shut_out(self) -> None:
        self.stage.chapter("7  A Deny that shuts Darwin out: told, never touched")
        deny = {
            "Sid": "IncidentResponse", "Effect": "Deny", "Principal": {"AWS": scene.ROLE}, "Action": "s3:*",
            "Resource": f"arn:aws:s3:::{BUCKET}/*",
        }
        theirs = self.put_policy(scene.tls_only(BUCKET), scene.darwin(BUCKET), scene.backup(BUCKET), deny)
        self.played(self.policy_event(theirs))
        alert = self.alert("the statement that denies", lambda m: m["kind"] == "explicit-deny")
        self.stage.prove("it names the statement", "IncidentResponse" in json.dumps(alert["because"]), alert)
        scene.until(self.stack.settled)
        self.stage.prove("GetBucketPolicy: not one byte changed", self.policy() == theirs, self.policy())

    def queues_are_empty(self) -> None:
        self.stage.chapter("After all of it")
        for name in ("ObjectDeadLetterQueueUrl", "ConfigDeadLetterQueueUrl"):
            count = self.aws.sqs.get_queue_attributes(
                QueueUrl=self.stack.outputs[name], AttributeNames=["ApproximateNumberOfMessages"]
            )["Attributes"]["ApproximateNumberOfMessages"]
            self.stage.prove(f"{name.removesuffix('Url')}: {count} messages", count == "0", count)
        self.stack.delete()
        left = self.aws.cloudformation.list_stacks(StackStatusFilter=["CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_FAILED"])
        self.stage.prove("the stack is deleted; the bucket, its policy and its objects stay", not left["StackSummaries"] and self.policy(), left)

    # ------------------------------------------------------------------ the function's log
    def _log(self) -> list:
        group = f"/aws/lambda/{self.stack.name}-guard"
        lines = []
        for stream in self.aws.logs.describe_log_streams(logGroupName=group)["logStreams"]:
            events = self.aws.logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
            lines += [event["message"] for event in events]
        return lines

    def _allowed(self):
        """The function's own log line about a batch with an object that Darwin can read. The emulator hands a line over
        with the next invocation if it is late; an audit is one, and judges no object."""
        self.stack.invoke({"action": "audit"})
        lines = [json.loads(line) for line in self._log() if line.lstrip().startswith("{")]
        return [line for line in lines if line.get("objects.allowed")]

    def _seen(self, kind: str) -> int:
        """How often the incident table has it."""
        items = self.aws.dynamodb.scan(TableName=self.stack.outputs["TableName"], ConsistentRead=True)["Items"]
        return sum(int(item["seen_count"]["N"]) for item in items if kind in json.dumps(item) and "seen_count" in item)

    def run(self) -> None:
        self.deploy()
        for part in (
            self.audit, self.good_upload, self.bad_upload, self.policy_deleted, self.cors_replaced, self.dry_run,
            self.shut_out, self.queues_are_empty,
        ):
            part()


def interrupted(*_):
    raise KeyboardInterrupt


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bootstrap", type=pathlib.Path, default=BOOTSTRAP, help="the function to deploy")
    parser.add_argument("--mode", choices=["repair", "flag"], default="repair", help="the template's Mode")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, interrupted)
    stage = Stage()
    demo = None
    try:
        with Emulator() as emulator:
            stage.say("AWS", f"emulated on {emulator.url}: account {ACCOUNT}, {REGION}. No call leaves this machine.")
            demo = Demo(stage, emulator, options)
            demo.run()
    except NotSo as claim:
        print(f"\nNOT SO after {stage.proofs} proofs: {claim}", file=sys.stderr)
        return 1
    except LabError as problem:
        print(f"\nthe laboratory failed: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; everything was stopped", file=sys.stderr)
        return 130
    stage.chapter("Summary")
    print(
        f"{stage.proofs} claims, each checked against what AWS's API answered, in {time.monotonic() - stage.began:.1f} s: the guard\n"
        "judged uploads, told about a key once and once more when it was fixed, put back Darwin's policy statement and CORS\n"
        "rule beside everybody else's, showed a plan without writing it, and left a Deny alone. Nothing is left running.\n"
        "Played by the demo: CloudTrail. Not enforced by the emulator: IAM, KMS permissions, CORS.\n"
        f"The tool's audit as a page: {PAGE}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
