"""A release as `make dist` makes it, deployed, upgraded and taken back by the commands of docs/deploy.md, with the real AWS CLI.

Neither cargo nor rustc is on the path: what the commands need is what the document says.
"""

import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import zipfile

import hcl2

from setting import ACCOUNT, BOOTSTRAP, BUCKET, REGION, ROOT, Emulator, Mailbox, Stack, scene, until

DOCUMENT = (ROOT / "docs" / "deploy.md").read_text()
CODE_BUCKET = "acme-code"


def commands(heading: str, document: str = DOCUMENT) -> list:
    """The shell commands of one section, in order."""
    section = document.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    blocks = re.findall(r"```\n(.*?)```", section, re.DOTALL)
    return [line.strip() for block in blocks for line in block.splitlines() if line.strip()]


def parameters_of(template: str) -> set:
    return set(re.findall(r"^  (\w+):$", template.split("\nParameters:\n")[1].split("\nRules:")[0], re.MULTILINE))


class Release:
    """The files of one release in a directory of their own, and the commands of the document for them."""

    def __init__(self, emulator, directory: pathlib.Path, version: str):
        self.directory, self.version = directory / version, version
        made = subprocess.run(
            [sys.executable, ROOT / "scripts/dist.py", "--into", self.directory, "--version", version, "--bootstrap", BOOTSTRAP],
            capture_output=True, text=True, check=False,
        )
        if made.returncode != 0:
            raise AssertionError(made.stdout + made.stderr)
        self.zip = next(self.directory.glob("*.zip"))
        self.architecture = self.zip.stem.removeprefix(f"darwin-s3-guard-{version}-")
        # Of the Python environment the AWS CLI alone.
        programs = directory / "bin"
        if not programs.is_dir():
            programs.mkdir()
            (programs / "aws").symlink_to(pathlib.Path(sys.prefix) / "bin" / "aws")
            for needed in ("bash", "sha256sum"):
                (programs / needed).symlink_to(shutil.which(needed))
        self.environment = {
            "PATH": str(programs), "AWS_ENDPOINT_URL": emulator.url, "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "none", "AWS_DEFAULT_REGION": REGION, "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_PAGER": "", "HOME": str(directory), "NO_PROXY": "127.0.0.1",
        }

    def run(self) -> str:
        """Runs the section as it is written; answers what the last command printed. `gh` needs what GitHub holds."""
        values = {"VERSION": self.version, "ARCH": self.architecture, "CODE_BUCKET": CODE_BUCKET, "BUCKET": BUCKET}
        out = ""
        for command in commands("From a release"):
            if command.startswith("gh "):
                continue
            filled = re.sub(r"\b[A-Z][A-Z_]+\b", lambda match: values.get(match[0], match[0]), command)
            done = subprocess.run(
                ["bash", "-c", filled], cwd=self.directory, env=self.environment, capture_output=True, text=True, check=False,
            )
            if done.returncode != 0:
                raise AssertionError(f"{filled}\n{done.stdout}{done.stderr}")
            out = done.stdout
        return out


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.emulator = Emulator().__enter__()
        cls.addClassCleanup(cls.emulator.__exit__, None, None, None)
        place = tempfile.TemporaryDirectory(prefix="darwin-s3-guard-release-")
        cls.addClassCleanup(place.cleanup)
        cls.directory = pathlib.Path(place.name)
        cls.stack = Stack(cls.emulator)
        cls.aws = cls.stack.aws
        scene.bucket(cls.aws, BUCKET)
        cls.aws.s3.create_bucket(Bucket=CODE_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})

    def outputs(self) -> dict:
        stack = self.aws.cloudformation.describe_stacks(StackName=self.stack.name)["Stacks"][0]
        return {entry["OutputKey"]: entry["OutputValue"] for entry in stack["Outputs"]}

    def code(self) -> str:
        """The S3 key that the stack's function was last given."""
        body = self.aws.cloudformation.get_template(StackName=self.stack.name)["TemplateBody"]
        text = body if isinstance(body, str) else json.dumps(body)
        return re.search(r"\$\{CodePrefix\}darwin-s3-guard-([0-9.]+)-", text)[1]

    def test_a_release_is_installed_upgraded_and_taken_back_with_its_incidents_and_messages(self):
        first, second = (Release(self.emulator, self.directory, version) for version in ("0.1.0", "0.1.1"))
        for needed in ("cargo", "rustc", "sam"):
            found = subprocess.run(["bash", "-c", f"command -v {needed}"], env=first.environment, capture_output=True, check=False)
            self.assertNotEqual(found.returncode, 0, f"{needed} is on the path of the commands")
        began = time.monotonic()
        printed = first.run()
        took = time.monotonic() - began
        self.assertIn("TestAlert", printed)
        self.assertNotIn("ServerlessRepo", next(first.directory.glob("*-template.yaml")).read_text(), "of the source alone")
        print(f"a release, installed by the documented commands in {took:.1f} s")
        self.stack.outputs = self.outputs()
        before = self.outputs()
        mailbox = Mailbox(self.aws, before["TopicArn"])

        # An incident is open when the upgrade comes.
        key = scene.key(self.aws, "nobody's", for_darwin=False)
        scene.upload(self.aws, BUCKET, "raw/dark.png", key)
        opened = mailbox.wait(lambda message: message["kind"] == "key-denied" and message["status"] == "opened")
        self.assertTrue(opened)

        # A message waits in the queue over the upgrade, and a repair is due.
        mappings = self.aws.lambda_.list_event_source_mappings(FunctionName=self.stack.function)["EventSourceMappings"]
        for mapping in mappings:
            self.aws.lambda_.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        scene.upload(self.aws, BUCKET, "raw/dark-too.png", key)
        self.aws.s3.put_bucket_policy(Bucket=BUCKET, Policy=scene.policy(scene.backup(BUCKET)))
        second.run()
        self.assertEqual((self.code(), self.outputs()), ("0.1.1", before), "the same queues, table and topic, new code")
        mappings = self.aws.lambda_.list_event_source_mappings(FunctionName=self.stack.function)["EventSourceMappings"]
        for mapping in mappings:
            self.aws.lambda_.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
        until(self.stack.settled)
        succeeded, answer = self.stack.invoke({"action": "repair"})
        self.assertTrue(succeeded, answer)
        statements = json.loads(self.aws.s3.get_bucket_policy(Bucket=BUCKET)["Policy"])["Statement"]
        self.assertIn("DarwinAccess", [statement.get("Sid") for statement in statements])
        told = [message for message in mailbox.fetch_all() if message["kind"] == "key-denied" and message["status"] == "opened"]
        self.assertEqual(len(told), 0, "the incident of before the upgrade is known after it: it is not opened a second time")

        # And back.
        first.run()
        self.assertEqual((self.code(), self.outputs()), ("0.1.0", before))
        succeeded, answer = self.stack.invoke({"action": "audit"})
        self.assertEqual((succeeded, [bucket["read"] for bucket in answer["buckets"]]), (True, ["allowed"]))

    def test_the_same_binary_gives_the_same_files(self):
        both = [Release(self.emulator, self.directory / name, "1.2.3") for name in ("a", "b") if not (self.directory / name).mkdir()]
        self.assertEqual(*(release.directory.joinpath("SHA256SUMS").read_text() for release in both))
        with zipfile.ZipFile(io.BytesIO(both[0].zip.read_bytes())) as archive:
            self.assertEqual([(entry.filename, entry.external_attr >> 16 & 0o777) for entry in archive.infolist()], [("bootstrap", 0o755)])
            self.assertEqual(archive.read("bootstrap"), BOOTSTRAP.read_bytes())

    def test_the_terraform_module_parses_and_names_parameters_of_the_template(self):
        document = (ROOT / "docs" / "terraform.md").read_text()
        module, use = [hcl2.loads(block) for block in re.findall(r"```hcl\n(.*?)```", document, re.DOTALL)]
        released = next(Release(self.emulator, self.directory, "1.0.0").directory.glob("*-template.yaml")).read_text()
        self.assertLessEqual(len(released.encode()), 51_200, "CreateStack takes no longer body")
        parameters = parameters_of(released)
        given = set(use["module"][0]['"darwin_s3_guard"']["parameters"])
        self.assertTrue(given)
        self.assertEqual({name.strip('"') for name in given} - parameters, set())
        self.assertLessEqual(set(re.findall(r"(\w+) = var\.", document.split("parameters    = merge")[1].split("\n")[0])), parameters)
        self.assertIn("CodeBucket", parameters)
        wanted = {name.strip('"') for variable in module["variable"] for name in variable}
        self.assertEqual(set(re.findall(r"var\.(\w+)", document)) - wanted, set(), "each variable is declared")

    def test_the_readmes_five_lines_are_the_commands_that_are_tried_here(self):
        readme = commands("Install", (ROOT / "README.md").read_text())
        five = readme[readme.index("sha256sum --check --ignore-missing SHA256SUMS"):]
        self.assertEqual(len(five), 5)
        tried = commands("From a release")
        self.assertEqual([line for line in five[:4] if line not in tried], [])
        self.assertEqual(five[4].replace("NAME", "FUNCTION"), "aws lambda invoke --function-name FUNCTION --cli-binary-format raw-in-base64-out --payload '{\"action\":\"audit\"}' /dev/stdout")

    def test_a_broken_download_is_found(self):
        release = Release(self.emulator, self.directory, "9.9.9")
        release.zip.write_bytes(release.zip.read_bytes()[:-1] + b"?")
        with self.assertRaises(AssertionError) as refused:
            release.run()
        self.assertIn("FAILED", str(refused.exception))


if __name__ == "__main__":
    unittest.main()
