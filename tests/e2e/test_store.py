"""The incident table against a real DynamoDB interface: the Rust suite, run at the emulator."""

import os
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
        self.assertNotIn("running 0 tests\n\ntest result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered", done.stdout)


if __name__ == "__main__":
    unittest.main()
