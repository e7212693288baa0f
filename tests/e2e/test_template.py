"""The template without a cloud: what it makes within AWS's quotas at its largest, and what its parameters accept."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib
import unittest

import setting  # noqa: F401
from lab import cfn
from lab.tools import ROOT
from setting import ACCOUNT, Aws, Emulator

SOURCE = (ROOT / "template.yaml").read_text()
# As sam package leaves it: the code is in S3.
TEXT = SOURCE.replace("CodeUri: .\n", "CodeUri: s3://code/bootstrap.zip\n")
DEFINITIONS = cfn.parsed(TEXT)["Parameters"]
CASES = json.loads((ROOT / "tests/cases/parameters.json").read_text())["cases"]


def listed(form: str, times: int, by: str = ",") -> str:
    return by.join(form.replace("{n}", str(n)) for n in range(10, 10 + times))


def longest(parameter: str, start: str, times: int) -> str:
    """A list of so many items that is as long as the parameter may be."""
    room = int(DEFINITIONS[parameter]["MaxLength"]) - (times - 1) - times * (len(start) + 2)
    sizes = [room // times + (1 if n < room % times else 0) for n in range(times)]
    return ",".join(f"{start}{n + 10}" + "x" * size for n, size in enumerate(sizes))


# As many items as the patterns take, in as many characters; all that is optional; the longest names.
LARGEST = {
    "ReadOnlyBuckets": longest("ReadOnlyBuckets", "o", 20), "ReadWriteBuckets": longest("ReadWriteBuckets", "w", 20),
    "Prefix": "p" * 200, "ReadPrefixes": longest("ReadPrefixes", "r", 10), "NotReadPrefixes": longest("NotReadPrefixes", "n", 10),
    "ScopeWrites": "true", "ListBuckets": "true",
    "KmsKeyArns": longest("KmsKeyArns", "arn:aws:kms:ap-southeast-7:111122223333:key/", 20), "Ceiling": "enforce",
    "EnableEventBridge": "true", "TeamName": "東" * 64, "AlertEmail": "ops@acme.example",
    "TopicKmsKeyArn": "arn:aws:kms:ap-southeast-7:111122223333:key/8a5b1f00-c94c-11f0-a1b2-0a1b2c3d4e5f",
    "LogRetentionDays": "3653", "Architecture": "x86_64", "BatchJobs": "true",
}
SETS = {
    "everything at its largest": LARGEST,
    "few long names": LARGEST | {"ReadOnlyBuckets": longest("ReadOnlyBuckets", "o", 15), "ReadWriteBuckets": longest("ReadWriteBuckets", "w", 15)},
    "one list": LARGEST | {"ReadOnlyBuckets": ""},
    "the other list": LARGEST | {"ReadWriteBuckets": "", "ScopeWrites": "false"},
    "flag mode": LARGEST | {"Mode": "flag", "Ceiling": "flag", "EnableEventBridge": "false"},
    "one bucket": {"ReadOnlyBuckets": "acme-lidar"},
}


def at(name: str) -> cfn.Evaluated:
    found = cfn.Evaluated(TEXT, stack="s" * 128, region="ap-southeast-7", **SETS[name])
    assert not found.refused, (name, found.refused)
    return found


def compact(value) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Quotas(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.made = {name: at(name) for name in SETS}

    def assert_largest(self, what: str, sizes: dict, quota: int):
        name, size = max(sizes.items(), key=lambda entry: entry[1])
        print(f"largest {what}: {size:,} of {quota:,} ({name})")
        self.assertLessEqual(size, quota, f"{what}: {name}")

    def test_lambdas_environment_is_at_most_4096_bytes_as_lambda_measures_it(self):
        # The JSON text in UTF-8, quotes inside of values escaped.
        sizes = {
            name: len(compact(function["Environment"]["Variables"]).encode())
            for name, made in self.made.items() for function in made.of_type("AWS::Lambda::Function").values()
        }
        self.assert_largest("environment", sizes, 4_096)

    def test_every_event_pattern_is_at_most_2048_characters_and_json(self):
        sizes = {}
        for name, made in self.made.items():
            for rule, resource in made.of_type("AWS::Events::Rule").items():
                pattern = resource["EventPattern"]
                pattern = json.loads(pattern) if isinstance(pattern, str) else pattern
                sizes[f"{rule}, {name}"] = len(compact(pattern))
                if isinstance(resource["EventPattern"], str):
                    sizes[f"{rule} as written, {name}"] = len(resource["EventPattern"])
        self.assert_largest("event pattern", sizes, 2_048)

    def test_the_inline_policies_of_a_role_are_at_most_10240_characters(self):
        # IAM does not count white space.
        sizes = {
            f"{role}, {name}": sum(len(re.sub(r"\s", "", compact(policy["PolicyDocument"]))) for policy in resource.get("Policies", []))
            for name, made in self.made.items() for role, resource in made.of_type("AWS::IAM::Role").items()
        }
        self.assert_largest("inline policies", sizes, 10_240)

    def test_the_body_is_at_most_51200_bytes_after_sam_package_and_readable_before(self):
        with Emulator() as emulator, tempfile.TemporaryDirectory() as directory:
            # It is named in the template, once for each file.
            bucket = "p" * 63
            Aws(emulator.url).s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": setting.REGION})
            place = pathlib.Path(directory)
            (place / "code").mkdir()
            (place / "code" / "bootstrap").write_text("")
            (place / "template.yaml").write_text(SOURCE.replace("CodeUri: .\n", "CodeUri: code\n"))
            for name in ("LICENSE", "README.md"):
                (place / name).write_bytes((ROOT / name).read_bytes())
            environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")} | {
                "AWS_ENDPOINT_URL": emulator.url, "AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "none",
                "AWS_DEFAULT_REGION": setting.REGION, "SAM_CLI_TELEMETRY": "0",
            }
            command = [ROOT / ".venv/sam/bin/sam", "package", "--template-file", "template.yaml", "--s3-bucket", bucket]
            done = subprocess.run(
                [*command, "--output-template-file", "packaged.yaml"], cwd=place, env=environment, capture_output=True, text=True,
            )
            self.assertEqual(done.returncode, 0, done.stderr)
            packaged = (place / "packaged.yaml").read_bytes()
        self.assert_largest("template", {"after sam package": len(packaged)}, 51_200)
        lines = SOURCE.splitlines()
        print(f"template.yaml: {len(SOURCE.encode()):,} bytes, {len(lines)} lines, the longest of {max(map(len, lines))} characters")
        self.assertLess(len(lines), 900)
        self.assertLessEqual(max(map(len, lines)), 200)


# What tests/it/role.rs asks both evaluators about: the roles of a stack, mode by mode.
ROLES = ROOT / "tests/cases/roles.json"
MODES = {
    "flag": {}, "repair": {"Mode": "repair"}, "repair with EventBridge": {"Mode": "repair", "EnableEventBridge": "true"},
    "customer key": {"TopicKmsKeyArn": f"arn:aws:kms:{setting.REGION}:{ACCOUNT}:key/8a5b1f00-c94c-11f0-a1b2-0a1b2c3d4e5f"},
    "batch jobs": {"BatchJobs": "true"},
}


def roles() -> str:
    made = {
        name: cfn.Evaluated(TEXT, **{"ReadOnlyBuckets": "acme-slides", "ReadWriteBuckets": "acme-lidar", "Mode": "flag"} | mode)
        for name, mode in MODES.items()
    }
    held = {
        "": "Made by tests/e2e/test_template.py, which also holds it to template.yaml: python tests/e2e/test_template.py roles",
        "arns": next(iter(made.values())).arns(),
        "modes": {
            name: {
                role: {
                    "trust": resource["AssumeRolePolicyDocument"],
                    "policies": {policy["PolicyName"]: policy["PolicyDocument"] for policy in resource["Policies"]},
                }
                for role, resource in stack.of_type("AWS::IAM::Role").items()
            }
            for name, stack in made.items()
        },
    }
    return json.dumps(held, indent=1) + "\n"


class Roles(unittest.TestCase):
    def test_the_roles_that_the_evaluators_judge_are_those_of_the_template(self):
        self.assertEqual(ROLES.read_text(), roles(), "python tests/e2e/test_template.py roles")

    def test_the_jobs_role_is_there_where_it_is_asked_for_and_said_in_an_output(self):
        without, with_role = (cfn.Evaluated(TEXT, ReadOnlyBuckets="acme", BatchJobs=value) for value in ("false", "true"))
        self.assertNotIn("BatchJobRole", without.resources)
        self.assertNotIn("BatchJobRoleArn", without.outputs())
        self.assertEqual(with_role.outputs()["BatchJobRoleArn"], with_role.arns()["BatchJobRole"])
        others = {name: resource for name, resource in with_role.resources.items() if name != "BatchJobRole"}
        self.assertEqual(others, without.resources, "and nothing else is another")


class Publication(unittest.TestCase):
    """What the AWS Serverless Application Repository wants of `sam publish`, and its limits."""

    def test_the_applications_metadata_are_those_of_the_package_and_within_the_limits(self):
        # https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-sam-template-publishing-applications-metadata-properties.html
        held = cfn.parsed(SOURCE)["Metadata"]["AWS::ServerlessRepo::Application"]
        package = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]
        self.assertEqual((held["Name"], held["SemanticVersion"], held["SpdxLicenseId"]), (package["name"], package["version"], package["license"]))
        self.assertEqual(held["Labels"], package["keywords"])
        self.assertRegex(held["SemanticVersion"], r"^\d+\.\d+\.\d+$")
        self.assertRegex(held["Name"], r"^[a-zA-Z0-9-]{1,140}$")
        self.assertRegex(held["Author"], r"^[a-zA-Z0-9 ]{1,127}$")
        self.assertLessEqual(len(held["Description"]), 256)
        self.assertLessEqual(len(held["Labels"]), 10)
        for name in ("LicenseUrl", "ReadmeUrl"):
            self.assertTrue((ROOT / held[name]).is_file(), name)
        # Nobody has published this repository: an address that is not its own would lead to somebody else's code.
        for name in ("HomePageUrl", "SourceCodeUrl"):
            self.assertEqual(held.get(name), package.get("repository"), name)


class Limits(unittest.TestCase):
    """tests/it/config.rs starts the function with every value that is accepted here."""

    def test_a_parameter_accepts_and_refuses_what_the_cases_say(self):
        for case in CASES:
            value = listed(case["value"], case.get("times", 1), case.get("by", ","))
            with self.subTest(case):
                wrong = cfn.wrong_with(DEFINITIONS[case["parameter"]], value)
                self.assertEqual(bool(wrong), case.get("refused", False), (wrong, len(value)))

    def test_the_cases_reach_the_end_of_what_is_accepted(self):
        for name, definition in DEFINITIONS.items():
            lengths = [
                len(listed(case["value"], case.get("times", 1), case.get("by", ",")))
                for case in CASES if case["parameter"] == name and not case.get("refused")
            ]
            if "MaxLength" in definition and name != "KmsKeyArns":
                self.assertGreaterEqual(max(lengths), int(definition["MaxLength"]) - 1, name)

    def test_combinations_that_contradict_each_other_are_refused_with_a_sentence(self):
        for parameters, words in (
            ({}, "at least one bucket"),
            ({"ReadWriteBuckets": "acme", "ScopeWrites": "true"}, "give Prefix"),
            ({"ReadOnlyBuckets": "acme", "ScopeWrites": "true", "Prefix": "darwin/"}, "ReadWriteBuckets"),
            ({"ReadWriteBuckets": "acme", "ReadPrefixes": "raw/"}, "needs Prefix"),
            ({"ReadOnlyBuckets": "acme", "Mode": "flag", "EnableEventBridge": "true"}, "needs Mode=repair"),
            ({"ReadOnlyBuckets": "acme", "Mode": "flag", "Ceiling": "enforce"}, "needs Mode=repair"),
        ):
            with self.subTest(parameters):
                self.assertIn(words, " ".join(cfn.Evaluated(TEXT, **parameters).refused))
        for parameters in (
            {"ReadOnlyBuckets": "acme", "ReadPrefixes": "raw/"},
            {"ReadWriteBuckets": "acme", "ReadPrefixes": "raw/", "Prefix": "darwin/", "ScopeWrites": "true"},
        ):
            self.assertEqual(cfn.Evaluated(TEXT, **parameters).refused, [])


if __name__ == "__main__":
    if sys.argv[1:] == ["roles"]:
        ROLES.write_text(roles())
    else:
        unittest.main()
