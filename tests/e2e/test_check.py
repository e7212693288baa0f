"""`darwin-guard check`: what Darwin could do after a change, from files alone. No AWS: neither credentials nor an endpoint."""

import json

from setting import scene
from test_tool import ACCOUNT, GOOD, REGION, Tool


class Checks(Tool):
    NOTHING = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT_URL")

    def file(self, name: str, content) -> str:
        path = self.directory / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    def check(self, *arguments, status=0) -> dict:
        done = self.run_tool("check", "--bucket", GOOD, "--access", "read-write", *arguments, "--format", "json", without=self.NOTHING)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def one(self, *arguments, status=0) -> dict:
        return self.check(*arguments, status=status)["buckets"][0]

    def kinds(self, bucket: dict) -> list:
        return [found["kind"] for found in bucket["drifts"] + bucket["findings"]]

    def test_policy_files_are_judged_as_the_bucket_would_be(self):
        good = self.file("good.json", scene.policy(scene.tls_only(GOOD), scene.darwin(GOOD)))
        bare = self.file("bare.json", scene.policy(scene.tls_only(GOOD), scene.backup(GOOD)))
        cors = self.file("cors.json", {"CORSRules": [scene.OWN_RULE, scene.DARWIN_RULE]})
        bucket = self.one("--policy", good, "--cors", cors)
        self.assertEqual((bucket["read"], bucket["write"], bucket["cors"], bucket["activation"]), ("allowed", "allowed", "ok", None))
        bucket = self.one("--policy", bare, "--cors", self.file("own.json", [scene.OWN_RULE]), status=1)
        self.assertEqual((bucket["read"], self.kinds(bucket)), ("denied", ["policy-missing", "cors-missing"]))
        public = {"Sid": "All", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{GOOD}/*"}
        public = self.file("public.json", scene.policy(scene.darwin(GOOD), public))
        block = self.file("block.json", {"RestrictPublicBuckets": True})
        bucket = self.one("--policy", public, "--public-access-block", block)
        self.assertEqual((bucket["read"], "public-block" in self.kinds(bucket)), ("depends", True))
        for for_darwin, read, status in ((True, "allowed", 0), (False, "denied", 1)):
            key = self.file("key.json", scene.key_policy(for_darwin))
            answer = self.check("--policy", good, "--key-policy", key, status=status)
            self.assertEqual([entry["read"] for entry in answer["objects"]], [read])

    def test_resource_control_policies_are_further_denies_on_bucket_and_keys(self):
        good = self.file("good.json", scene.policy(scene.tls_only(GOOD), scene.darwin(GOOD)))
        cors = self.file("cors.json", {"CORSRules": [scene.DARWIN_RULE]})
        key = self.file("key.json", scene.key_policy(True))
        files = ("--policy", good, "--cors", cors, "--key-policy", key)
        self.check(*files)

        def rcp(action: str, **condition) -> tuple:
            statement = {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": "*", "Condition": condition}
            return "--rcp", self.file("rcp.json", {"Version": "2012-10-17", "Statement": statement})

        own = {"aws:PrincipalAccount": ACCOUNT}
        answer = self.check(*files, *rcp("s3:*", StringNotEquals=own), status=1)
        self.assertEqual((answer["buckets"][0]["read"], answer["objects"][0]["read"]), ("denied", "allowed"))
        self.assertIn(f"RCP `{self.directory / 'rcp.json'}`, statement at index 0 (no Sid)", json.dumps(answer))
        answer = self.check(*files, *rcp("kms:*", StringNotEquals=own), status=1)
        self.assertEqual((answer["buckets"][0]["read"], answer["objects"][0]["read"]), ("allowed", "denied"))
        answer = self.check(*files, *rcp("s3:*", StringNotEqualsIfExists={"aws:PrincipalOrgID": "o-1234567890"}))
        self.assertEqual(answer["buckets"][0]["read"], "depends", "whose organization V7 is in nobody here knows")
        # What the files do not say may decide nothing: an ARN asks for the account, the Region and the key.
        ids = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/"

        def about(resource: str) -> tuple:
            statement = {"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": resource}
            return "--rcp", self.file(f"about{len(resource)}.json", {"Version": "2012-10-17", "Statement": statement})

        for arguments, words in (
            ((*files, *about(ids + "*")), "say which, with --account"),
            ((*files, *about(ids + "*"), "--account", ACCOUNT), "say which, with --region"),
            ((*files, *about("arn:aws:kms:*:*:key/1234")), "with --key-policy ARN=FILE"),
            ((*files[:4], "--key-policy", f"arn:aws:s3:::b={key}"), "wanted the ARN of a key"),
        ):
            self.assert_refused("check", "--bucket", GOOD, *arguments, words=words, without=self.NOTHING)
        place = ("--account", ACCOUNT, "--region", REGION)
        answer = self.check(*files, *about(ids + "*"), *place, status=1)
        self.assertEqual((answer["buckets"][0]["read"], answer["objects"][0]["read"]), ("allowed", "denied"))
        for key_id, account, read, status in (
            ("1234", ACCOUNT, "denied", 1),
            ("5678", ACCOUNT, "allowed", 0),
            ("1234", "444455556666", "depends", 0),
        ):
            of_key = ("--key-policy", f"arn:aws:kms:{REGION}:{account}:key/{key_id}={key}")
            answer = self.check(*files[:4], *of_key, *about("arn:aws:kms:*:*:key/1234"), *place, status=status)
            self.assertEqual(answer["objects"][0]["read"], read, (key_id, account))
        self.assert_refused("check", "--bucket", GOOD, *files, "--rcp", key, words="is no RCP: ", without=self.NOTHING)
        self.assert_refused("check", "--bucket", GOOD, *files, "--rcp", self.file("broken.json", "{"), words="is no JSON", without=self.NOTHING)

    def plan(self, *changes) -> str:
        entries = [
            {"address": f"{kind}.it", "mode": "managed", "type": kind, "change": {"actions": ["update"], "before": {"bucket": GOOD}, "after": after,
             "after_unknown": unknown}} for kind, after, unknown in changes
        ]
        return self.file("plan.json", {"format_version": "1.2", "terraform_version": "1.9.8", "resource_changes": entries})

    def test_a_terraform_plan_is_judged_as_it_would_be_applied(self):
        policy = ("aws_s3_bucket_policy", {"bucket": GOOD, "policy": scene.policy(scene.darwin(GOOD))}, {})
        rule = {"allowed_methods": ["GET"], "allowed_origins": [scene.ORIGIN], "allowed_headers": ["*"], "expose_headers": None, "max_age_seconds": None}
        cors = ("aws_s3_bucket_cors_configuration", {"bucket": GOOD, "cors_rule": [rule]}, {})
        bucket = self.one("--terraform-plan", self.plan(policy, cors))
        self.assertEqual((bucket["read"], bucket["cors"]), ("allowed", "ok"))
        gone = [(kind, None, {}) for kind in ("aws_s3_bucket_policy", "aws_s3_bucket_cors_configuration")]
        bucket = self.one("--terraform-plan", self.plan(*gone), status=1)
        self.assertEqual((bucket["read"], bucket["cors"]), ("denied", "missing"))
        later = ("aws_s3_bucket_policy", {"bucket": GOOD}, {"policy": True})
        bucket = self.one("--terraform-plan", self.plan(later, cors))
        self.assertEqual(bucket["read"], "depends", "what is known after the apply only is never OK")
        key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0000"
        encryption = ("aws_s3_bucket_server_side_encryption_configuration", {"bucket": GOOD, "rule": [
            {"apply_server_side_encryption_by_default": [{"sse_algorithm": "aws:kms", "kms_master_key_id": key}], "bucket_key_enabled": True}]}, {})
        private = ("aws_kms_key", {"arn": key, "policy": scene.key_policy(False), "is_enabled": True}, {})
        bucket = self.one("--terraform-plan", self.plan(policy, cors, encryption, private), status=1)
        self.assertEqual((bucket["read"], self.kinds(bucket)), ("denied", ["default-encryption"]))
        rule = {"apply_server_side_encryption_by_default": [{"sse_algorithm": "aws:kms"}]}
        unknown = {"rule": [{"apply_server_side_encryption_by_default": [{"kms_master_key_id": True}]}]}
        encryption = ("aws_s3_bucket_server_side_encryption_configuration", {"bucket": GOOD, "rule": [rule]}, unknown)
        self.assertEqual(self.one("--terraform-plan", self.plan(policy, cors, encryption))["read"], "depends")
        # A part of a rule that is known later may be any origin.
        rule = {"allowed_methods": ["GET"], "allowed_headers": ["*"]}
        some = ("aws_s3_bucket_cors_configuration", {"bucket": GOOD, "cors_rule": [rule]}, {"cors_rule": [{"allowed_origins": True}]})
        self.assertEqual(self.one("--terraform-plan", self.plan(policy, some))["cors"], None)
        # A grant gives what the key policy does not.
        encryption = ("aws_s3_bucket_server_side_encryption_configuration", {"bucket": GOOD, "rule": [
            {"apply_server_side_encryption_by_default": [{"sse_algorithm": "aws:kms", "kms_master_key_id": key}], "bucket_key_enabled": True}]}, {})
        grant = ("aws_kms_grant", {"key_id": key, "grantee_principal": scene.ROLE, "operations": ["Decrypt", "GenerateDataKey"], "constraints": []}, {})
        granted = self.one("--terraform-plan", self.plan(policy, cors, encryption, private, grant))
        self.assertEqual((granted["read"], granted["write"]), ("allowed", "allowed"))
        open_grant = ("aws_kms_grant", {"key_id": key}, {"operations": True})
        self.assertEqual(self.one("--terraform-plan", self.plan(policy, cors, encryption, private, open_grant))["read"], "depends")

    def test_a_templates_literal_parts_are_judged_and_the_others_are_open(self):
        template = """
Resources:
  Images:
    Type: AWS::S3::Bucket
    Properties:
      BucketName: acme-lidar
      CorsConfiguration:
        CorsRules:
          - {AllowedMethods: [GET], AllowedOrigins: ["https://darwin.v7labs.com"], AllowedHeaders: ["*"]}
  Policy:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref Images
      PolicyDocument: %s
"""
        bucket = self.one("--template", self.file("good.yaml", template % scene.policy(scene.darwin(GOOD)).replace("\n", "")))
        self.assertEqual((bucket["read"], bucket["cors"]), ("allowed", "ok"))
        tagged = '{Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: !Ref Role}, Action: "s3:GetObject", Resource: "*"}]}'
        self.assertEqual(self.one("--template", self.file("tagged.yaml", template % tagged))["read"], "depends")
        sure = template % scene.policy(scene.darwin(GOOD)).replace("\n", "")
        perhaps = self.file("perhaps.yaml", sure.replace("    Type: AWS::S3::BucketPolicy\n", "    Type: AWS::S3::BucketPolicy\n    Condition: IsProd\n"))
        self.assertEqual(self.one("--template", perhaps)["read"], "depends", "it may not be made")
        without = self.file("without.yaml", template.split("  Policy:")[0])
        self.assertEqual(self.one("--template", without, status=1)["read"], "denied")

    def test_markdown_for_a_pull_request_and_the_page(self):
        bare = self.file("bare.json", scene.policy(scene.backup(GOOD)))
        page = self.directory / "check.html"
        done = self.run_tool("check", "--bucket", GOOD, "--policy", bare, "--format", "markdown", "--html", page, without=self.NOTHING)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertTrue(done.stdout.startswith("### Darwin S3 guard: NOT OK"), done.stdout)
        self.assertIn("bare.json", page.read_text())

    def test_what_is_no_document_is_a_sentence(self):
        policy = self.file("good.json", scene.policy(scene.darwin(GOOD)))
        condition = {"StringEquals": {"aws:ResourceAccount": ACCOUNT}}
        conditional = self.file("conditional.json", scene.policy(scene.darwin(GOOD) | {"Condition": condition}))
        for arguments, words in (
            (["--policy", "no-such-file"], "can't be read"),
            (["--policy", self.file("broken.json", "{")], "is no JSON"),
            (["--policy", self.file("list.json", "[1]")], "is no policy"),
            (["--policy", policy, "--cors", self.file("cors-broken.json", {"CORSRules": 3})], "no list of CORS rules"),
            (["--policy", policy, "--public-access-block", self.file("pab.json", "[]")], "no object with the four settings"),
            (["--terraform-plan", policy], "is no plan"),
            (["--terraform-plan", self.plan()], f"nothing in the input is about the bucket `{GOOD}`"),
            (["--template", policy], "is no template"),
            (["--policy", conditional], "say which, with --account"),
            (["--policy", policy, "--account", "12"], "wanted an account id of 12 digits"),
            ([], "required"),
            (["--policy", policy, "--template", policy], "cannot be used with"),
        ):
            with self.subTest(arguments):
                self.assert_refused("check", "--bucket", GOOD, *arguments, words=words, without=self.NOTHING)
        self.one("--policy", conditional, "--account", ACCOUNT)
