"""The real template on the emulator: deployed, changed in place, deleted; and what goes through its queues meanwhile."""

import json
import unittest

from setting import EVENTS, REGION, Emulator, Mailbox, Stack, scene, trail, until

ONE, TWO, THREE = "acme-lidar", "acme-slides", "acme-video"
WRITES = {"s3:PutBucketPolicy", "s3:PutBucketCORS", "s3:PutBucketNotification"}


class Deployed(unittest.TestCase):
    """An emulator with three buckets; what the tests ask of a deployed stack."""

    @classmethod
    def setUpClass(cls):
        cls.emulator = Emulator().__enter__()
        cls.addClassCleanup(cls.emulator.__exit__, None, None, None)
        cls.stack = Stack(cls.emulator)
        cls.aws = cls.stack.aws
        for name in (ONE, TWO, THREE):
            scene.bucket(cls.aws, name)

    def resources(self) -> dict:
        """Physical ids of the stack's resources, by logical id."""
        pages = self.aws.cloudformation.get_paginator("list_stack_resources").paginate(StackName=self.stack.name)
        found = [entry for page in pages for entry in page["StackResourceSummaries"]]
        return {entry["LogicalResourceId"]: entry["PhysicalResourceId"] for entry in found}

    def guarded(self) -> dict:
        environment, lists = self.stack.environment(), {"read-only": "READ_ONLY_BUCKETS", "read-write": "READ_WRITE_BUCKETS"}
        return {name: access for access, variable in lists.items() for name in environment[variable].split(",") if name}

    def statements(self) -> dict:
        role = self.resources()["GuardRole"]
        document = self.aws.iam.get_role_policy(RoleName=role, PolicyName="guard")["PolicyDocument"]
        return {statement["Sid"]: statement for statement in document["Statement"]}

    def actions(self) -> set:
        lists = [statement["Action"] for statement in self.statements().values()]
        return {action for actions in lists for action in ([actions] if isinstance(actions, str) else actions)}

    def pattern(self, rule: str) -> dict:
        return json.loads(self.aws.events.describe_rule(Name=self.resources()[rule])["EventPattern"])

    def assert_everything_names(self, buckets: list):
        """Role, rules and queue policy are about these buckets and no other."""
        lists = {"ReadOnly": [], "ReadWrite": []}
        for name, access in self.guarded().items():
            lists[{"read-only": "ReadOnly", "read-write": "ReadWrite"}[access]].append(name)
        arns = [f"arn:aws:s3:::{name}" for name in buckets]
        statements = self.statements()
        self.assertEqual(statements["HeadObjects"]["Resource"], [f"{arn}/*" for arn in arns])
        for sid in ("ReadBuckets", "RepairBucketConfig"):
            if sid in statements:
                self.assertEqual(statements[sid]["Resource"], arns, sid)
        self.assertEqual(lists["ReadOnly"] + lists["ReadWrite"], buckets)
        for kind, names in lists.items():
            if names:
                self.assertEqual(self.pattern(f"{kind}ObjectRule")["detail"]["bucket"]["name"], names)
                self.assertEqual(self.pattern(f"{kind}ChangeRule")["detail"]["requestParameters"]["bucketName"], names)
            else:
                self.assertNotIn(f"{kind}ObjectRule", self.resources())
                self.assertNotIn(f"{kind}ChangeRule", self.resources())
        policy = json.loads(self.attributes("ObjectQueueUrl", "Policy")["Policy"])
        direct = next(part for part in policy["Statement"] if part["Sid"] == "DirectS3Notification")
        self.assertEqual(direct["Condition"]["ArnEquals"]["aws:SourceArn"], arns)

    def attributes(self, output: str, *names: str) -> dict:
        url = self.stack.outputs[output]
        return self.aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(names))["Attributes"]

    def waiting(self, output: str) -> int:
        """Messages in a queue, those in flight included."""
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        return sum(int(value) for value in self.attributes(output, *names).values())

    def judged(self) -> set:
        """Keys of the denied and open objects that the log names."""
        return {entry["key"] for line in self.emulator.log() for entry in line.get("objects") or []}


class Stacks(Deployed):
    def tearDown(self):
        self.stack.delete()

    def test_with_one_bucket_everything_that_the_template_promises_is_there(self):
        self.stack.create(ReadWriteBuckets=[ONE], AlertEmail="ops@acme.example")
        self.assertEqual(self.guarded(), {ONE: "read-write"})
        self.assert_everything_names([ONE])
        ids = self.resources()

        alarms = {alarm["AlarmName"]: alarm for alarm in self.aws.cloudwatch.describe_alarms()["MetricAlarms"]}
        names = [name for name in ids if name.endswith("Alarm")]
        self.assertEqual(sorted(ids[name] for name in names), sorted(alarms))
        self.assertEqual(len(names), 9)
        queues = {url.rsplit("/", 1)[1] for url in self.aws.sqs.list_queues()["QueueUrls"]}
        exists = {"FunctionName": {ids["GuardFunction"]}, "QueueName": queues}
        for name, alarm in alarms.items():
            # Each rings once, in one way, and none for being fine: a new alarm's first OK would be a message too.
            rings = [alarm.get(f"{state}Actions") or [] for state in ("Alarm", "InsufficientData", "OK")]
            self.assertEqual(rings, [[], [ids["AlertTopic"]], []] if "NoSweep" in name else [[ids["AlertTopic"]], [], []], name)
            for dimension in alarm["Dimensions"]:
                self.assertIn(dimension["Value"], exists[dimension["Name"]], name)

        body = self.aws.cloudwatch.get_dashboard(DashboardName=ids["Dashboard"])["DashboardBody"]
        widgets = json.loads(body)["widgets"]
        self.assertEqual(len(widgets), 8)
        self.assertEqual(widgets[0]["type"], "log", "first, by bucket, what a manager asks")
        metrics = [widget["properties"]["metrics"] for widget in widgets if widget["type"] == "metric"]
        shown = {part for lines in metrics for line in lines for part in line if isinstance(part, str)}
        self.assertLessEqual(queues | {ids["GuardFunction"]}, shown, "the dashboard shows what is deployed")

        schedule = self.aws.scheduler.get_schedule(Name=ids["GuardFunctionHourly"])
        self.assertEqual(schedule["ScheduleExpression"], "rate(1 hour)")
        group = self.aws.logs.describe_log_groups(logGroupNamePrefix=ids["GuardLogs"])["logGroups"][0]
        self.assertEqual(group["retentionInDays"], 30)
        mailed = self.aws.sns.list_subscriptions_by_topic(TopicArn=ids["AlertTopic"])["Subscriptions"]
        self.assertEqual([(entry["Protocol"], entry["Endpoint"]) for entry in mailed], [("email", "ops@acme.example")])
        for queue, dead in (("ObjectQueueUrl", "ObjectDeadLetterQueueUrl"), ("ConfigQueueUrl", "ConfigDeadLetterQueueUrl")):
            redrive = json.loads(self.attributes(queue, "RedrivePolicy")["RedrivePolicy"])
            self.assertEqual(redrive["deadLetterTargetArn"], self.attributes(dead, "QueueArn")["QueueArn"])
            self.assertEqual(int(redrive["maxReceiveCount"]), 15)

    def test_it_changes_in_place_buckets_access_and_mode_and_the_role_follows(self):
        self.stack.create(ReadOnlyBuckets=[ONE], ReadWriteBuckets=[TWO, THREE], Prefix="darwin/", EnableEventBridge="true")
        self.assertEqual(self.guarded(), {ONE: "read-only", TWO: "read-write", THREE: "read-write"})
        self.assert_everything_names([ONE, TWO, THREE])
        self.assertEqual(self.actions() & WRITES, WRITES)
        before = self.resources()

        self.stack.update(ReadOnlyBuckets=[ONE], ReadWriteBuckets=[TWO, THREE], Prefix="darwin/")
        self.assertEqual(self.actions() & WRITES, WRITES - {"s3:PutBucketNotification"})
        self.assertEqual(self.stack.environment()["ENABLE_EVENTBRIDGE"], "false")

        self.stack.update(ReadOnlyBuckets=[ONE], ReadWriteBuckets=[TWO, THREE], Prefix="darwin/", Mode="flag")
        self.assertEqual(self.actions() & WRITES, set())
        self.assertEqual(self.stack.environment()["MODE"], "flag")

        self.stack.update(ReadWriteBuckets=[ONE, THREE], Mode="flag")
        self.assertEqual(self.guarded(), {ONE: "read-write", THREE: "read-write"})
        self.assert_everything_names([ONE, THREE])

        self.stack.update(ReadOnlyBuckets=[TWO])
        self.assertEqual(self.guarded(), {TWO: "read-only"})
        self.assert_everything_names([TWO])
        self.assertEqual(self.actions() & WRITES, WRITES - {"s3:PutBucketNotification"})
        after, by_list = self.resources(), {"ReadOnlyObjectRule", "ReadOnlyChangeRule"}  # which went and came again
        self.assertEqual(set(before) - set(after), {"ReadWriteObjectRule", "ReadWriteChangeRule"})
        kept = {name: before[name] for name in after if name not in by_list}
        self.assertEqual({name: after[name] for name in kept}, kept, "nothing else was replaced: queues, table and topic keep what is in them")
        succeeded, answer = self.stack.invoke({"action": "audit"})
        self.assertEqual((succeeded, [bucket["bucket"] for bucket in answer["buckets"]]), (True, [TWO]))

    def test_with_twenty_buckets_of_long_names_every_one_is_guarded_and_a_second_stack_stands_beside(self):
        first = [f"acme-of-the-long-names-in-frankfurt-{n:02}" for n in range(20)]
        self.stack.create(ReadOnlyBuckets=first[:15], ReadWriteBuckets=first[15:], Prefix="darwin/", ReadPrefixes="raw/,export/")
        self.assert_everything_names(first)
        rule = self.pattern("ReadOnlyObjectRule")["detail"]["object"]["key"]
        self.assertEqual(rule, [{"prefix": "raw/"}, {"prefix": "export/"}, {"prefix": "darwin/"}])
        beside = Stack(self.emulator, name="darwin-s3-guard-shared")
        beside.create(ReadOnlyBuckets=[ONE], Mode="flag")
        self.addCleanup(beside.delete)
        of_both = [stack.environment() for stack in (self.stack, beside)]
        for variable in ("INCIDENT_TABLE", "ALERT_TOPIC_ARN", "STACK_ID"):
            self.assertNotEqual(*(environment[variable] for environment in of_both), variable)
        for stack, buckets in ((self.stack, first), (beside, [ONE])):
            succeeded, answer = stack.invoke({"action": "audit"})
            self.assertEqual((succeeded, [bucket["bucket"] for bucket in answer["buckets"]]), (True, buckets))
        # Each stack's queues are its own: an event of a bucket goes to the stack that guards it.
        upload = {
            "version": "0", "id": "1", "detail-type": "Object Created", "source": "aws.s3", "account": "111122223333", "region": REGION,
            "time": "2026-11-23T07:00:00Z", "resources": [], "detail": {"bucket": {"name": ONE}, "object": {"key": "raw/a.png"}},
        }
        matched = trail.matching_rules(self.stack, upload)
        self.assertEqual([name.startswith("darwin-s3-guard-shared-") for name in matched], [True], matched)

    def test_ends_of_grants_are_matched_for_the_keys_that_are_named_and_for_no_other(self):
        key = scene.key(self.aws, "scans", for_darwin=True)
        self.stack.create(ReadOnlyBuckets=[ONE])
        self.assertNotIn("GrantEndRule", self.resources())
        self.stack.update(ReadOnlyBuckets=[ONE], KmsKeyArns=[key])
        self.assertIn("GrantEndRule", trail_names(self, trail.kms_event("RevokeGrant", key)))
        other = key[:-1] + ("0" if key[-1] != "0" else "1")
        self.assertEqual(trail_names(self, trail.kms_event("RevokeGrant", other)), [])

    def test_the_rules_let_each_event_through_that_the_guard_acts_on_once_and_no_failed_or_foreign_one(self):
        samples = {path.stem: json.loads(path.read_text()) for path in EVENTS.glob("*.json")}
        samples = {name: event for name, event in samples.items() if event.get("source") in ("aws.s3", "aws.kms")}
        key = samples["kms-revoke-grant"]["detail"]["resources"][0]["ARN"]
        self.stack.create(ReadWriteBuckets=[ONE], KmsKeyArns=[key])
        # AWS refuses nothing else: a failed call, and a rotation, which changes no access.
        stopped = {"cloudtrail-failed-call", "kms-cmk-rotation"}
        for name, event in samples.items():
            with self.subTest(name):
                self.assertEqual(len(trail_names(self, event)), 0 if name in stopped else 1, trail_names(self, event))
        self.assertGreater(len(samples), 35)
        for name, path, value in (
            ("eventbridge-object-created", ["bucket", "name"], "another"),
            ("cloudtrail-put-bucket-policy", ["requestParameters", "bucketName"], "another"),
            ("cloudtrail-put-bucket-policy", ["eventName"], "GetBucketPolicy"),
            ("cloudtrail-tag-resource", ["errorCode"], "AccessDenied"),
            ("cloudtrail-put-account-public-access-block", ["errorCode"], "AccessDenied"),
            ("kms-put-key-policy", ["errorCode"], "AccessDenied"),
            ("kms-put-key-policy", ["eventName"], "GenerateDataKey"),
            ("kms-create-grant", ["errorCode"], "AccessDenied"),
            ("kms-create-grant", ["requestParameters", "granteePrincipal"], "arn:aws:iam::111122223333:role/autoscaling"),
            ("kms-revoke-grant", ["errorCode"], "AccessDenied"),
        ):
            event = json.loads(json.dumps(samples[name]))
            at = event["detail"]
            for step in path[:-1]:
                at = at[step]
            at[path[-1]] = value
            with self.subTest((name, path, value)):
                self.assertEqual(trail_names(self, event), [])

    def test_it_refuses_parameters_that_contradict_each_other_and_says_what_to_change(self):
        self.stack.create(ReadOnlyBuckets=[ONE])  # what tearDown deletes
        for parameters, words in (
            ({"ReadOnlyBuckets": "", "ReadWriteBuckets": ""}, "at least one bucket"),
            ({"ReadOnlyBuckets": [ONE, "", TWO]}, "comma separated without spaces"),
            ({"ReadOnlyBuckets": [f"{ONE}-{n}" for n in range(21)]}, "at most 20"),
            ({"ReadWriteBuckets": [ONE], "ReadPrefixes": "raw/"}, "needs Prefix"),
            ({"ReadWriteBuckets": [ONE], "ScopeWrites": "true"}, "give Prefix"),
            ({"ReadOnlyBuckets": [ONE], "ScopeWrites": "true", "Prefix": "darwin/"}, "ReadWriteBuckets"),
            ({"ReadOnlyBuckets": [ONE], "Mode": "flag", "EnableEventBridge": "true"}, "needs Mode=repair"),
            ({"ReadOnlyBuckets": [ONE], "Mode": "flag", "Ceiling": "enforce"}, "needs Mode=repair"),
            ({"ReadOnlyBuckets": [ONE], "Mode": "mend"}, "Mode"),
            ({"ReadOnlyBuckets": "ACME"}, "bucket names"),
            ({"ReadWriteBuckets": [ONE], "Prefix": "/darwin/"}, "without leading slash"),
            ({"ReadOnlyBuckets": [ONE], "AlertEmail": "nobody"}, "an email address"),
            ({"ReadOnlyBuckets": [ONE], "TopicKmsKeyArn": "alias/alerts"}, "not an alias"),
            ({"ReadOnlyBuckets": [ONE], "Schedule": "hourly"}, "rate(...)"),
        ):
            with self.subTest(parameters), self.assertRaises(self.aws.cloudformation.exceptions.ClientError) as refused:
                Stack(self.emulator, name="refused").create(**parameters)
            self.assertIn(words, str(refused.exception))


class Gone(Deployed):
    def test_deleting_the_stack_leaves_the_buckets_as_they_were_and_nothing_of_its_own(self):
        before = {name: self.aws.s3.get_bucket_policy(Bucket=name)["Policy"] for name in (ONE, TWO, THREE)}
        self.stack.create(ReadOnlyBuckets=[ONE], ReadWriteBuckets=[TWO, THREE], AlertEmail="ops@acme.example")
        self.stack.delete()
        aws = self.aws
        left = {
            "functions": aws.lambda_.list_functions()["Functions"],
            "sources": aws.lambda_.list_event_source_mappings()["EventSourceMappings"],
            "queues": aws.sqs.list_queues().get("QueueUrls", []),
            "rules": aws.events.list_rules()["Rules"],
            "schedules": aws.scheduler.list_schedules()["Schedules"],
            "tables": aws.dynamodb.list_tables()["TableNames"],
            "topics": aws.sns.list_topics()["Topics"],
            "subscriptions": aws.sns.list_subscriptions()["Subscriptions"],
            "log groups": aws.logs.describe_log_groups()["logGroups"],
            "alarms": aws.cloudwatch.describe_alarms()["MetricAlarms"],
            "dashboards": aws.cloudwatch.list_dashboards()["DashboardEntries"],
            "roles": [role["RoleName"] for role in aws.iam.list_roles()["Roles"] if self.stack.name in role["RoleName"]],
        }
        self.assertEqual({kind: found for kind, found in left.items() if found}, {})
        self.assertEqual({name: aws.s3.get_bucket_policy(Bucket=name)["Policy"] for name in before}, before)


class Deliveries(Deployed):
    """The deployed stack through its own queues."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.stack.create(ReadOnlyBuckets=[TWO], ReadWriteBuckets=[ONE, THREE])
        cls.mailbox = Mailbox(cls.aws, cls.stack.outputs["TopicArn"])
        cls.private = scene.key(cls.aws, "not for Darwin", for_darwin=False)

    def test_uploads_to_every_bucket_get_their_verdict(self):
        for name in (ONE, TWO, THREE):
            scene.upload(self.aws, name, f"{name}/readable.png")
            scene.upload(self.aws, name, f"{name}/unreadable.png", self.private)
        wanted = {f"{name}/unreadable.png" for name in (ONE, TWO, THREE)}
        self.assertTrue(until(lambda: wanted <= self.judged()), "the log names what was denied")
        told = self.mailbox.wait(lambda message: message.get("kind") == "key-denied")
        self.assertIn(self.private, json.dumps(told))
        allowed = until(lambda: sum(line.get("objects.allowed") or 0 for line in self.emulator.log()) >= 3)
        self.assertTrue(allowed, "the log counts what was allowed")

    def test_a_change_that_is_delivered_five_times_and_out_of_order_is_repaired_once_and_nothing_is_told_twice(self):
        older = trail.s3_event("PutBucketPolicy", THREE, {"bucketPolicy": json.loads(scene.policy(scene.tls_only(THREE)))})
        older["detail"]["eventTime"] = older["time"] = "2026-11-23T07:00:00Z"
        theirs = scene.policy(scene.tls_only(THREE), scene.backup(THREE))
        self.aws.s3.put_bucket_policy(Bucket=THREE, Policy=theirs)
        newer = trail.s3_event("PutBucketPolicy", THREE, {"bucketPolicy": json.loads(theirs)})
        for event in (newer, older, newer, newer, older, newer, newer):
            trail.deliver(self.stack, event)

        def policy():
            return self.aws.s3.get_bucket_policy(Bucket=THREE)["Policy"]

        self.assertTrue(until(lambda: "DarwinAccess" in policy(), self.stack.settled))
        repaired = policy()
        self.assertTrue(until(self.stack.settled), "the queues are empty")
        self.assertEqual(policy(), repaired)
        self.assertEqual(self.done(THREE), 1, "one write")
        # Late comers, when all is done: nothing is written.
        for event in (older, newer):
            trail.deliver(self.stack, event)
        self.assertTrue(until(self.stack.settled))
        self.assertEqual((policy(), self.done(THREE)), (repaired, 1))
        # One message where one function sees and repairs it; an opened and a resolved one where a second function saw it
        # while the first was at work. None of them twice.
        told = [m["status"] for m in self.mailbox.fetch_all() if m["kind"].startswith("policy-") and m["bucket"] == THREE]
        self.assertTrue(told)
        self.assertEqual(len(told), len(set(told)), told)
        self.assertLessEqual(len(told), 2, told)

    def done(self, bucket: str) -> int:
        """Writes to a bucket that the log tells of."""
        reports = [entry for line in self.emulator.log() for entry in line.get("buckets") or [] if entry["bucket"] == bucket]
        return sum(action["result"] == "done" for entry in reports for action in entry["actions"])

    def test_an_upload_that_is_delivered_twice_is_told_once(self):
        key = scene.key(self.aws, "twice", for_darwin=False)
        scene.upload(self.aws, ONE, "twice/a.png", key)
        self.assertIsNotNone(self.mailbox.wait(lambda message: key in json.dumps(message)))
        body = {
            "version": "0", "id": "1", "detail-type": "Object Created", "source": "aws.s3", "account": "111122223333",
            "time": "2026-11-23T07:00:00Z", "region": "eu-central-1", "resources": [f"arn:aws:s3:::{ONE}"],
            "detail": {"version": "0", "bucket": {"name": ONE}, "object": {"key": "twice/a.png", "size": 5}, "reason": "PutObject"},
        }
        for _ in range(3):
            self.aws.sqs.send_message(QueueUrl=self.stack.outputs["ObjectQueueUrl"], MessageBody=json.dumps(body))
        self.assertTrue(until(self.stack.settled))
        self.assertNotIn(key, json.dumps(self.mailbox.fetch_all()))


class InFlight(Deployed):
    def test_a_stack_update_with_messages_in_flight_loses_none(self):
        parameters = {"ReadWriteBuckets": [ONE]}
        self.stack.create(**parameters)
        self.stack.retry_at_once("ObjectQueueUrl")
        private = scene.key(self.aws, "not for Darwin", for_darwin=False)
        names = [f"flight/{number:03}.png" for number in range(40)]  # a log line names 50 objects at most
        for name in names[:20]:
            scene.upload(self.aws, ONE, name, private)
        self.stack.update(**parameters, TeamName="Acme", Mode="flag")
        for name in names[20:]:
            scene.upload(self.aws, ONE, name, private)
        self.stack.update(**parameters)
        # What met the function while it was being replaced has come back.
        self.assertTrue(until(lambda: set(names) <= self.judged()), sorted(set(names) - self.judged()))
        self.assertTrue(until(self.stack.settled))
        self.assertEqual(self.waiting("ObjectDeadLetterQueueUrl"), 0)


class DeadLetters(Deployed):
    def test_an_object_event_that_always_fails_is_dead_after_the_stated_number_of_tries_and_its_batch_is_done(self):
        self.stack.create(ReadWriteBuckets=[ONE])
        self.stack.retry_at_once("ObjectQueueUrl")
        private = scene.key(self.aws, "not for Darwin", for_darwin=False)
        queue = self.stack.outputs["ObjectQueueUrl"]
        tries = json.loads(self.attributes("ObjectQueueUrl", "RedrivePolicy")["RedrivePolicy"])["maxReceiveCount"]
        self.aws.sqs.send_message(QueueUrl=queue, MessageBody='{"source": "aws.s3", "detail-type": "Object Created"}')
        scene.upload(self.aws, ONE, "beside/poison.png", private)
        self.assertTrue(until(lambda: "beside/poison.png" in self.judged()), "the rest of the batch is done")
        self.assertTrue(until(lambda: self.waiting("ObjectDeadLetterQueueUrl") == 1))
        self.assertTrue(until(self.stack.settled))
        failed = sum(line.get("items.failed") or 0 for line in self.emulator.log())
        self.assertEqual(failed, int(tries), "it was tried as often as the queue says")
        dead = self.aws.sqs.receive_message(QueueUrl=self.stack.outputs["ObjectDeadLetterQueueUrl"])["Messages"]
        self.assertEqual(["Object Created" in message["Body"] for message in dead], [True])


def trail_names(test: Deployed, event: dict) -> list:
    """Logical ids of the rules that let an event through."""
    ids = {physical: logical for logical, physical in test.resources().items()}
    return [ids[name] for name in trail.matching_rules(test.stack, event) if name in ids]


if __name__ == "__main__":
    unittest.main()
