"""Every command of every message, run by a shell as it is pasted, with each call held to botocore's model of it.

The messages are the snapshots of tests/it/words.rs, so that real names are in them. jq runs for real; what each `put` would
write is held to what it is for. What neither can check is printed.
"""

import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MESSAGES = sorted((ROOT / "tests/it/snapshots/words").glob("*.snap"))
STARTS = ("aws ", "KEY=", "STORE=", "TABLE=")
# Not operations of the API: the model does not know them.
UNCHECKED = ("aws s3 cp ",)
ROLE = "arn:aws:iam::258327614892:role/external_s3"
NEW_KEY = "arn:aws:kms:eu-central-1:111122223333:key/99999999-0000-0000-0000-000000000000"


def statement(sid: str, **more) -> dict:
    return {"Sid": sid, "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "s3:*", "Resource": "*"} | more


BACKUP = statement("NightlyBackup", Principal={"AWS": "arn:aws:iam::111122223333:role/backup"}, Action="s3:GetObject", Resource="arn:aws:s3:::acme-lidar/*")

# The bucket policy by kind, where a command edits the statement that its message names.
POLICIES = {
    "policy-missing": [BACKUP],
    "policy-gutted": [BACKUP, statement("DarwinAccess", Principal={"AWS": ROLE}, Action="s3:GetObject", Resource="arn:aws:s3:::acme-lidar/*")],
    "explicit-deny": [statement("A"), statement("DenyOutsideVpc", Effect="Deny", Condition={"StringNotEquals": {"aws:SourceVpce": "v"}})],
    "public-block": [statement("A"), statement("PublicRead", Principal="*")],
    "condition-on-ours": [statement("A"), statement("DarwinAccess", Condition={"Bool": {"aws:SecureTransport": "true"}})],
    "sid-taken": [statement("A"), statement("B"), statement("DarwinAccess")],
    "dead-principal": [statement("A"), statement("B"), statement("OldEtl", Principal={"AWS": ["AROATXYEXAMPLE7ABCDEF", ROLE]})],
}


# Kinds whose command writes Darwin's statement anew: it stops where any other statement was changed.
RESTORED = ("policy-missing", "policy-gutted")


def blocks(path: pathlib.Path) -> list:
    """The blocks that a message gives to paste: lines joined by `&&`."""
    found, block, skip = [], [], True
    for line in path.read_text().splitlines():
        if line.startswith("--- card"):
            skip = True
        elif line.startswith("##### "):
            skip = False
        elif not skip and (block or line.startswith(STARTS)):
            block.append(line)
            if not line.endswith("&&"):
                found.append("\n".join(block))
                block = []
    return list(dict.fromkeys(found))


@unittest.skipUnless(shutil.which("jq"), "no jq here, which the commands need: they were not run")
class Commands(unittest.TestCase):
    def setUp(self):
        held = tempfile.TemporaryDirectory(prefix="commands-")
        self.addCleanup(held.cleanup)
        self.directory = pathlib.Path(held.name)
        programs = self.directory / "bin"
        programs.mkdir()
        for name, script in {
            "aws": f'exec {shlex.quote(sys.executable)} {shlex.quote(str(ROOT / "scripts/lab/aws_model.py"))} "$@"',
            "sleep": "exit 0",
        }.items():
            (programs / name).write_text(f"#!/bin/sh\n{script}\n")
            (programs / name).chmod(0o755)
        self.answers = self.directory / "answers"
        self.answers.mkdir()
        self.calls = self.directory / "calls"
        self.environment = {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "HOME": held.name, "AWS_MODEL_CALLS": str(self.calls),
            "AWS_MODEL_ANSWERS": str(self.answers), "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def answer(self, operation: str, answer: dict):
        (self.answers / f"{operation}.json").write_text(json.dumps(answer))

    def answers_of(self, policy: list):
        self.answer("GetBucketPolicy", {"Policy": json.dumps({"Version": "2012-10-17", "Statement": policy})})
        key_policy = {"Version": "2012-10-17", "Statement": statement("Enable IAM User Permissions", Action="kms:*")}
        self.answer("GetKeyPolicy", {"Policy": json.dumps(key_policy)})
        self.answer("DescribeKey", {"KeyMetadata": {"Arn": NEW_KEY, "CustomKeyStoreId": "cks-1234567890abcdef0"}})
        self.answer("CreateKey", {"KeyMetadata": {"Arn": NEW_KEY}})
        rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/images"}, "BucketKeyEnabled": True}
        self.answer("GetBucketEncryption", {"ServerSideEncryptionConfiguration": {"Rules": [rule]}})
        self.answer("GetBucketCors", {"CORSRules": [{"ID": "theirs", "AllowedMethods": ["PUT"], "AllowedOrigins": ["https://x.example"]}]})
        self.answer("ListObjectsV2", {"Contents": [{"Key": "raw/a b.png", "StorageClass": "GLACIER"}, {"Key": "raw/c.png", "StorageClass": "STANDARD"}]})
        self.answer("GetFunctionConfiguration", {"Environment": {"Variables": {"INCIDENT_TABLE": "guard-IncidentTable-1A2B"}}})
        self.answer("DescribeTrails", {"trailList": [{"TrailARN": "arn:aws:cloudtrail:eu-central-1:111122223333:trail/all"}]})

    def run_block(self, block: str) -> list:
        """The calls that a pasted block makes."""
        self.calls.write_text("")
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail\n{block}"], cwd=self.directory, env=self.environment, capture_output=True, text=True,
            timeout=60, stdin=subprocess.DEVNULL,
        )
        self.assertEqual(done.returncode, 0, f"{block}\n{done.stdout}{done.stderr}")
        return [json.loads(line) for line in self.calls.read_text().splitlines()]

    def test_every_command_of_every_message_runs_as_it_is_pasted(self):
        ran, operations, unchecked = set(), set(), []
        for path in MESSAGES:
            self.answers_of(POLICIES.get(path.stem, [statement("A")]))
            for block in blocks(path):
                if block in ran:
                    continue
                if block.startswith(UNCHECKED):
                    unchecked.append(f"{path.stem}: {block}")
                    continue
                calls = self.run_block(block)
                self.assertTrue(calls, block)
                ran.add(block)
                operations |= {call["operation"] for call in calls}
        self.assertGreaterEqual(len(ran), 30)
        print(f"\n{len(ran)} blocks ran; operations: {', '.join(sorted(operations))}", file=sys.stderr)
        print("neither run nor held to a model:", *unchecked, sep="\n  ", file=sys.stderr)

    def written(self, kind: str, operation: str, statements: list) -> dict:
        """The document that the one command of a kind's message with this call writes."""
        self.answers_of(statements)
        for block in blocks(ROOT / f"tests/it/snapshots/words/{kind}.snap"):
            if xform(operation) in block:
                calls = [call for call in self.run_block(block) if call["operation"] == operation]
                return calls[-1]["given"]
        raise AssertionError(f"{kind} has no {operation}")

    def policy(self, kind: str) -> list:
        return json.loads(self.written(kind, "PutBucketPolicy", POLICIES[kind])["Policy"])["Statement"]

    def test_a_deny_excepts_darwin_and_keeps_its_condition(self):
        denies = self.policy("explicit-deny")[1]
        self.assertEqual(
            denies["Condition"], {"StringNotEquals": {"aws:SourceVpce": "v"}, "ArnNotEquals": {"aws:PrincipalArn": [ROLE]}}
        )

    def test_darwins_statement_comes_back_and_all_others_stay(self):
        for kind in RESTORED:
            backup, darwin = self.policy(kind)
            self.assertEqual((backup, darwin["Action"]), (BACKUP, ["s3:GetObject", "s3:PutObject"]), kind)

    def test_darwins_cors_rule_comes_after_those_that_are_there(self):
        rules = self.written("cors-missing", "PutBucketCors", [])["CORSConfiguration"]["CORSRules"]
        self.assertEqual([rule["AllowedOrigins"] for rule in rules], [["https://x.example"], ["https://darwin.v7labs.com"]])

    def test_what_is_archived_is_restored_each(self):
        self.answers_of([])
        [block] = [block for block in blocks(ROOT / "tests/it/snapshots/words/archived.snap") if "restore-object" in block]
        restored = [call["given"]["Key"] for call in self.run_block(block) if call["operation"] == "RestoreObject"]
        self.assertEqual(restored, ["raw/a b.png"])

    def test_a_deleted_table_is_made_as_the_template_has_it(self):
        self.answers_of([])
        [block] = [block for block in blocks(ROOT / "tests/it/snapshots/words/table-unreachable.snap") if "create-table" in block]
        calls = {call["operation"]: call["given"] for call in self.run_block(block)}
        template = (ROOT / "template.yaml").read_text()
        table = template[template.index("  IncidentTable:"):template.index("  AlertTopic:")]
        made = calls["CreateTable"]
        for attribute in made["AttributeDefinitions"]:
            self.assertIn("{AttributeName: %(AttributeName)s, AttributeType: %(AttributeType)s}" % attribute, table)
        for key in made["KeySchema"]:
            self.assertIn("{AttributeName: %(AttributeName)s, KeyType: %(KeyType)s}" % key, table)
        self.assertIn(f"BillingMode: {made['BillingMode']}", table)
        limit = calls["UpdateTimeToLive"]
        self.assertIn(f"AttributeName: {limit['TimeToLiveSpecification']['AttributeName']}", table)
        self.assertEqual({call["TableName"] for call in (made, limit, calls["DescribeTable"])}, {"guard-IncidentTable-1A2B"})

    def test_the_other_edits_touch_their_one_statement(self):
        self.assertEqual(self.policy("public-block")[1]["Principal"], {"AWS": "arn:aws:iam::111122223333:root"})
        self.assertNotIn("Condition", self.policy("condition-on-ours")[1])
        self.assertEqual([held["Sid"] for held in self.policy("sid-taken")], ["A", "B", "DarwinAccessOther"])
        self.assertEqual(self.policy("dead-principal")[2]["Principal"], {"AWS": [ROLE]})

    def test_an_edit_of_a_policy_that_was_changed_writes_nothing(self):
        for kind, statements in POLICIES.items():
            less = [] if kind in RESTORED else statements[:-1]
            for changed in (less, [statement("New"), *statements]):
                self.answers_of(changed)
                for block in blocks(ROOT / f"tests/it/snapshots/words/{kind}.snap"):
                    if "put-bucket-policy" in block:
                        self.calls.write_text("")
                        done = subprocess.run(["bash", "-c", block], cwd=self.directory, env=self.environment, capture_output=True, text=True)
                        self.assertNotEqual(done.returncode, 0, block)
                        self.assertNotIn("PutBucketPolicy", self.calls.read_text())

    def test_a_key_policy_keeps_its_statements_and_gets_darwins(self):
        given = self.written("key-denied", "PutKeyPolicy", [])
        self.assertEqual([held["Sid"] for held in json.loads(given["Policy"])["Statement"]], ["Enable IAM User Permissions", "DarwinAccess"])

    def test_the_re_encryption_job_uses_the_new_key_and_a_role_that_may_use_both(self):
        self.answers_of([])
        for block in blocks(ROOT / "tests/it/snapshots/words/aws-managed-key.snap"):
            if "create-job" in block:
                calls = {call["operation"]: call["given"] for call in self.run_block(block)}
        encryption = calls["CreateJob"]["Operation"]["S3UpdateObjectEncryption"]["ObjectEncryption"]
        self.assertEqual(encryption["SSEKMS"]["KMSKeyArn"], NEW_KEY)
        allowed = json.loads(calls["PutRolePolicy"]["PolicyDocument"])["Statement"]
        self.assertIn(NEW_KEY, allowed[2]["Resource"])
        self.assertEqual(len(allowed[2]["Resource"]), 2)

    def test_the_policy_of_a_repair_by_hand_is_what_was_there_and_darwins_statement(self):
        given = self.written("policy-missing", "PutBucketPolicy", [BACKUP])
        sids = [held["Sid"] for held in json.loads(given["Policy"])["Statement"]]
        self.assertEqual((given["Bucket"], given["ExpectedBucketOwner"], sids), ("acme-lidar", "111122223333", ["NightlyBackup", "DarwinAccess"]))


def xform(operation: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", operation).lower()


if __name__ == "__main__":
    unittest.main()
