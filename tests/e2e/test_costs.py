"""What scripts/costs.py assumes of the function, counted on the emulator; and the documents' figures as it works them out."""

import json
import re
import pathlib
import subprocess
import sys
import tempfile
import unittest

from setting import ACCOUNT, BUCKET, EVENTS, REGION, ROOT, Emulator, Function, scene
from lab.stack import Aws

sys.path.insert(0, str(ROOT / "scripts"))
import costs  # noqa: E402

UPLOAD = json.loads((EVENTS / "eventbridge-object-created.json").read_text())


def record(number: int) -> dict:
    event = json.loads(json.dumps(UPLOAD))
    event["detail"]["object"] = {"key": f"raw/{number}.png", "size": 1, "sequencer": f"{number:018}"}
    return {
        "messageId": f"m{number}", "body": json.dumps(event), "eventSource": "aws:sqs", "awsRegion": REGION,
        "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:objects",
    }


class Costs(unittest.TestCase):
    def test_calls_and_log_bytes_are_at_most_what_the_sum_is_made_of(self):
        with Emulator() as emulator, tempfile.TemporaryDirectory() as directory:
            aws = Aws(emulator.url)
            scene.bucket(aws, BUCKET)
            key = scene.key(aws, "scans", for_darwin=True)
            for number in range(100):
                scene.upload(aws, BUCKET, f"raw/{number}.png", key)
            environment = {"AWS_ENDPOINT_URL": emulator.url, "READ_WRITE_BUCKETS": BUCKET, "AWS_ACCOUNT_ID": ACCOUNT}
            with Function("guard", pathlib.Path(directory), environment) as function:
                function.invoke({"Records": [record(0)]})
                for objects in (1, 100):
                    with self.subTest(objects):
                        _, answer, lines = function.invoke({"Records": [record(number) for number in range(objects)]})
                        self.assertEqual(answer, {"batchItemFailures": []})
                        [line] = lines
                        self.assertEqual(line["aws.calls"], {"HeadObject": objects * costs.CALLS_AN_OBJECT})
                        self.assertLessEqual(len(json.dumps(line, separators=(",", ":"))), costs.LINE_BYTES)

    def test_the_documents_say_what_is_worked_out(self):
        done = subprocess.run([sys.executable, ROOT / "scripts/costs.py", "--check"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_the_fixed_parts_are_those_of_the_template_and_the_metrics_those_of_the_code(self):
        template = (ROOT / "template.yaml").read_text()
        self.assertEqual(template.count("Type: AWS::CloudWatch::Alarm"), costs.ALARMS)
        self.assertEqual(template.count("Type: AWS::CloudWatch::Dashboard"), 1)
        self.assertEqual(template.count("Type: AWS::SQS::Queue\n") - template.count("DeadLetterQueue:\n"), costs.QUEUES)
        rows = re.findall(r"^\| `([A-Z]\w+)` \|", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE)
        self.assertLessEqual(len(set(rows)), costs.METRICS, rows)


if __name__ == "__main__":
    unittest.main()
