"""Every sample of `events/`, and what else may come in, through the deployed function and its own queues."""

import json
import unittest

from setting import ACCOUNT, BUCKET, EVENTS, REGION, Emulator, Mailbox, Stack, scene, trail, until


def sample(name: str):
    return json.loads((EVENTS / name).read_text())


# What is not listed here reconciles the bucket and finds it well.
EXPECTED = {
    "s3-test-event.json": ("nothing", None),
    "cloudtrail-failed-call.json": ("nothing", None),
    "stack-status.json": ("nothing", None),
    "unknown.json": ("refused", "aws.ec2"),
    "s3-notification.json": ("objects", ["raw/2026-11-23/front camera/frame+0001.png", "raw/東京/übersicht.png"]),
    "sns-s3-notification.json": ("objects", ["raw/2026-11-23/front camera/frame+0001.png", "raw/東京/übersicht.png"]),
    "sqs-batch-of-uploads.json": ("failures", ["059f36b4-87a3-44ab-83d2-661975971002"]),
    "sqs-sns-s3-notification.json": ("failures", []),
    "sqs-sns-raw-delivery.json": ("failures", []),
    "batch-job-v1.json": ("job", None),
    "batch-job-v2.json": ("job", None),
    "manual-test-alert.json": ("nothing", None),
    "manual-judge.json": ("objects", None),
    "manual-judge-kms-keys.json": ("objects", None),
    "manual-acknowledge.json": ("problems", ["no open incident `part-denied/e4edcc8adf8c84b0d23fed63decb2f16`"]),
    "manual-known-keys.json": ("problems", ["no such object"]),
}


class Events(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.emulator = Emulator().__enter__()
        cls.addClassCleanup(cls.emulator.__exit__, None, None, None)
        cls.stack = Stack(cls.emulator)
        cls.aws = cls.stack.aws
        scene.bucket(cls.aws, BUCKET)
        cls.stack.create(ReadWriteBuckets=[BUCKET], TeamName="acme", Mode="repair")
        cls.mailbox = Mailbox(cls.aws, cls.stack.outputs["TopicArn"])

    def test_every_sample_gets_the_answer_that_its_readme_promises(self):
        for path in sorted(EVENTS.glob("*.json")):
            name = path.name
            with self.subTest(name):
                ok, answer = self.stack.invoke(sample(name))
                shown = f"{name}: {json.dumps(answer)[:1500]}"
                kind, wanted = EXPECTED.get(name, ("object" if "object-" in name else "bucket", None))
                if kind == "refused":
                    self.assertFalse(ok, shown)
                    self.assertIn(wanted, json.dumps(answer))
                    continue
                self.assertTrue(ok, shown)
                if kind == "failures":
                    self.assertEqual([item["itemIdentifier"] for item in answer["batchItemFailures"]], wanted, shown)
                elif kind == "job":
                    codes = {result["resultCode"] for result in answer["results"]}
                    self.assertLessEqual(codes, {"Succeeded", "PermanentFailure"}, shown)
                    self.assertIn("Succeeded", codes, shown)
                    self.assertIn(answer["invocationSchemaVersion"], name.replace("v1", "1.0").replace("v2", "2.0"))
                elif kind == "nothing":
                    self.assertEqual((answer["objects"], answer["buckets"], answer["problems"]), ([], [], []), shown)
                elif kind == "problems":
                    self.assertEqual([problem["saw"] for problem in answer["problems"]], wanted, shown)
                elif kind in ("object", "objects"):
                    self.assertTrue(answer["objects"], shown)
                    if wanted:
                        self.assertEqual([judged["key"] for judged in answer["objects"]], wanted, shown)
                else:
                    self.assertEqual(len(answer["buckets"]), 1, shown)
                    bucket = answer["buckets"][0]
                    self.assertEqual((bucket["read"], bucket["cors"], bucket["drifts"]), ("allowed", "ok", []), shown)

    def test_a_key_with_plus_space_percent_and_other_scripts_is_judged_by_its_own_name(self):
        for key in ("a+b.png", "a b.png", "a%2Bb.png", "東京/ü.png"):
            scene.upload(self.aws, BUCKET, key)
            ok, answer = self.stack.invoke({"action": "judge", "bucket": BUCKET, "key": key})
            self.assertTrue(ok)
            self.assertEqual([(o["key"], o["read"]) for o in answer["objects"]], [(key, "allowed")])

    def test_a_deleted_object_is_gone_and_no_failure(self):
        ok, answer = self.stack.invoke({"action": "judge", "bucket": BUCKET, "key": "never/was.png"})
        self.assertTrue(ok)
        self.assertEqual(answer["objects"][0]["read"], "gone")

    def test_in_a_batch_only_what_is_broken_comes_back(self):
        upload = sample("eventbridge-object-created.json")
        elsewhere = json.loads(json.dumps(upload))
        elsewhere["detail"]["bucket"]["name"] = "somebody-elses"
        bodies = ["{broken", upload, {"action": "repair"}, elsewhere, {"hello": "world"}, sample("s3-test-event.json")]
        records = [
            {
                "messageId": f"m{n}", "body": body if isinstance(body, str) else json.dumps(body), "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:q", "awsRegion": REGION,
            }
            for n, body in enumerate(bodies)
        ]
        ok, answer = self.stack.invoke({"Records": records})
        self.assertTrue(ok)
        self.assertEqual([item["itemIdentifier"] for item in answer["batchItemFailures"]], ["m0", "m2", "m4"])

    def test_a_bucket_of_another_region_or_account_is_not_touched(self):
        event = sample("cloudtrail-delete-bucket-policy.json")
        event["detail"]["awsRegion"] = event["region"] = "us-east-1"
        ok, answer = self.stack.invoke(event)
        self.assertTrue(ok)
        self.assertEqual(answer["buckets"], [])
        self.assertIn("us-east-1", answer["problems"][0]["saw"])

    def test_a_poison_message_ends_in_the_dead_letter_queue_and_the_rest_of_its_batch_is_done(self):
        key = scene.key(self.aws, "not for Darwin", for_darwin=False)
        scene.upload(self.aws, BUCKET, "poison/neighbour.png", key)
        queue = self.stack.outputs["ConfigQueueUrl"]
        self.addCleanup(self.stack.retry_at_once("ConfigQueueUrl"))
        self.aws.sqs.send_message(QueueUrl=queue, MessageBody="{not json")
        event = trail.s3_event("PutBucketTagging", BUCKET)
        self.aws.sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(event))

        def dead():
            attributes = self.aws.sqs.get_queue_attributes(
                QueueUrl=self.stack.outputs["ConfigDeadLetterQueueUrl"], AttributeNames=["ApproximateNumberOfMessages"]
            )
            return int(attributes["Attributes"]["ApproximateNumberOfMessages"]) == 1

        self.assertTrue(until(dead), "the poison message never came to the dead-letter queue")
        told = self.mailbox.wait(lambda message: message.get("kind") == "key-denied")
        self.assertIsNotNone(told, "the neighbour's verdict was told")


class Configuration(unittest.TestCase):
    def test_a_wrong_variable_stops_the_start_and_says_which(self):
        import subprocess

        from setting import BOOTSTRAP

        environment = {
            "GUARDED_BUCKETS": '[{"name":"acme-lidar","access":"read-write"}]', "MODE": "mend", "AWS_REGION": REGION,
            "AWS_ACCOUNT_ID": ACCOUNT, "AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none",
        }
        done = subprocess.run(
            [BOOTSTRAP, EVENTS / "manual-audit.json"], env=environment, capture_output=True, text=True
        )
        self.assertEqual(done.returncode, 2)
        for part in ("MODE", "mend", "repair"):
            self.assertIn(part, done.stderr)


if __name__ == "__main__":
    unittest.main()
