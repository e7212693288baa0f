"""The tool `darwin-guard`, each verb end to end on the emulator: what it prints, its exit status, and bad input."""

import hashlib
import json
import os
import pathlib
import pty
import shutil
import subprocess
import tempfile
import unittest

from setting import ACCOUNT, EVENTS, REGION, ROOT, Emulator, Stack, scene
from lab import proxy
from lab.emulator import clean_environment, reserved_port
from lab.stack import Aws

TOOL = ROOT / "target" / "release" / "darwin-guard"
GOOD, BARE = "acme-lidar", "acme-slides"


class Tool(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.emulator = Emulator().__enter__()
        cls.addClassCleanup(cls.emulator.__exit__, None, None, None)
        cls.directory = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.aws = Aws(cls.emulator.url)
        scene.bucket(cls.aws, GOOD)
        cls.shared, cls.private = (scene.key(cls.aws, "scans", for_darwin=which) for which in (True, False))
        scene.upload(cls.aws, GOOD, "raw/a.png", cls.shared)
        scene.upload(cls.aws, GOOD, "raw/b.png", cls.private)

    def setUp(self):
        scene.bucket(self.aws, BARE, for_darwin=False)
        self.addCleanup(self.aws.s3.delete_bucket, Bucket=BARE)

    def environment(self, **variables) -> dict:
        nothing = str(self.directory / "nothing")
        return clean_environment() | {
            "AWS_ENDPOINT_URL": self.emulator.url, "AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "none", "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": nothing, "AWS_SHARED_CREDENTIALS_FILE": nothing,
            "HOME": str(self.directory),
        } | variables

    def run_tool(self, *arguments, without=(), stdin="", **variables) -> subprocess.CompletedProcess:
        environment = {name: value for name, value in self.environment(**variables).items() if name not in without}
        command = [str(TOOL), *map(str, arguments)]
        return subprocess.run(command, env=environment, input=stdin, capture_output=True, text=True, cwd=self.directory)

    def json(self, *arguments, status=0, **variables) -> dict:
        done = self.run_tool(*arguments, "--format", "json", **variables)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def assert_refused(self, *arguments, words, without=(), **variables):
        """Exit status 2, a sentence, and no word of a good report."""
        done = self.run_tool(*arguments, without=without, **variables)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertIn(words, done.stderr)
        self.assertNotIn("OK", done.stdout)
        self.assertNotIn("panicked", done.stderr)

    def policy(self, bucket=BARE) -> str:
        return self.aws.s3.get_bucket_policy(Bucket=bucket)["Policy"]


class Audits(Tool):
    def test_an_audit_is_a_table_then_each_finding_with_its_fix_then_the_activation_of_what_is_ready(self):
        before = self.policy()
        done = self.run_tool("audit", GOOD, BARE, "--access", "read-write", "--prefix", "darwin/", "--team", "Acme Vision")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        lines = done.stdout.splitlines()
        self.assertEqual(lines[0].split(), ["Bucket", "Read", "Write", "CORS", "Keys", "Findings"])
        self.assertEqual(lines[1].split(), [GOOD, "allowed", "allowed", "ok", "ok", "none"])
        self.assertEqual(lines[2].split()[:5], [BARE, "denied", "denied", "missing", "ok"])
        places = [done.stdout.index(word) for word in (f"1. {BARE}: ", "What to do:", '"Sid": "DarwinAccess"', "send this to V7", "NOT OK")]
        self.assertEqual(places, sorted(places))
        self.assertIn(f"- S3 bucket name: {GOOD}", done.stdout)
        self.assertNotIn(f"- S3 bucket name: {BARE}", done.stdout)
        self.assertNotIn("\x1b", done.stdout, "no colour where nobody sees it")
        self.assertEqual(done.stderr, "")
        self.assertEqual(self.policy(), before)

    def test_it_says_the_same_as_the_function(self):
        stack = Stack(self.emulator).create(ReadOnlyBuckets=[BARE], ReadWriteBuckets=[GOOD], Prefix="darwin/", TeamName="Acme Vision")
        self.addCleanup(stack.delete)
        _, of_function = stack.invoke({"action": "audit"})
        of_tool = self.json("audit", "--stack", stack.name, status=1)
        self.assertEqual(of_tool, of_function)
        one = self.json("audit", GOOD, "--stack", stack.name, status=1)
        self.assertEqual([bucket["bucket"] for bucket in one["buckets"]], [GOOD])
        self.assert_refused("audit", "other-bucket", "--stack", stack.name, words="one that the stack guards")
        self.assert_refused("audit", "--stack", "no-such-stack", words="the stack `no-such-stack` can't be read")

    def test_it_reads_the_environment_of_the_function_where_no_bucket_is_named(self):
        guarded = json.dumps([{"name": GOOD, "access": "read-write", "prefix": "darwin/"}])
        answer = self.json("audit", GUARDED_BUCKETS=guarded, TEAM_NAME="Acme Vision")
        self.assertIn("Acme Vision", answer["buckets"][0]["activation"])
        self.assertEqual(answer["activation"], answer["buckets"][0]["activation"])

    def test_a_resource_control_policy_that_was_given_is_judged_and_named(self):
        rcp = self.directory / "perimeter.json"
        statement = {
            "Sid": "Perimeter", "Effect": "Deny", "Principal": "*", "Action": ["s3:*", "kms:*"], "Resource": "*",
            "Condition": {"StringNotEquals": {"aws:PrincipalAccount": ACCOUNT}},
        }
        rcp.write_text(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
        done = self.run_tool("audit", GOOD, "--access", "read-write", "--rcp", rcp)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn(f"RCP `{rcp}`, statement `Perimeter` (index 0) denies Darwin", done.stdout)
        self.assertIn("resource control policies that were given", done.stdout)
        # Exempt, as the remedy says; in the form that AWS Organizations answers.
        statement["Condition"]["ArnNotEquals"] = {"aws:PrincipalArn": "arn:aws:iam::258327614892:role/external_s3"}
        content = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        summary = {"Id": "p-1", "Name": "perimeter", "Type": "RESOURCE_CONTROL_POLICY", "AwsManaged": False}
        rcp.write_text(json.dumps({"Policy": {"PolicySummary": summary, "Content": content}}))
        self.assertEqual(self.run_tool("audit", GOOD, "--access", "read-write", "--rcp", rcp).returncode, 0)
        summary["Type"] = "SERVICE_CONTROL_POLICY"
        rcp.write_text(json.dumps({"Policy": {"PolicySummary": summary, "Content": content}}))
        self.assert_refused("audit", GOOD, "--rcp", rcp, words="is no RCP: its type is SERVICE_CONTROL_POLICY")
        self.assert_refused("audit", GOOD, "--rcp", self.directory / "none.json", words="can't be read")
        self.assert_refused("repair", GOOD, "--stack", "any", "--rcp", rcp, words="--rcp with --stack")

    def test_as_markdown_it_is_a_table_and_fenced_fixes(self):
        done = self.run_tool("audit", GOOD, BARE, "--format", "markdown")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"| {BARE} | denied | - | missing | ok |", done.stdout)
        self.assertIn("\n```\n", done.stdout)

    def test_bad_input_is_a_sentence_and_never_ok(self):
        for arguments, words in (
            (["audit", "Acme"], "BUCKET is `Acme`, wanted"),
            (["audit", GOOD, GOOD], "again"),
            (["audit", GOOD, "--prefix", "/darwin/"], "--prefix is `/darwin/`"),
            (["audit", GOOD, "--scope-writes"], "--scope-writes is `true`, wanted"),
            (["audit", GOOD, "--access", "write"], "possible values: read-only, read-write"),
            (["audit", "--access", "read-only"], "no BUCKET"),
            (["audit"], "no BUCKET"),
            (["audit", GOOD, "--region", "europe"], "--region is `europe`"),
            (["audit", GOOD, "--profile", "acme"], "no AWS credentials"),
            (["judge", f"s3:/{GOOD}/a"], "wanted s3://BUCKET/KEY"),
            (["judge", f"s3://{GOOD}"], "wanted s3://BUCKET/KEY"),
            (["judge"], "required"),
            (["judge", "--bucket", GOOD, "--kms-key", "alias/scans"], "a list of KMS key ARNs"),
            (["event", "no-such-file"], "can't be read"),
            (["frobnicate"], "unrecognized subcommand"),
        ):
            with self.subTest(arguments):
                without = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY") if "--profile" in arguments else ()
                self.assert_refused(*arguments, words=words, without=without)

    def test_no_credentials_no_service_or_another_account_is_a_sentence(self):
        self.assert_refused("audit", GOOD, words="no AWS credentials", without=("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
        self.assert_refused("audit", GOOD, words="AWS_ACCOUNT_ID is 444455556666", AWS_ACCOUNT_ID="444455556666")
        with reserved_port() as nobody:
            url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
            self.assert_refused("audit", GOOD, words="STS does not say whose the AWS credentials are", AWS_ENDPOINT_URL=url)
        self.assert_refused("audit", GOOD, words="AWS_CA_BUNDLE is `/dev/null`, which holds none", AWS_CA_BUNDLE="/dev/null")

    def test_a_bucket_that_is_not_there_is_never_ok(self):
        answer = self.json("audit", "acme-nowhere", status=1)
        self.assertIn("no-such-bucket", [finding["kind"] for finding in answer["buckets"][0]["findings"]])
        done = self.run_tool("audit", "acme-nowhere")
        self.assertTrue(done.stdout.rstrip().splitlines()[-1].startswith("NOT OK"), done.stdout)


class Judgements(Tool):
    def test_objects_and_keys_are_judged_and_the_worst_decides_the_exit_status(self):
        answer = self.json("judge", f"s3://{GOOD}/raw/a.png")
        self.assertEqual([(entry["key"], entry["read"]) for entry in answer["objects"]], [("raw/a.png", "allowed")])
        answer = self.json("judge", f"s3://{GOOD}/raw/a.png", f"s3://{GOOD}/raw/b.png", status=1)
        self.assertEqual([entry["read"] for entry in answer["objects"]], ["allowed", "denied"])
        answer = self.json("judge", "--bucket", GOOD, "--kms-key", self.private, status=1)
        self.assertEqual([(entry["kms_key"], entry["read"]) for entry in answer["objects"]], [(self.private, "denied")])

    def test_what_can_not_be_read_is_never_ok(self):
        """In front of AWS: S3 answers from another Region, KMS refuses to show a key."""
        faults = self.emulator.faults()
        self.addCleanup(faults.clear)
        reads = ("GetBucketPolicy", "GetBucketCors", "GetBucketEncryption", "GetPublicAccessBlock", "GetBucketOwnershipControls",
                 "GetBucketRequestPayment", "GetBucketNotificationConfiguration", "GetBucketTagging", "HeadObject", "ListObjectsV2")
        redirect = {"code": "PermanentRedirect", "status": 301, "message": "must be addressed using the specified endpoint"}
        faults.inject(*({"service": "s3", "operation": read, "error": redirect} for read in reads))
        before = self.policy()
        for arguments in (
            ["audit", GOOD], ["audit", GOOD, "--format", "markdown"], ["repair", BARE, "--yes"], ["judge", f"s3://{GOOD}/raw/a.png"],
            ["scan", f"s3://{GOOD}", "--yes"],
        ):
            with self.subTest(arguments):
                done = self.run_tool(*arguments, AWS_ENDPOINT_URL=faults.url)
                self.assertIn(done.returncode, (1, 2), done.stdout + done.stderr)
                self.assertNotRegex(done.stdout, r"(?m)^(### Darwin S3 guard: )?OK", done.stdout)
                self.assertNotIn("send this to V7", done.stdout)
        answer = json.loads(self.run_tool("audit", GOOD, "--format", "json", AWS_ENDPOINT_URL=faults.url).stdout)
        self.assertEqual([found["kind"] for found in answer["buckets"][0]["findings"]], ["wrong-region"])
        self.assertEqual(self.policy(), before)

        denied = {"code": "AccessDeniedException", "status": 400, "message": "not authorized"}
        faults.inject(*({"service": "kms", "operation": read, "error": denied} for read in ("DescribeKey", "GetKeyPolicy")))
        of_key = ("judge", "--bucket", GOOD, "--kms-key", self.shared)
        done = self.run_tool(*of_key, AWS_ENDPOINT_URL=faults.url)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertIn(f"kms:DescribeKey on key `{self.shared}`", done.stdout + done.stderr)
        self.assertNotRegex(done.stdout, "(?m)^OK")
        # Of an object the rest was read: an open question.
        done = self.run_tool("judge", f"s3://{GOOD}/raw/a.png", AWS_ENDPOINT_URL=faults.url)
        self.assertIn("depends", done.stdout, done.stderr)
        self.assertNotRegex(done.stdout, r"(?m)^OK[.:]?$")
        faults.clear()
        self.assertEqual(self.run_tool(*of_key, AWS_ENDPOINT_URL=faults.url).returncode, 0)

    def test_an_event_is_handled_as_the_function_does(self):
        guarded = json.dumps([{"name": GOOD, "access": "read-write", "prefix": "darwin/"}])
        event = json.dumps({"action": "judge", "bucket": GOOD, "key": "raw/b.png"})
        done = self.run_tool("event", "-", "--format", "json", stdin=event, GUARDED_BUCKETS=guarded)
        self.assertEqual((done.returncode, json.loads(done.stdout)["objects"][0]["read"]), (1, "denied"), done.stderr)
        self.assert_refused("event", EVENTS / "unknown.json", words="NotUnderstood", GUARDED_BUCKETS=guarded)
        self.assert_refused("event", EVENTS / "manual-audit.json", words="GUARDED_BUCKETS is `[`", GUARDED_BUCKETS="[")


class Desks(Tool):
    """Credentials and connections as they are at a desk."""

    WITHOUT = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION")

    def profile(self, name: str, text: str) -> str:
        path = self.directory / f"config-{name}"
        path.write_text(text)
        return str(path)

    def test_a_profile_with_a_credential_process_and_a_region(self):
        program = self.directory / "credentials"
        credentials = json.dumps({"Version": 1, "AccessKeyId": ACCOUNT, "SecretAccessKey": "none"})
        program.write_text(f"#!/bin/sh\necho '{credentials}'\n")
        program.chmod(0o755)
        config = self.profile("process", f"[profile acme]\nregion = {REGION}\ncredential_process = {program}\n")
        done = self.run_tool("audit", GOOD, "--access", "read-write", "--profile", "acme", without=self.WITHOUT, AWS_CONFIG_FILE=config)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        # The profile that is named beats the keys of the environment, as for the AWS CLI; AWS_PROFILE does not.
        keys = {"AWS_ACCESS_KEY_ID": "999988887777", "AWS_SECRET_ACCESS_KEY": "others", "AWS_CONFIG_FILE": config}
        named = ("audit", GOOD, "--access", "read-write")
        self.assertEqual(self.run_tool(*named, "--profile", "acme", **keys).returncode, 0)
        self.assertIn("999988887777", (done := self.run_tool(*named, AWS_PROFILE="acme", **keys)).stdout + done.stderr)
        program.write_text("#!/bin/sh\necho broken >&2; exit 1\n")
        self.assert_refused("audit", GOOD, "--profile", "acme", words="no AWS credentials", **keys)
        self.assert_refused("audit", GOOD, "--profile", "acme", words="no AWS credentials", without=self.WITHOUT, AWS_CONFIG_FILE=config)

    def sso(self) -> str:
        """A profile whose token is in the cache, as `aws sso login` leaves it."""
        cache = self.directory / ".aws" / "sso" / "cache"
        cache.mkdir(parents=True, exist_ok=True)
        token = {
            "startUrl": "https://acme.awsapps.com/start", "region": REGION, "accessToken": "of-the-cache",
            "expiresAt": "2099-01-01T00:00:00Z",
        }
        (cache / (hashlib.sha1(b"acme").hexdigest() + ".json")).write_text(json.dumps(token))
        return self.profile("sso", f"[profile acme]\nregion = {REGION}\nsso_session = acme\nsso_account_id = {ACCOUNT}\nsso_role_name = viewer\n"
                            f"[sso-session acme]\nsso_region = {REGION}\nsso_start_url = https://acme.awsapps.com/start\n")

    @unittest.skipUnless(proxy.possible(), "no openssl here, which makes the proxy's certificates")
    def test_an_sso_profile_through_a_proxy_with_a_ca_of_the_companys_own(self):
        seen = []

        def portal(path, headers):
            seen.append((path, headers.get("x-amz-sso_bearer_token")))
            given = {"accessKeyId": ACCOUNT, "secretAccessKey": "none", "sessionToken": "x", "expiration": 4070908800000}
            return 200, {"Content-Type": "application/json"}, json.dumps({"roleCredentials": given}).encode()

        authority, chain, key = proxy.certificates(self.directory)
        with proxy.Proxy(self.emulator.url, chain, key, {f"portal.sso.{REGION}.amazonaws.com": portal}) as company:
            desk = {
                "AWS_CONFIG_FILE": self.sso(), "AWS_PROFILE": "acme", "HTTPS_PROXY": company.url, "AWS_CA_BUNDLE": str(authority),
            }
            without = (*self.WITHOUT, "AWS_ENDPOINT_URL")
            done = self.run_tool("audit", GOOD, "--access", "read-write", without=without, **desk)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertEqual(seen[0][1], "of-the-cache")
            self.assertIn("role_name=viewer", seen[0][0])
            self.assertTrue({f"sts.{REGION}.amazonaws.com", f"{GOOD}.s3.{REGION}.amazonaws.com"} <= set(company.asked), company.asked)
            self.assert_refused("audit", GOOD, words="no AWS credentials", without=(*without, "AWS_CA_BUNDLE"), **desk)


class Pages(Tool):
    CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

    def test_a_page_is_one_file_in_which_hostile_names_do_nothing(self):
        page = self.directory / "audit.html"
        theirs = json.loads(scene.policy(scene.tls_only(BARE)))
        hostile = "\"><img src=x onerror=document.title='broken'></script><script>document.title='broken'</script>"
        theirs["Statement"].append({
            "Sid": hostile, "Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BARE}/*",
        })
        self.aws.s3.put_bucket_policy(Bucket=BARE, Policy=json.dumps(theirs))
        done = self.run_tool("audit", GOOD, BARE, "--html", page)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(f"The page is {page}", done.stderr)
        text = page.read_text()
        self.assertNotRegex(text, r"(src|href)=\"?(https?:)?//")
        self.assertNotIn("<img", text)
        self.assertEqual((text.count("<script"), text.count("</script")), (1, 1))
        self.assert_refused("audit", GOOD, "--html", self.directory, words="can't be written")
        if self.CHROMIUM is None:
            self.skipTest("no Chromium here: the page was not looked at in a browser")
        shown = subprocess.run(
            [self.CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=3000", "--dump-dom",
             f"--user-data-dir={self.directory / 'browser'}", page.as_uri()],
            capture_output=True, text=True, env=clean_environment() | {"HOME": str(self.directory)},
        ).stdout
        self.assertIn("<title>Can Darwin read our buckets?</title>", shown)
        self.assertNotIn("<img", shown)
        self.assertIn("onerror=document.title", shown, "it is there, as text")


class Repairs(Tool):
    OPTIONS = ("--access", "read-write")

    def test_it_shows_who_where_and_what_and_writes_what_was_agreed_to(self):
        before = self.policy()
        done = self.run_tool("repair", BARE, *self.OPTIONS, "--dry-run")
        self.assertEqual((done.returncode, self.policy()), (1, before), done.stderr)
        self.assertIn('+      "Sid": "DarwinAccess"', done.stdout)
        self.assert_refused("repair", BARE, *self.OPTIONS, words="say --yes")
        self.assertEqual(self.policy(), before)
        done = self.run_tool("repair", BARE, *self.OPTIONS, "--yes")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for words in ("Caller:  arn:aws:", f"Account: {ACCOUNT}", f"Region:  {REGION}", "No deployed guard takes part", f"To be written to {BARE}"):
            self.assertIn(words, done.stderr)
        self.assertIn("DarwinAccess", self.policy())
        self.assertIn("NightlyBackup", self.policy())
        answer = self.json("repair", BARE, *self.OPTIONS)
        self.assertEqual(answer["buckets"][0]["actions"], [])

    def test_a_person_at_the_terminal_is_asked(self):
        for reply, status, written in (("n", 2, False), ("y", 0, True)):
            with self.subTest(reply):
                main, side = pty.openpty()
                command = [str(TOOL), "repair", BARE, *self.OPTIONS]
                child = subprocess.Popen(command, env=self.environment(), stdin=side, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                os.write(main, f"{reply}\n".encode())
                _, err = child.communicate()
                os.close(side), os.close(main)
                self.assertEqual((child.returncode, "DarwinAccess" in self.policy()), (status, written), err)
                self.assertIn("Write this? [y/N]", err)

    def test_a_pause_tag_stops_it(self):
        before = self.policy()
        self.aws.s3.put_bucket_tagging(Bucket=BARE, Tagging={"TagSet": [{"Key": "darwin-guard", "Value": "paused"}]})
        done = self.run_tool("repair", BARE, *self.OPTIONS, "--yes")
        self.assertEqual((done.returncode, self.policy()), (1, before), done.stdout + done.stderr)
        self.assertIn("Paused: nothing is written.", done.stderr)

    def test_with_a_stack_the_deployed_guard_does_it(self):
        stack = Stack(self.emulator).create(ReadWriteBuckets=[BARE])
        self.addCleanup(stack.delete)
        done = self.run_tool("repair", BARE, "--stack", stack.name, "--yes")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertNotIn("No deployed guard takes part", done.stderr)
        self.assertIn("DarwinAccess", self.policy())
        repaired = [item for item in self.aws.dynamodb.scan(TableName=stack.outputs["TableName"])["Items"] if BARE in json.dumps(item)]
        self.assertTrue(repaired, "the guard's table has the repair")


if __name__ == "__main__":
    unittest.main()
