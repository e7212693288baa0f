"""The incident table against a real DynamoDB interface: the Rust suite, run at the emulator."""

import os
import re
import subprocess
import unittest

from setting import ROOT, Emulator


class Store(unittest.TestCase):
    def test_the_table_keeps_the_promises_of_an_incident_store(self):
        with Emulator() as emulator:
            environment = os.environ | {"DYNAMODB_ENDPOINT": emulator.url}
            command = ["cargo", "test", "--quiet", "--test", "it", "--", "--ignored", "incident_store"]
            done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr[-1000:])
        ran = sum(int(count) for count in re.findall(r"test result: ok\. (\d+) passed", done.stdout))
        ignored = sum(path.read_text().count("#[ignore") for path in (ROOT / "tests" / "it").rglob("*.rs"))
        self.assertGreaterEqual(ran, max(ignored, 1), done.stdout)


if __name__ == "__main__":
    unittest.main()
