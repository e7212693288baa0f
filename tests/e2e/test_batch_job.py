"""A job of S3 Batch Operations, the function's side of it: 1,000 tasks, one an invocation, as S3 sends them, in both schemas.

The report that S3 would make of the results is read by the tool. The release bootstrap, behind a Lambda Runtime API.
<https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-invoke-lambda.html>
"""

import concurrent.futures
import csv
import json
import pathlib
import subprocess
import tempfile
import time
import unittest
import urllib.parse

from setting import BUCKET, ROOT, Aws, Emulator, Function, scene
from lab.emulator import clean_environment

TOOL = ROOT / "target" / "release" / "darwin-guard"
TASKS = 1_000
CODES = {"Succeeded", "TemporaryFailure", "PermanentFailure"}
SCHEMAS = ("1.0", "2.0")


class Job(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.emulator = Emulator().__enter__()
        cls.addClassCleanup(cls.emulator.__exit__, None, None, None)
        cls.directory = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        aws = Aws(cls.emulator.url)
        scene.bucket(aws, BUCKET)
        shared, private = scene.key(aws, "shared", for_darwin=True), scene.key(aws, "private", for_darwin=False)
        disabled = scene.key(aws, "disabled", for_darwin=True)
        aws.kms.disable_key(KeyId=disabled)
        cls.truth = {}
        states = (("allowed", shared), ("allowed", None), ("denied", private), ("denied", disabled), ("gone", None))
        odd = ("", " a+b", "ü📷", "%41", "'\"<&>", "a,b", "=1+1", "\\")
        for number in range(TASKS):
            verdict, key = states[number % len(states)]
            cls.truth[f"raw/{number:04}{odd[number % len(odd)]}.png"] = (verdict, key)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            there = [(name, key) for name, (verdict, key) in cls.truth.items() if verdict != "gone"]
            list(pool.map(lambda held: scene.upload(aws, BUCKET, *held), there))

    def function(self, name: str, **more: str) -> Function:
        environment = {"AWS_ENDPOINT_URL": self.emulator.url, "READ_WRITE_BUCKETS": BUCKET, "MODE": "flag"}
        return self.enterContext(Function(name, self.directory, environment | more))

    @staticmethod
    def event(schema: str, number: int, key: str, bucket: str = BUCKET, version=None) -> dict:
        """One task. 1.0 names the bucket by its ARN, 2.0 by its name, and has the job's own arguments."""
        task = {"taskId": f"task-{number}", "s3Key": key, "s3VersionId": version}
        task |= {"s3BucketArn": f"arn:aws:s3:::{bucket}"} if schema == "1.0" else {"s3Bucket": bucket}
        job = {"id": "f3cc4f60-61f6-4a2b-8a21-d07600c373ce"} | ({"userArguments": {}} if schema == "2.0" else {})
        return {"invocationSchemaVersion": schema, "invocationId": f"invocation-{number}", "job": job, "tasks": [task]}

    def result(self, function: Function, event: dict) -> dict:
        """The one result, in the form that S3 takes: it fails a task whose answer has another."""
        succeeded, answer, _ = function.invoke(event)
        self.assertTrue(succeeded, answer)
        self.assertEqual(set(answer), {"invocationSchemaVersion", "treatMissingKeysAs", "invocationId", "results"})
        for name in ("invocationSchemaVersion", "invocationId"):
            self.assertEqual(answer[name], event[name])
        self.assertEqual(answer["treatMissingKeysAs"], "TemporaryFailure")
        (result,) = answer["results"]
        self.assertEqual(set(result), {"taskId", "resultCode", "resultString"})
        self.assertEqual(result["taskId"], event["tasks"][0]["taskId"])
        self.assertIn(result["resultCode"], CODES)
        self.assertLessEqual(len(result["resultString"].encode()), 1_024)
        return result

    def test_a_thousand_tasks_have_each_its_verdict_in_both_schemas_and_the_report_is_read_back(self):
        for schema in SCHEMAS:
            with self.subTest(schema):
                function = self.function(f"job-{schema}")
                report, began = self.directory / f"report-{schema}.csv", time.monotonic()
                with open(report, "w", newline="", encoding="utf-8") as file:
                    rows = csv.writer(file)
                    for number, (name, (verdict, key)) in enumerate(self.truth.items()):
                        # A generated manifest has a space as %20, one by hand may have it as +.
                        encoded = (urllib.parse.quote if number % 2 else urllib.parse.quote_plus)(name, safe="/")
                        result = self.result(function, self.event(schema, number, encoded))
                        said = result["resultString"].split("; ")
                        self.assertEqual((result["resultCode"], said[0]), ("Succeeded", verdict), name)
                        self.assertEqual(f"key {key}" in said, bool(key), said)
                        rows.writerow([BUCKET, encoded, "", "succeeded", "", "200", result["resultString"]])
                print(f"{TASKS:,} tasks of schema {schema}, one after the other, in {time.monotonic() - began:.1f} s")
                done = subprocess.run(
                    [TOOL, "scan", "--batch-report", report, "--format", "json"], env=clean_environment(), capture_output=True, text=True, check=False,
                )
                self.assertEqual(done.returncode, 1, done.stderr)
                told = json.loads(done.stdout)
                each = TASKS // 5
                self.assertEqual(told["verdicts"], {"allowed": 2 * each, "denied": 2 * each, "depends": 0, "gone": each})
                self.assertEqual({entry["kms_key"]: entry["objects"] for entry in told["keys"]}, {
                    key: each for _, key in self.truth.values() if key
                })
                self.assertEqual(sorted(cause["objects"] for cause in told["causes"]), [each, each], "each key's cause once")
                self.assertEqual(told["problems"], [])

    def test_what_is_no_task_for_this_guard_fails_for_good_and_says_why(self):
        function = self.function("invalid")
        for schema in SCHEMAS:
            for key, bucket, words in (
                ("raw/a.png", "another-bucket", "another-bucket"), ("100%.png", BUCKET, "100%"), ("", BUCKET, ""),
            ):
                with self.subTest((schema, key, bucket)):
                    result = self.result(function, self.event(schema, 1, key, bucket))
                    self.assertEqual(result["resultCode"], "PermanentFailure")
                    self.assertIn(words, result["resultString"])

    def test_what_may_pass_is_tried_again_and_not_half_said(self):
        faults = self.emulator.faults()
        self.addCleanup(faults.clear)
        function = self.function("throttled", AWS_ENDPOINT_URL_S3=faults.url)
        name = next(iter(self.truth))
        faults.inject({"service": "s3", "operation": "HeadObject", "times": 100, "error": {"code": "SlowDown", "status": 503}})
        for schema in SCHEMAS:
            with self.subTest(schema):
                self.assertEqual(self.result(function, self.event(schema, 1, name))["resultCode"], "TemporaryFailure")
        faults.clear()
        self.assertEqual(self.result(function, self.event("2.0", 2, name))["resultCode"], "Succeeded")

    def test_a_version_is_judged_as_that_version(self):
        aws = Aws(self.emulator.url)
        name = "versions-of-a-job"
        scene.bucket(aws, name)
        aws.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        private = scene.key(aws, "private too", for_darwin=False)
        old = scene.upload(aws, name, "a.png", private)["VersionId"]
        new = scene.upload(aws, name, "a.png")["VersionId"]
        function = self.function("versions", READ_WRITE_BUCKETS=name)
        for schema in SCHEMAS:
            for version, verdict in ((old, "denied"), (new, "allowed"), (None, "allowed"), ("0" * 32, "gone")):
                with self.subTest((schema, version)):
                    result = self.result(function, self.event(schema, 1, "a.png", name, version))
                    self.assertEqual((result["resultCode"], result["resultString"].split("; ")[0]), ("Succeeded", verdict), result)


if __name__ == "__main__":
    unittest.main()
