"""The pause tag on the deployed stack, by each call that puts a tag or takes it away: what ends a pause resumes repairs at once.

No public sample of TagResource's CloudTrail event is known, so that the bucket is named in each place where it may be.
"""

import json
import unittest

from setting import ACCOUNT, BUCKET, Emulator, Mailbox, Stack, scene, trail, until

TAG = {"Key": "darwin-guard", "Value": "paused"}
ARN = f"arn:aws:s3:::{BUCKET}"
SOMEBODY = {
    "type": "AssumedRole", "principalId": "AROAEXAMPLEADMIN00001:kim", "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/admin/kim",
    "accountId": ACCOUNT,
}


class Pauses(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.emulator = Emulator().__enter__()
        cls.addClassCleanup(cls.emulator.__exit__, None, None, None)
        cls.stack = Stack(cls.emulator)
        cls.aws = cls.stack.aws
        # The SDK puts the account before the host's name, which here is an address.
        cls.aws.s3control.meta.events.register("before-send.s3-control", cls.without_account)
        scene.bucket(cls.aws, BUCKET)
        cls.stack.create(ReadWriteBuckets=BUCKET)
        cls.mailbox = Mailbox(cls.aws, cls.stack.outputs["TopicArn"])
        # Repairs of one bucket within the hour, more than a fight has.
        cls.stack.configure(60, CONTESTED_LIMIT="100")

    @staticmethod
    def without_account(request, **_):
        request.url = request.url.replace(f"//{ACCOUNT}.", "//")

    def put_bucket_tagging(self):
        self.aws.s3.put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": [TAG]})
        return trail.s3_event("PutBucketTagging", BUCKET, {"Tagging": {"TagSet": {"Tag": TAG}}}, who=SOMEBODY)

    def put_bucket_tagging_without_it(self):
        """It replaces all tags: a pipeline that knows nothing of ours ends the pause."""
        other = {"Key": "owner", "Value": "imaging"}
        self.aws.s3.put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": [other]})
        return trail.s3_event("PutBucketTagging", BUCKET, {"Tagging": {"TagSet": {"Tag": other}}}, who=SOMEBODY)

    def delete_bucket_tagging(self):
        self.aws.s3.delete_bucket_tagging(Bucket=BUCKET)
        return trail.s3_event("DeleteBucketTagging", BUCKET, who=SOMEBODY)

    def tag_resource(self, place: str):
        self.aws.s3control.tag_resource(AccountId=ACCOUNT, ResourceArn=ARN, Tags=[TAG])
        return self.named_in(place, trail.s3_event("TagResource", BUCKET, {"tags": [TAG]}, who=SOMEBODY))

    def untag_resource(self, place: str):
        self.aws.s3control.untag_resource(AccountId=ACCOUNT, ResourceArn=ARN, TagKeys=[TAG["Key"]])
        return self.named_in(place, trail.s3_event("UntagResource", BUCKET, {"tagKeys": [TAG["Key"]]}, who=SOMEBODY))

    @staticmethod
    def named_in(place: str, event: dict) -> dict:
        """The event with its bucket in this place alone."""
        parameters, detail = event["detail"]["requestParameters"], event["detail"]
        if place != "bucketName":
            del parameters["bucketName"]
        if place == "resourceArn":
            parameters["resourceArn"] = ARN
        if place != "resources":
            del detail["resources"]
        return event

    def deliver(self, event: dict) -> None:
        self.assertTrue(trail.deliver(self.stack, event), "a rule of the template lets it through")
        self.assertTrue(until(self.stack.settled))

    def break_access(self) -> str:
        gutted = scene.policy(scene.tls_only(BUCKET), scene.backup(BUCKET))
        self.aws.s3.put_bucket_policy(Bucket=BUCKET, Policy=gutted)
        self.deliver(trail.s3_event("PutBucketPolicy", BUCKET, {"bucketPolicy": json.loads(gutted)}))
        return self.policy()

    def policy(self) -> str:
        return self.aws.s3.get_bucket_policy(Bucket=BUCKET)["Policy"]

    def told(self) -> dict:
        """Messages since the last look, by kind and status."""
        messages, self.mailbox.messages = self.mailbox.fetch_all(), []
        found = {(message["kind"], message["status"]): message for message in messages}
        self.assertEqual(len(found), len(messages), "none of them twice")
        return found

    def assert_pause_is_ended_by(self, pause, end):
        event = pause()
        self.deliver(event)
        self.assertEqual(set(self.told()), {("paused", "opened")})

        self.assertNotIn("DarwinAccess", self.break_access(), "paused: nothing is written")
        told = self.told()
        self.assertEqual(set(told), {("policy-missing", "opened")})
        self.assertIn("Not repaired: the bucket has the tag darwin-guard=paused.", told["policy-missing", "opened"]["now"])

        event = end()
        self.deliver(event)
        self.assertIn("DarwinAccess", self.policy(), "the event that ends the pause is enough: no schedule, no second change")
        told = self.told()
        self.assertEqual(set(told), {("paused", "resolved"), ("policy-missing", "resolved")})
        ended = told["paused", "resolved"]
        self.assertEqual(ended["ended_by"]["arn"], SOMEBODY["arn"])
        self.assertEqual((ended["ended_by_change"], ended["ended_by"]["event_id"]), (event["detail"]["eventName"], event["detail"]["eventID"]))
        self.assertRegex(ended["changed_by"], f"Ended by: role admin \\(session kim\\)[^.]*, {event['detail']['eventName']} at")

    def test_each_call_that_puts_the_tag_pauses_and_each_that_takes_it_away_resumes_and_says_who(self):
        for pause, end in (
            (self.put_bucket_tagging, self.delete_bucket_tagging),
            (self.put_bucket_tagging, self.put_bucket_tagging_without_it),
            (lambda: self.tag_resource("resourceArn"), lambda: self.untag_resource("resourceArn")),
            (lambda: self.tag_resource("bucketName"), lambda: self.untag_resource("resources")),
            (lambda: self.tag_resource("resources"), lambda: self.untag_resource("bucketName")),
        ):
            with self.subTest((pause, end)):
                self.assert_pause_is_ended_by(pause, end)


if __name__ == "__main__":
    unittest.main()
