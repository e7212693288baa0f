"""The demo tells the truth: it passes with the guard, and fails with anything less."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from setting import ROOT

# A function that speaks the Runtime API perfectly, and does nothing.
IDLER = """#!/usr/bin/env python3
import os, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    with urllib.request.urlopen(api + "next") as event:
        request = event.headers["Lambda-Runtime-Aws-Request-Id"]
        event.read()
    urllib.request.urlopen(urllib.request.Request(api + request + "/response", b"{}", method="POST")).read()
"""


def demo(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "scripts/demo.py", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


class Demo(unittest.TestCase):
    def test_with_the_guard_everything_it_claims_happens(self):
        done = demo()
        self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr[-1000:])

    def test_with_a_function_that_answers_an_empty_object_it_fails(self):
        with tempfile.TemporaryDirectory() as directory:
            idler = pathlib.Path(directory) / "bootstrap"
            idler.write_text(IDLER)
            os.chmod(idler, 0o755)
            done = demo("--bootstrap", str(idler))
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("not so", done.stdout)

    def test_with_a_guard_that_only_flags_it_fails(self):
        done = demo("--mode", "flag")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("not so", done.stdout)


if __name__ == "__main__":
    unittest.main()
