"""`darwin-guard scan` on the emulator: the report equal to the truth, killed and resumed, its lists, and what it prints.

What the emulator can't show (SSE-C, other orders of events) is in tests/it/scan.rs.
"""

import concurrent.futures
import csv
import http.server
import json
import os
import pathlib
import shlex
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.parse

from setting import ACCOUNT, REGION, ROOT, Emulator, scene, until
from lab import cfn
from lab.emulator import clean_environment
from lab.stack import Aws

TOOL = ROOT / "target" / "release" / "darwin-guard"
BUCKET = "acme-scans"
# Of each state; there are eleven.
EACH = 220


class World:
    """A bucket with objects under eight keys in every state, and what is true of each."""

    def __init__(self, aws):
        self.aws = aws
        scene.bucket(aws, BUCKET)
        deny = {
            "Sid": "NoSecrets", "Effect": "Deny", "Principal": {"AWS": scene.ROLE}, "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{BUCKET}/secret/*",
        }
        aws.s3.put_bucket_policy(Bucket=BUCKET, Policy=scene.policy(scene.tls_only(BUCKET), scene.darwin(BUCKET), deny))
        shared = [scene.key(aws, f"shared {n}", for_darwin=True) for n in range(3)]
        private = [scene.key(aws, f"private {n}", for_darwin=False) for n in range(2)]
        disabled, dying, off = (scene.key(aws, name, for_darwin=True) for name in ("disabled", "dying", "off"))
        for key in (disabled, off):
            aws.kms.disable_key(KeyId=key)
        aws.kms.schedule_key_deletion(KeyId=dying, PendingWindowInDays=7)
        self.keys = [*shared, *private, disabled, dying, off]
        self.truth = {}
        jobs = []
        for n in range(EACH):
            for folder, key, kind in (
                ("raw/", shared[0], None), ("raw/deep//", shared[1], None), ("scans/2026/", shared[2], None),
                ("private/", private[0], "key-denied"), ("private/", private[1], "key-denied"), ("old/", disabled, "key-state"),
                ("old/", dying, "key-state"), ("off/", off, "key-state"), ("secret/", shared[0], "object-denied"),
                ("/", None, None), ("cold/", None, "archived"),
            ):
                name = f"{folder}{n:04}-{key[-4:] if key else 'plain'}{self.odd(n)}"
                jobs.append((name, key, kind))
        # The faulty proxy does not pass every name on as it is.
        jobs.extend((f"calm/{n:03}", private[1], "key-denied") for n in range(79))
        jobs.append(("=1+1.png", private[1], "key-denied"))
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            list(pool.map(lambda job: self.put(*job), jobs))

    @staticmethod
    def odd(n: int) -> str:
        return ["", " a+b", "\u00fc\U0001f4f7", "\n=1+1", "%41", "'\"<&>", "\\", "a,b"][n % 8]

    def put(self, name, key, kind):
        extra = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if key else {}
        if kind == "archived":
            extra["StorageClass"] = "DEEP_ARCHIVE"
        self.aws.s3.put_object(Bucket=BUCKET, Key=name, Body=b"x" * (len(name) % 7), **extra)
        self.truth[name] = (kind, key, len(name) % 7)

    def of(self, prefix="") -> dict:
        """What a report of a prefix must say."""
        inside = {name: told for name, told in self.truth.items() if name.startswith(prefix)}
        kinds, keys = {}, {}
        for kind, key, _ in inside.values():
            if kind:
                kinds[kind] = kinds.get(kind, 0) + 1
            if key:
                keys[key] = keys.get(key, 0) + 1
        denied = sum(kinds.values())
        return {
            "objects": len(inside), "bytes": sum(size for _, _, size in inside.values()), "kinds": kinds, "keys": keys,
            "verdicts": {"allowed": len(inside) - denied, "denied": denied, "depends": 0, "gone": 0},
        }

    def unreadable(self) -> set:
        return {name for name, (kind, _, _) in self.truth.items() if kind}


def said(report: dict) -> dict:
    """A report in the form of the truth."""
    kinds = {}
    for cause in report["causes"]:
        kinds[cause["kind"]] = kinds.get(cause["kind"], 0) + cause["objects"]
    keys = {entry["kms_key"]: entry["objects"] for entry in report["keys"]}
    return {"kinds": kinds, "keys": keys} | {name: report[name] for name in ("objects", "bytes", "verdicts")}


def listed(path: pathlib.Path) -> list:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def setUpModule():
    """One bucket for all tests: none of them changes it."""
    emulator = Emulator().__enter__()
    unittest.addModuleCleanup(emulator.__exit__, None, None, None)
    directory = unittest.enterModuleContext(tempfile.TemporaryDirectory())
    nothing = os.path.join(directory, "nothing")
    Scans.emulator, Scans.directory, Scans.world = emulator, pathlib.Path(directory), World(Aws(emulator.url))
    Scans.environment = clean_environment() | {
        "AWS_ENDPOINT_URL": emulator.url, "AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "none", "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": nothing, "AWS_SHARED_CREDENTIALS_FILE": nothing, "HOME": directory,
    }


class Scans(unittest.TestCase):
    maxDiff = None

    def start(self, *arguments, **variables) -> subprocess.Popen:
        command = [str(TOOL), "scan", *map(str, arguments)]
        child = subprocess.Popen(
            command, env=self.environment | variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            cwd=self.directory,
        )
        self.addCleanup(self.end, child)
        return child

    @staticmethod
    def end(child):
        if child.poll() is None:
            child.kill()
        child.communicate()

    def scan(self, *arguments, status, **variables) -> subprocess.CompletedProcess:
        child = self.start(*arguments, **variables)
        out, err = child.communicate()
        self.assertEqual(child.returncode, status, out + err)
        self.assertNotIn("panicked", err)
        return subprocess.CompletedProcess(arguments, child.returncode, out, err)

    def report(self, *arguments, status, **variables) -> dict:
        return json.loads(self.scan(*arguments, "--format", "json", status=status, **variables).stdout)

    def assert_refused(self, *arguments, words, **variables):
        done = self.scan(*arguments, status=2, **variables)
        self.assertIn(words, done.stdout + done.stderr)
        self.assertNotIn("OK (", done.stdout.replace("NOT OK", ""))


class Reports(Scans):
    def test_the_report_is_the_truth_and_its_list_is_complete(self):
        rows, page = self.directory / "list.csv", self.directory / "page.html"
        done = self.scan(f"s3://{BUCKET}", "--csv", rows, "--html", page, "--format", "json", status=1)
        report = json.loads(done.stdout)
        self.assertEqual(said(report), self.world.of())
        self.assertEqual((report["bucket"], report["prefix"], report["problems"]), (BUCKET, "", []))
        self.assertRegex(done.stderr, r"2,500 objects, .*: about \$0\.01 in requests and \d+ seconds?, with 64 calls at once")
        for cause in report["causes"]:
            self.assertTrue(cause["remedy"] and cause["samples"] and cause["cause"], cause)
            self.assertTrue(all(self.world.truth[key][0] == cause["kind"] for key in cause["samples"]))
        read = {entry["kms_key"]: entry["read"] for entry in report["keys"]}
        self.assertEqual([read[key] for key in self.world.keys], ["allowed"] * 3 + ["denied"] * 5)
        table = listed(rows)
        self.assertEqual({urllib.parse.unquote(row["manifest_key"]) for row in table}, self.world.unreadable())
        self.assertEqual(len(table), len(self.world.unreadable()))
        self.assertIn("'=1+1.png", [row["key"] for row in table], "a spreadsheet would run it")
        for row in table:
            self.assertEqual(row["kind"], self.world.truth[urllib.parse.unquote(row["manifest_key"])][0])
        self.assertIn("Content-Security-Policy", page.read_text())

    def test_a_prefix_and_what_the_contract_reads_narrow_it(self):
        self.assertEqual(said(self.report(f"s3://{BUCKET}/old/", status=1)), self.world.of("old/"))
        self.assertEqual(said(self.report(f"s3://{BUCKET}//", status=0)), self.world.of("/"))
        read = self.report(f"s3://{BUCKET}", "--read-prefix", "raw/", "--read-prefix", "raw/deep/", "--not-read", "raw/deep/", status=0)
        self.assertEqual(read["objects"], EACH)
        self.assert_refused(f"s3://{BUCKET}/nothing/", words="no object that Darwin reads")

    def test_a_person_reads_each_cause_once_with_its_fix(self):
        done = self.scan(f"s3://{BUCKET}/old/", status=1)
        places = [done.stdout.index(word) for word in (f"s3://{BUCKET}/old/", "1. ", "What to do:", "aws kms", "\nKMS key", "NOT OK (")]
        self.assertEqual(places, sorted(places))
        markdown = self.scan(f"s3://{BUCKET}/old/", "--format", "markdown", status=1).stdout
        self.assertIn("\n```\n", markdown)

    def test_a_sample_sees_the_keys_and_says_that_it_proves_nothing(self):
        report = self.report(f"s3://{BUCKET}", "--sample", "200", status=1)
        self.assertTrue(report["sample"])
        self.assertLessEqual(report["objects"], 200)
        self.assertGreaterEqual(len(report["keys"]), 6)
        done = self.scan(f"s3://{BUCKET}/raw/", "--sample", "20", status=0)
        self.assertIn("proves nothing about the rest", done.stdout)


class Interruptions(Scans):
    def test_killed_and_ended_at_several_points_it_goes_on_and_counts_each_object_once(self):
        save, rows = self.directory / "scan.json", self.directory / "resumed.csv"
        arguments = (f"s3://{BUCKET}", "--save", save, "--csv", rows, "--rate", "300", "--format", "json")
        before = 0
        for number in (signal.SIGKILL, signal.SIGINT, signal.SIGKILL, signal.SIGTERM):
            child = self.start(*arguments)
            counted = until(lambda: self.counted(save) > before and self.counted(save), over=lambda: child.poll() is not None)
            self.assertTrue(counted, "nothing was kept")
            self.assertEqual(stat.S_IMODE(save.stat().st_mode), 0o600)
            child.send_signal(number)
            out, err = child.communicate()
            if number == signal.SIGKILL:
                self.assertEqual(child.returncode, -signal.SIGKILL)
            else:
                self.assertEqual(child.returncode, 2, err)
                partial = json.loads(out)
                self.assertEqual(partial["objects"], self.counted(save), "what is reported is what is kept")
                self.assertIn("interrupted", partial["problems"][0]["saw"])
            before = self.counted(save)
            self.assertLess(before, len(self.world.truth))
        done = self.scan(f"s3://{BUCKET}", "--save", save, "--csv", rows, "--format", "json", status=1)
        self.assertIn(f"{before:,} objects were judged before", done.stderr)
        self.assertEqual(said(json.loads(done.stdout)), self.world.of())
        table = [urllib.parse.unquote(row["manifest_key"]) for row in listed(rows)]
        self.assertEqual(len(table), len(set(table)))
        self.assertEqual(set(table), self.world.unreadable())
        self.assertFalse(save.exists(), "a scan that is whole leaves nothing to go on from")

    @staticmethod
    def counted(save: pathlib.Path) -> int:
        return json.loads(save.read_text())["tally"]["objects"] if save.exists() else 0

    def test_a_checkpoint_of_something_else_is_refused_and_left_as_it_is(self):
        save = self.directory / "other.json"
        child = self.start(f"s3://{BUCKET}", "--save", save, "--rate", "100")
        until(lambda: self.counted(save), over=lambda: child.poll() is not None)
        child.send_signal(signal.SIGINT)
        child.communicate()
        kept = save.read_bytes()
        for arguments, words in (
            ((f"s3://{BUCKET}/raw/",), "is of the prefix"),
            ((f"s3://{BUCKET}", "--not-read", "old/"), "other options"),
            ((f"s3://{BUCKET}", "--csv", self.directory / "late.csv"), "begun without --csv"),
        ):
            self.assert_refused(*arguments, "--save", save, words=words)
            self.assertEqual(save.read_bytes(), kept)
        for change, words in (
            (lambda text: text[:100], "is no checkpoint"),
            (lambda text: text.replace(ACCOUNT.encode(), b"444455556666"), "is of the account"),
            (lambda text: text.replace(b'"format":1', b'"format":7'), "of another version"),
            (lambda text: text.replace(b'"allowed":', b'"allowed":9'), "contradicts itself"),
        ):
            save.write_bytes(change(kept))
            self.assert_refused(f"s3://{BUCKET}", "--save", save, words=words)
        save.write_bytes(kept)
        save.chmod(0o666)
        self.assert_refused(f"s3://{BUCKET}", "--save", save, words="can be written by others")
        self.assert_refused(f"s3://{BUCKET}", "--save", self.directory / "no" / "such" / "file", words="can't be written")


class Trouble(Scans):
    def faults(self):
        faults = self.emulator.faults()
        # Its first answer takes longer than the tool waits for one.
        Aws(faults.url).sts.get_caller_identity()
        self.addCleanup(faults.clear)
        return faults

    def test_what_can_not_be_listed_is_a_sentence_and_never_ok(self):
        self.assert_refused("s3://acme-nowhere", words="NoSuchBucket")
        for arguments, words in (
            (["acme-scans"], "wanted s3://BUCKET"), (["s3:///raw/"], "wanted s3://BUCKET"), (["s3://Acme"], "BUCKET is `Acme`"), ([], "required"),
            ([f"s3://{BUCKET}", "--print-batch-job"], "--stack"), ([f"s3://{BUCKET}", "--sample", "0"], "--sample"),
            ([f"s3://{BUCKET}", "--sample", "5", "--save", "x"], "cannot be used with"),
        ):
            with self.subTest(arguments):
                self.assert_refused(*arguments, words=words)

    def test_a_listing_that_is_denied_names_the_permission_and_the_owner(self):
        faults = self.faults()
        faults.inject({"service": "s3", "operation": "ListObjectsV2", "times": 50, "error": {"code": "AccessDenied", "status": 403}})
        self.assert_refused(f"s3://{BUCKET}", words=f"a bucket that account {ACCOUNT} owns", AWS_ENDPOINT_URL=faults.url)

    def test_it_slows_down_where_s3_asks_for_it_and_misses_nothing(self):
        faults = self.faults()
        faults.inject(
            {"service": "s3", "operation": "HeadObject", "times": 60, "error": {"code": "SlowDown", "status": 503}},
            {"service": "s3", "operation": "ListObjectsV2", "times": 2, "error": {"code": "SlowDown", "status": 503}},
        )
        self.assertEqual(said(self.report(f"s3://{BUCKET}/calm/", status=1, AWS_ENDPOINT_URL=faults.url)), self.world.of("calm/"))


class Bigger(Scans):
    """What past one machine is printed and read."""

    def test_the_query_runs_and_its_result_is_judged_as_the_objects_are(self):
        text = self.scan(f"s3://{BUCKET}", "--not-read", "secret/", "--print-query", status=0).stdout
        table = f'"s3tablescatalog/aws-s3"."b_{BUCKET}"."inventory"'
        self.assertEqual(text.count(table), 1)
        base = sqlite3.connect(":memory:")
        base.create_function("starts_with", 2, lambda text, start: text.startswith(start))
        base.execute("CREATE TABLE t (bucket, key, sequence_number, is_delete_marker, size, storage_class, encryption_status, is_bucket_key_enabled, kms_key_arn)")
        for name, (kind, key, size) in self.world.truth.items():
            state = ("SSE-KMS", "false", key) if key else ("SSE-S3", None, None)
            base.execute("INSERT INTO t VALUES (?,?,?,?,?,?,?,?,?)", (BUCKET, name, "2", False, size, "DEEP_ARCHIVE" if kind == "archived" else "STANDARD", *state))
        base.execute("INSERT INTO t VALUES (?,?,?,?,?,?,?,?,?)", (BUCKET, "raw/0000-old", "1", False, 1, "STANDARD", "SSE-C", None, None))
        base.execute("INSERT INTO t VALUES (?,?,?,?,?,?,?,?,?)", (BUCKET, "raw/0000-old", "2", True, None, None, None, None, None))
        cursor = base.execute(text.replace(table, "t"))
        result = self.directory / "result.csv"
        with open(result, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, quoting=csv.QUOTE_ALL)
            writer.writerow([column[0] for column in cursor.description])
            writer.writerows(cursor.fetchall())
        report = self.report(f"s3://{BUCKET}", "--keys", result, status=1)
        told, truth = said(report), self.world.of()
        secret = self.world.of("secret/")
        self.assertEqual(told["objects"], truth["objects"] - secret["objects"])
        self.assertEqual(told["kinds"], {kind: number for kind, number in truth["kinds"].items() if kind != "object-denied"})
        self.assertEqual(told["bytes"], truth["bytes"] - secret["bytes"])
        result.write_text("a,b\n1,2\n")
        self.assert_refused(f"s3://{BUCKET}", "--keys", result, words="no column `bucket`")

    def calls_of_the_job(self, **outputs: str) -> list:
        """What the job that is printed for a stack with these outputs calls, held to botocore's models."""
        function = self.function({"objects": [], "buckets": [], "problems": []}, **outputs)
        text = self.scan(f"s3://{BUCKET}/raw/", "--stack", "guard", "--print-batch-job", status=0, **function.variables).stdout
        directory = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        programs, calls = directory / "programs", directory / "calls"
        programs.mkdir()
        model = ROOT / "scripts" / "lab" / "aws_model.py"
        (programs / "aws").write_text(f"#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(model))} \"$@\"\n")
        (programs / "sleep").write_text("#!/bin/sh\n")
        for program in programs.iterdir():
            program.chmod(0o755)
        environment = clean_environment() | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "AWS_MODEL_CALLS": str(calls), "AWS_MODEL_ANSWERS": str(directory)}
        done = subprocess.run(["sh", "-c", text], env=environment, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return [json.loads(line) for line in calls.read_text().splitlines()]

    def test_the_job_is_what_botocore_takes(self):
        made = self.calls_of_the_job()
        job = json.dumps(made[-1])
        self.assertEqual([call["operation"] for call in made], ["CreateRole", "PutRolePolicy", "CreateJob"])
        for wanted in (f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:guard", f"arn:aws:s3:::{BUCKET}", "AllTasks", "MatchAnyPrefix", "raw/"):
            self.assertIn(wanted, job)

    def test_a_stack_with_the_jobs_role_lends_it_and_it_may_what_the_printed_one_may(self):
        template = (ROOT / "template.yaml").read_text().replace("CodeUri: .\n", "CodeUri: s3://code/bootstrap.zip\n")
        stack = cfn.Evaluated(template, ReadOnlyBuckets=BUCKET, BatchJobs="true")
        role, arns = stack.resources["BatchJobRole"], stack.arns()
        (job,) = self.calls_of_the_job(BatchJobRoleArn=stack.outputs()["BatchJobRoleArn"])
        self.assertEqual((job["operation"], job["given"]["RoleArn"]), ("CreateJob", arns["BatchJobRole"]))
        # The one that is made where the stack has none: the same, for this bucket, function and report.
        made_role, made_policy, made_job = self.calls_of_the_job()
        self.assertEqual(json.loads(made_role["given"]["AssumeRolePolicyDocument"]), role["AssumeRolePolicyDocument"])
        function = made_job["given"]["Operation"]["LambdaInvoke"]["FunctionArn"]
        (policy,) = (policy["PolicyDocument"] for policy in role["Policies"])
        self.assertEqual(self.allowed(made_policy["given"]["PolicyDocument"]), self.allowed(json.dumps(policy).replace(arns["GuardFunction"], function)))
        self.assertIn(f"arn:aws:s3:::{BUCKET}/{made_job['given']['Report']['Prefix']}/*", json.dumps(policy))

    @staticmethod
    def allowed(policy: str) -> set:
        def listed(value):
            return value if isinstance(value, list) else [value]

        return {
            (statement["Effect"], action, resource) for statement in json.loads(policy)["Statement"]
            for action in listed(statement["Action"]) for resource in listed(statement["Resource"])
        }

    def test_a_completion_report_is_read_into_the_same_report(self):
        file = self.directory / "tasks.csv"
        row = f"{BUCKET},{{}},,succeeded,,200,{{}}\n"
        key = self.world.keys[3]
        text = "".join(row.format(f"raw/a+{n}", "allowed; key " + self.world.keys[0]) for n in range(30))
        text += "".join(row.format(f"raw/%C3%BC{n}", f'"denied; key {key}; the key policy, has no Allow; version {n}"') for n in range(20))
        text += row.format("x", "depends; encryption AES256; depends on object-acl") + row.format("y", "gone; deleted meanwhile")
        file.write_text(text)
        report = self.report("--batch-report", file, status=1)
        self.assertEqual(report["verdicts"], {"allowed": 30, "denied": 20, "depends": 1, "gone": 1})
        self.assertEqual([(cause["kind"], cause["objects"]) for cause in report["causes"]], [("object-denied", 20), ("access-uncertain", 1)])
        self.assertIn(f"darwin-guard scan 's3://{BUCKET}/raw/\u00fc0'", report["causes"][0]["remedy"])
        file.write_text(text + f'{BUCKET},z,,failed,200,PermanentFailure,"invalid task: no, not this"\n')
        self.assertIn("PermanentFailure", self.report("--batch-report", file, status=2)["problems"][0]["saw"])
        for content, words in (("", "no task"), ("a,b\n", "row 1"), (f'{BUCKET},"z', "cut off"), (row.format("z", "hello"), "verdict")):
            file.write_text(content)
            self.assert_refused("--batch-report", file, words=words)
        self.assert_refused("--batch-report", self.directory / "none.csv", words="can't be read")

    def test_the_deployed_guard_is_handed_every_key_with_samples_and_its_problems_are_ours(self):
        function = self.function({"objects": [], "buckets": [], "problems": []})
        report = self.report(f"s3://{BUCKET}", "--stack", "guard", status=1, **function.variables)
        self.assertEqual(said(report), self.world.of())
        handed = [entry for event in function.events for entry in event["keys"]]
        self.assertEqual({event["action"] for event in function.events} | {event["bucket"] for event in function.events}, {"known-keys", BUCKET})
        self.assertEqual({entry["kms_key"] for entry in handed}, set(self.world.keys))
        for entry in handed:
            self.assertEqual(self.world.truth[entry["sample"]][1], entry["kms_key"])
        problem = {"where": "keys[0]", "saw": "a full list", "want": "room", "retryable": False}
        function = self.function({"objects": [], "buckets": [], "problems": [problem]})
        self.assertEqual(self.report(f"s3://{BUCKET}/raw/", "--stack", "guard", status=2, **function.variables)["problems"], [problem])
        function = self.function("no answer of the guard's")
        problems = self.report(f"s3://{BUCKET}/raw/", "--stack", "guard", status=2, **function.variables)["problems"]
        self.assertIn("of another version", problems[0]["saw"])

    def function(self, answer, **outputs: str):
        """CloudFormation and Lambda with one stack, whose function answers so."""
        stub = Stub(answer, outputs)
        self.addCleanup(stub.close)
        return stub


class Stub:
    def __init__(self, answer, outputs: dict):
        self.events = []
        held = {"FunctionName": "guard"} | outputs
        stub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def reply(self, text, kind="application/json"):
                body = text.encode()
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                variables = {"READ_ONLY_BUCKETS": BUCKET, "MODE": "flag"}
                arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:guard"
                self.reply(json.dumps({"FunctionName": "guard", "FunctionArn": arn, "Environment": {"Variables": variables}}))

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                if self.path == "/":
                    output = "".join(f"<member><OutputKey>{name}</OutputKey><OutputValue>{value}</OutputValue></member>" for name, value in held.items())
                    self.reply(
                        '<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks><member>'
                        f"<StackName>guard</StackName><CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>CREATE_COMPLETE</StackStatus><Outputs>{output}</Outputs>"
                        "</member></Stacks></DescribeStacksResult></DescribeStacksResponse>", "text/xml",
                    )
                    return
                stub.events.append(json.loads(body))
                self.reply(json.dumps(answer))

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.variables = {"AWS_ENDPOINT_URL_CLOUDFORMATION": url, "AWS_ENDPOINT_URL_LAMBDA": url}

    def close(self):
        self.server.shutdown()
        self.server.server_close()

if __name__ == "__main__":
    unittest.main()
