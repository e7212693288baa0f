"""The two local ways to invoke the function, `cargo lambda watch` and `sam local invoke`, as README and events/README.md say."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

from setting import ACCOUNT, BUCKET, EVENTS, REGION, ROOT, Emulator, scene
from lab.runtime import CARGO_LAMBDA, SAM, Function
from lab.stack import Aws

AUDIT = json.loads((EVENTS / "manual-audit.json").read_text())


class Local(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.emulator = Emulator().__enter__()
        cls.addClassCleanup(cls.emulator.__exit__, None, None, None)
        cls.directory = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        scene.bucket(Aws(cls.emulator.url), BUCKET)

    def audited(self, name: str, local, environment: dict) -> dict:
        with Function(name, self.directory, {"AWS_ENDPOINT_URL": self.emulator.url} | environment, local=local) as function:
            succeeded, answer, _ = function.invoke(AUDIT)
        self.assertTrue(succeeded, answer)
        [bucket] = answer["buckets"]
        self.assertEqual((bucket["bucket"], bucket["read"], bucket["cors"]), (BUCKET, "allowed", "ok"), answer)
        self.assertEqual(answer["problems"], [])
        return answer

    def test_cargo_lambda_invokes_it_with_the_account_and_region_of_the_shell(self):
        of_readme = {
            "GUARDED_BUCKETS": f'[{{"name":"{BUCKET}","access":"read-write","prefix":"darwin/"}}]', "TEAM_NAME": "Acme Vision",
            "AWS_ACCOUNT_ID": ACCOUNT, "AWS_REGION": REGION,
        }
        answer = self.audited("cargo-lambda", CARGO_LAMBDA, of_readme)
        self.assertIn("Acme Vision", answer["activation"])

    def test_an_init_error_is_reported_through_an_address_with_scheme_and_path(self):
        wrong = {"AWS_ACCOUNT_ID": ACCOUNT, "GUARDED_BUCKETS": "acme-lidar"}
        with Function("wrong", self.directory, wrong, local=CARGO_LAMBDA) as function:
            told = function.refused.get(timeout=30)
        self.assertEqual(told["errorType"], "Misconfigured")
        self.assertIn("GUARDED_BUCKETS", told["errorMessage"])

    def test_sam_invokes_it_with_what_its_own_resolver_makes_of_the_template_and_the_committed_variables(self):
        resolved = self.resolved("local-env.json")
        self.assertEqual(resolved["READ_WRITE_BUCKETS"], BUCKET)
        self.audited("sam", SAM, resolved)

    def test_without_the_committed_variables_it_says_what_is_missing(self):
        """SAM gives an account and buckets of its own invention then."""
        nothing = self.directory / "nothing.json"
        nothing.write_text("{}")
        with Function("bare", self.directory, self.resolved(nothing), local=SAM) as function:
            told = function.refused.get(timeout=30)
        self.assertIn("READ_ONLY_BUCKETS", told["errorMessage"])

    def resolved(self, variables) -> dict:
        python = ROOT / ".venv" / "sam" / "bin" / "python"
        command = [python, ROOT / "scripts" / "lab" / "sam_local.py", "template.yaml", "GuardFunction", variables]
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.directory), "AWS_REGION": REGION, "AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "none"}
        done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)


if __name__ == "__main__":
    unittest.main()
