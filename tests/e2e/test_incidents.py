"""Incidents under load and without their table or topic: real concurrent processes, a real table and topic (emulated).

The emulator gives every concurrent invocation a process of its own, as Lambda does, so that a hundred invocations at
once are a hundred functions that know nothing of each other. What is promised here is in docs/incidents.md.
"""

import concurrent.futures
import http.client
import json
import threading
import unittest

from setting import ACCOUNT, BUCKET, REGION, Emulator, Mailbox, Stack, scene, trail, until

CONCURRENT = 100
BATCH = 100


def upload_many(emulator, key_arn: str, names: list) -> None:
    """Uploads by plain HTTP: the emulator checks no signature, and boto3 takes half a minute for 10,000."""
    headers = {
        "x-amz-server-side-encryption": "aws:kms", "x-amz-server-side-encryption-aws-kms-key-id": key_arn,
        "Authorization": f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/20261124/{REGION}/s3/aws4_request, "
                         "SignedHeaders=host, Signature=0",
    }

    def some(part: list) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", emulator.port)
        for name in part:
            connection.request("PUT", f"/{BUCKET}/{name}", b"image", headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise AssertionError(f"PutObject {name}: {answer.status}")
        connection.close()

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(some, [names[start::4] for start in range(4)]))


def failed(answer: tuple) -> list:
    """The records that an invocation gives back; it must not fail as a whole."""
    ok, body = answer
    if not ok or set(body) != {"batchItemFailures"}:
        raise AssertionError(f"not the answer to a batch: {body}")
    return [item["itemIdentifier"] for item in body["batchItemFailures"]]


def batch(names: list) -> dict:
    """What Lambda gets from the object queue for uploads."""
    def record(name: str) -> dict:
        event = {
            "version": "0", "id": name, "detail-type": "Object Created", "source": "aws.s3", "account": ACCOUNT,
            "time": "2026-11-24T00:00:00Z", "region": REGION, "resources": [f"arn:aws:s3:::{BUCKET}"],
            "detail": {"version": "0", "bucket": {"name": BUCKET}, "object": {"key": name, "size": 5}, "reason": "PutObject"},
        }
        return {"messageId": name, "body": json.dumps(event), "eventSource": "aws:sqs"}

    return {"Records": [record(name) for name in names]}


class Incidents(unittest.TestCase):
    """A bucket with bad objects in it, then the stack: the uploads themselves invoke nothing."""

    def setUp(self):
        self.emulator = Emulator().__enter__()
        self.addCleanup(self.emulator.__exit__, None, None, None)
        self.stack = Stack(self.emulator)
        self.aws = self.stack.aws
        scene.bucket(self.aws, BUCKET)
        self.key = scene.key(self.aws, "not for Darwin", for_darwin=False)

    def deploy(self) -> None:
        self.stack.create(ReadWriteBuckets=[BUCKET], TeamName="acme", Mode="repair")
        self.mailbox = Mailbox(self.aws, self.stack.outputs["TopicArn"])

    def invoke_at_once(self, batches: list) -> list:
        """All of them at the same moment; their answers."""
        together = threading.Barrier(len(batches))

        def one(event: dict):
            together.wait()
            return self.stack.invoke(event)

        with concurrent.futures.ThreadPoolExecutor(len(batches)) as pool:
            return list(pool.map(one, batches))

    def everything_told(self) -> list:
        """Every message, as (kind, status), in order. No function is at work any more."""
        self.assertTrue(until(self.stack.settled))
        return [(message["kind"], message["status"]) for message in self.mailbox.fetch_all()]

    def rows(self) -> list:
        """The incidents in the table."""
        items = self.aws.dynamodb.scan(TableName=self.stack.outputs["TableName"], ConsistentRead=True)["Items"]
        return [item for item in items if item["sk"]["S"].startswith("incident#")]

    def test_ten_thousand_bad_objects_in_a_hundred_functions_are_one_message_and_the_mended_key_another(self):
        names = [f"raw/{n}.png" for n in range(CONCURRENT * BATCH)]
        upload_many(self.emulator, self.key, names)
        self.deploy()
        # A hundred functions on one machine take longer than a minute if it is busy, and 32 HeadObject calls at once in each
        # of them are more than one emulating process can take.
        self.stack.configure(seconds=900, CONCURRENCY="2")

        answers = self.invoke_at_once([batch(names[n::CONCURRENT]) for n in range(CONCURRENT)])
        self.assertEqual([failed(answer) for answer in answers], [[]] * CONCURRENT)
        self.assertEqual(self.everything_told(), [("key-denied", "opened")])
        opened = self.mailbox.messages.pop()
        self.assertTrue(1 <= opened["count"] <= BATCH, "the first function speaks, of what it has seen")
        self.assertEqual((opened["cause"], opened["may_repeat"]), (self.key, False))
        self.assertEqual(opened["attributes"]["status"], "opened")
        self.assertTrue(set(opened["sample_keys"]) <= set(names) and len(opened["sample_keys"]) == 5)
        (row,) = self.rows()
        self.assertEqual(int(row["seen_count"]["N"]), len(names), "every object is counted once")

        policy = scene.key_policy(for_darwin=True)
        self.aws.kms.put_key_policy(KeyId=self.key, PolicyName="default", Policy=policy)
        rules = trail.deliver(self.stack, trail.kms_event("PutKeyPolicy", self.key, {"policy": policy}))
        self.assertTrue(rules, "a rule of the template lets the event through")
        resolved = self.mailbox.wait(lambda message: message["status"] == "resolved", self.stack.settled)
        self.assertIsNotNone(resolved, "the resolved message")
        self.assertEqual((resolved["kind"], resolved["incident"]), ("key-denied", opened["incident"]))
        self.assertEqual(resolved["count"], len(names), "the last word has the whole count")
        # The event comes a second time, as CloudTrail's may.
        ok, _ = self.stack.invoke(trail.kms_event("PutKeyPolicy", self.key, {"policy": policy}))
        self.assertTrue(ok)
        self.assertEqual(self.everything_told(), [], "one resolved message, and no other")
        (row,) = self.rows()
        self.assertNotIn("opened_ms", row)
        self.assertIn("expires", row)

    def test_without_its_table_it_still_tells_and_writes_nothing(self):
        second = scene.key(self.aws, "not for Darwin either", for_darwin=False)
        names = [f"raw/{n}.png" for n in range(200)]
        upload_many(self.emulator, self.key, names[:100])
        upload_many(self.emulator, second, names[100:])
        self.deploy()
        functions = 5
        table = self.stack.outputs["TableName"]
        batches = [batch(names[start:start + 10]) for start in range(0, 200, 10)]
        with concurrent.futures.ThreadPoolExecutor(functions) as pool:
            running = [pool.submit(self.stack.invoke, event) for event in batches[:functions]]
            concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
            self.aws.dynamodb.delete_table(TableName=table)
            running += [pool.submit(self.stack.invoke, event) for event in batches[functions:]]
            self.assertEqual([failed(done.result()) for done in running], [[]] * 20, "every invocation succeeds")
        self.assertNotIn(table, self.aws.dynamodb.list_tables()["TableNames"])
        told = self.everything_told()
        about = {message["cause"] for message in self.mailbox.messages if message["kind"] == "key-denied"}
        self.assertEqual(about, {self.key, second}, "what began before and what began after is told")
        self.assertIn(("table-unreachable", "opened"), told)
        self.assertEqual({status for _, status in told}, {"opened"})
        # Without a table each function knows only what it has told itself: once per function and cause.
        self.assertLessEqual(len(told), functions * 3 + 1)
        repeats = [message["may_repeat"] for message in self.mailbox.messages if message["cause"] == self.key]
        self.assertEqual(repeats.count(False), 1, "one message was claimed in the table; the others say that they may repeat")

        self.mailbox.messages.clear()
        gutted = scene.policy(scene.tls_only(BUCKET), scene.backup(BUCKET))
        self.aws.s3.put_bucket_policy(Bucket=BUCKET, Policy=gutted)
        self.aws.s3.put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": [scene.OWN_RULE]})
        event = trail.s3_event("PutBucketPolicy", BUCKET, {"policy": "", "bucketPolicy": json.loads(gutted)})
        record = {"messageId": "change", "body": json.dumps(event), "eventSource": "aws:sqs"}
        self.assertEqual(failed(self.stack.invoke({"Records": [record]})), [])
        told = self.everything_told()
        self.assertTrue({("policy-missing", "opened"), ("cors-missing", "opened")} <= set(told), told)
        missing = next(message for message in self.mailbox.messages if message["kind"] == "policy-missing")
        self.assertEqual(missing["actor"]["arn"], trail.PERSON["arn"])
        self.assertEqual(self.aws.s3.get_bucket_policy(Bucket=BUCKET)["Policy"], gutted, "no write")
        self.assertEqual(len(self.aws.s3.get_bucket_cors(Bucket=BUCKET)["CORSRules"]), 1, "no write")

    def test_what_could_not_be_told_comes_back_and_is_told_once_there_is_a_topic_again(self):
        good = scene.key(self.aws, "for Darwin", for_darwin=True)
        upload_many(self.emulator, self.key, ["bad/1.png", "bad/2.png"])
        upload_many(self.emulator, good, ["good/1.png"])
        self.deploy()
        self.aws.sns.delete_topic(TopicArn=self.stack.outputs["TopicArn"])
        event = batch(["bad/1.png", "good/1.png", "bad/2.png"])
        for _ in range(2):
            self.assertEqual(failed(self.stack.invoke(event)), ["bad/1.png", "bad/2.png"])
        (row,) = self.rows()
        self.assertNotIn("told_ms", row, "the message is still owed")

        name = self.stack.outputs["TopicArn"].rsplit(":", 1)[1]
        topic = self.aws.sns.create_topic(Name=name)["TopicArn"]
        self.assertEqual(topic, self.stack.outputs["TopicArn"])
        self.mailbox = Mailbox(self.aws, topic, "somebody-who-reads-again")
        self.assertEqual(failed(self.stack.invoke(event)), [])
        self.assertEqual(self.everything_told(), [("key-denied", "opened")])
        self.assertEqual(self.mailbox.messages[0]["count"], 6, "each of three tries counted both objects")


if __name__ == "__main__":
    unittest.main()
