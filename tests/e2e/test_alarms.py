"""Each alarm of the template, made to ring by what it is named after; and silent on a new stack.

What is emulated: the functions, their failures, the log lines, the topic. The emulator counts AWS/Lambda's errors and throttles itself. It takes
no metric out of a log line, sends none of AWS/SQS and knows no missing data: the lines are taken apart here by the specification
(lab/cloudwatch.py) and put, a queue's figures are read from the queue and put in AWS's name, and states that depend on periods
without data are worked out by AWS's rules. docs/runbook.md, "How each alarm was tested", has the outcome.
"""

import datetime
import json
import unittest

from setting import BUCKET, Emulator, Function, Mailbox, Stack, cloudwatch, scene, until

# What AWS documents of its own metrics: the dimension, and the statistics that mean something.
# <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html>
# <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html>
AWS = {
    ("AWS/Lambda", "Errors"): ("FunctionName", {"Sum"}),
    ("AWS/Lambda", "Throttles"): ("FunctionName", {"Sum"}),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): ("QueueName", {"Maximum"}),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"): ("QueueName", {"Maximum"}),
}
SWEEP = {"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": {}}
TOO_LITTLE = {"source": "aws.s3", "detail-type": "Object Created"}


class Alarms(unittest.TestCase):
    def setUp(self):
        self.emulator = Emulator().__enter__()
        self.addCleanup(self.emulator.__exit__, None, None, None)
        self.stack = Stack(self.emulator)
        self.aws = self.stack.aws
        scene.bucket(self.aws, BUCKET)
        self.stack.create(ReadWriteBuckets=BUCKET)
        # The emulator's alarms look at namespace and name alone, so that one queue's figures ring for the other, too.
        self.rang = []
        self.mailbox = Mailbox(self.aws, self.stack.outputs["TopicArn"], "somebody-who-hears-alarms")
        pages = self.aws.cloudformation.get_paginator("list_stack_resources").paginate(StackName=self.stack.name)
        self.ids = {entry["LogicalResourceId"]: entry["PhysicalResourceId"] for page in pages for entry in page["StackResourceSummaries"]}

    def alarm(self, name: str) -> dict:
        (alarm,) = self.aws.cloudwatch.describe_alarms(AlarmNames=[self.ids[name]])["MetricAlarms"]
        return alarm

    def alarms(self) -> dict:
        return {name: self.alarm(name) for name in self.ids if name.endswith("Alarm")}

    def heard(self) -> list:
        """Alarms that came through the topic since the last look, each with its new state."""
        answer = self.aws.sqs.receive_message(QueueUrl=self.mailbox.url, MaxNumberOfMessages=10)
        bodies = []
        for message in answer.get("Messages", []):
            self.aws.sqs.delete_message(QueueUrl=self.mailbox.url, ReceiptHandle=message["ReceiptHandle"])
            bodies.append(json.loads(json.loads(message["Body"])["Message"]))
        logical = {physical: name for name, physical in self.ids.items()}
        return [(logical[body["AlarmName"]], body["NewStateValue"]) for body in bodies if "AlarmName" in body]

    def put(self, data: list) -> None:
        """As CloudWatch has them, of log lines and of AWS's own services."""
        for datum in data:
            self.aws.cloudwatch.put_metric_data(Namespace=datum["Namespace"], MetricData=[{
                "MetricName": datum["MetricName"], "Value": datum["Value"], "Unit": datum["Unit"],
                "Dimensions": [{"Name": name, "Value": value} for name, value in datum["Dimensions"].items()],
                "Timestamp": datetime.datetime.fromtimestamp(datum["Timestamp"], datetime.timezone.utc),
            }])

    def logged(self) -> list:
        return [datum for line in self.emulator.log() for datum in cloudwatch.metrics(line)]

    def of_queue(self, name: str, metric: str, value: float) -> dict:
        now = datetime.datetime.now(datetime.timezone.utc).timestamp()
        queue = self.ids[name].rsplit("/", 1)[-1]
        return {"Namespace": "AWS/SQS", "MetricName": metric, "Dimensions": {"QueueName": queue}, "Value": value, "Unit": "Count", "Timestamp": now}

    def visible(self, output: str) -> int:
        url = self.stack.outputs[output]
        return int(self.aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]["ApproximateNumberOfMessages"])

    def counted(self, name: str) -> float:
        """What the emulated Lambda has counted of the alarm's metric, under the alarm's own names."""
        alarm = self.alarm(name)
        now = datetime.datetime.now(datetime.timezone.utc)
        points = self.aws.cloudwatch.get_metric_statistics(
            **{part: alarm[part] for part in ("Namespace", "MetricName", "Dimensions", "Period")}, Statistics=[alarm["Statistic"]],
            StartTime=now - datetime.timedelta(hours=1), EndTime=now + datetime.timedelta(hours=1),
        )["Datapoints"]
        return sum(point[alarm["Statistic"]] for point in points)

    def looked(self) -> list:
        """What is heard once the emulator has looked at its alarms, as it does when a metric is put, whichever."""
        self.put([self.of_queue("ObjectQueue", "ApproximateAgeOfOldestMessage", 0)])
        return self.heard()

    def assert_rings(self, name: str, data: list, quiet=()):
        """The data are those that the alarm watches; enough of them ring, by AWS's rules and through the emulated topic."""
        alarm = self.alarm(name)
        watched = cloudwatch.watched(alarm, data)
        self.assertTrue(watched, f"{name} watches {alarm['Namespace']} {alarm['MetricName']} {alarm['Dimensions']}, there is {data}")
        values = [datum["Value"] for datum in watched]
        self.assertEqual(cloudwatch.state(alarm, [values] * alarm["EvaluationPeriods"]), "ALARM")
        for periods in quiet:
            self.assertNotEqual(cloudwatch.state(alarm, periods), "ALARM", periods)
        self.put(watched)
        self.rang += self.heard()
        self.assertIn((name, "ALARM"), self.rang)

    def test_a_new_stack_is_silent_and_every_metric_is_one_that_is_sent(self):
        alarms = self.alarms()
        self.assertEqual(len(alarms), 9)
        succeeded, answer = self.stack.invoke(SWEEP)
        self.assertTrue(succeeded, answer)
        ours = {(datum["Namespace"], datum["MetricName"]) for datum in self.logged()}
        for name, alarm in alarms.items():
            with self.subTest(name):
                self.assertEqual(alarm["OKActions"], [])
                # As CloudWatch makes an alarm, without data; it runs no action for that, and none for what comes of it.
                self.assertEqual(alarm["StateValue"], "INSUFFICIENT_DATA")
                first = cloudwatch.state(alarm, [])
                self.assertIn(first, ("OK", "INSUFFICIENT_DATA"))
                acts = alarm["InsufficientDataActions"] if first == "INSUFFICIENT_DATA" else alarm["OKActions"]
                self.assertTrue(not acts or first == alarm["StateValue"], "a change of state that sends a message")
                if alarm["Namespace"].startswith("AWS/"):
                    dimension, statistics = AWS[alarm["Namespace"], alarm["MetricName"]]
                    self.assertEqual([entry["Name"] for entry in alarm["Dimensions"]], [dimension])
                    self.assertIn(alarm["Statistic"], statistics)
        self.assertIn(("DarwinS3Guard", "OpenIncidents"), ours)
        self.put(self.logged())
        self.assertEqual(self.heard(), [])

    def test_an_invocation_that_fails_is_an_error(self):
        succeeded, _ = self.stack.invoke({"nobody": "knows this"})
        self.assertFalse(succeeded)
        self.assertEqual(self.counted("ErrorsAlarm"), 1)
        alarm = self.alarm("ErrorsAlarm")
        self.assertEqual((cloudwatch.state(alarm, [[1.0]]), cloudwatch.state(alarm, [[0.0]])), ("ALARM", "OK"), "one that succeeds counts none")
        self.assertIn(("ErrorsAlarm", "ALARM"), self.looked())

    def test_an_invocation_that_lambda_turns_away_is_a_throttle(self):
        self.aws.lambda_.put_function_concurrency(FunctionName=self.stack.function, ReservedConcurrentExecutions=0)
        with self.assertRaises(self.aws.lambda_.exceptions.TooManyRequestsException):
            self.aws.lambda_.invoke(FunctionName=self.stack.function, Payload=json.dumps(SWEEP))
        self.assertGreaterEqual(self.counted("ThrottlesAlarm"), 1)
        alarm = self.alarm("ThrottlesAlarm")
        for periods, state in (([[1.0]] * 3, "ALARM"), ([[5.0]] * 2, "OK"), ([[0.0], [5.0], [5.0]], "OK"), ([], "OK")):
            self.assertEqual(cloudwatch.state(alarm, periods), state, periods)
        self.assertIn(("ThrottlesAlarm", "ALARM"), self.looked())

    def test_records_that_fail_and_come_back_are_counted_and_end_as_dead_letters(self):
        self.stack.retry_at_once("ObjectQueueUrl")
        self.aws.sqs.send_message(QueueUrl=self.stack.outputs["ObjectQueueUrl"], MessageBody=json.dumps(TOO_LITTLE))
        self.assertTrue(until(lambda: self.visible("ObjectDeadLetterQueueUrl") == 1))
        self.assertTrue(until(self.stack.settled))
        failed = [datum for datum in self.logged() if datum["MetricName"] == "RecordsFailed"]
        self.assertEqual(sum(datum["Value"] for datum in failed), 15, "once a try")
        # A passing throttle is one quarter of an hour; a record that succeeds counts none.
        self.assert_rings("RecordsRetriedAlarm", failed, quiet=([[1.0]], [[3.0], [0.0]], []))
        dead = self.of_queue("ObjectDeadLetterQueue", "ApproximateNumberOfMessagesVisible", self.visible("ObjectDeadLetterQueueUrl"))
        self.assert_rings("ObjectDeadLettersAlarm", [dead], quiet=([[0.0]], []))

    def test_a_change_that_can_not_be_handled_ends_as_a_dead_letter_of_its_own_queue(self):
        self.stack.retry_at_once("ConfigQueueUrl")
        self.aws.sqs.send_message(QueueUrl=self.stack.outputs["ConfigQueueUrl"], MessageBody="{")
        self.assertTrue(until(lambda: self.visible("ConfigDeadLetterQueueUrl") == 1))
        dead = self.of_queue("ConfigDeadLetterQueue", "ApproximateNumberOfMessagesVisible", self.visible("ConfigDeadLetterQueueUrl"))
        self.assert_rings("ConfigDeadLettersAlarm", [dead], quiet=([[0.0]], []))
        self.assertEqual(self.visible("ObjectDeadLetterQueueUrl"), 0)

    def test_a_message_that_does_not_go_out_is_counted_and_the_alarm_takes_another_way(self):
        faults = self.emulator.faults()
        self.addCleanup(faults.clear)
        # The emulator gives every function its own AWS_ENDPOINT_URL.
        self.stack.configure(60, AWS_ENDPOINT_URL_SNS=faults.url)
        faults.inject({"service": "sns", "operation": "Publish", "times": 20, "error": {"code": "AuthorizationError", "status": 403}})
        key = scene.key(self.aws, "not for Darwin", for_darwin=False)
        scene.upload(self.aws, BUCKET, "dark.png", key)
        unsent = until(lambda: [datum for datum in self.logged() if datum["MetricName"] == "MessagesFailed"])
        self.assertTrue(unsent)
        self.assert_rings("MessagesFailedAlarm", unsent, quiet=([[0.0]], []))

    def test_a_run_over_everything_that_finishes_is_seen_and_three_hours_without_one_are(self):
        succeeded, answer = self.stack.invoke(SWEEP)
        self.assertTrue(succeeded, answer)
        alarm = self.alarm("NoSweepAlarm")
        finished = cloudwatch.watched(alarm, self.logged())
        self.assertEqual([datum["Value"] for datum in finished], [0], "zero incidents are sent too")
        values = [datum["Value"] for datum in finished]
        for periods, state in (
            ([values] * 3, "OK"), ([[], [], values], "OK"), ([values, [], []], "OK"), ([[], [], []], "INSUFFICIENT_DATA"),
        ):
            self.assertEqual(cloudwatch.state(alarm, periods), state, periods)
        self.assertEqual(alarm["EvaluationPeriods"] * alarm["Period"], 3 * 3600)
        self.put(finished)
        self.assertEqual(self.alarm("NoSweepAlarm")["StateValue"], "OK")
        self.assertEqual(self.heard(), [], "no message for being fine")
        # The emulator knows no missing data: only that the state would send a message is shown.
        self.aws.cloudwatch.set_alarm_state(AlarmName=alarm["AlarmName"], StateValue="INSUFFICIENT_DATA", StateReason="no data")
        self.assertEqual(self.heard(), [("NoSweepAlarm", "INSUFFICIENT_DATA")])
        # A run whose time ended among the buckets, what fails, or what handles another event is no finished run.
        environment = self.stack.environment() | {"AWS_ENDPOINT_URL": self.emulator.url}
        with Function(self.stack.function, self.emulator.directory, environment, seconds=1) as short:
            succeeded, answer, lines = short.invoke(SWEEP)
        self.assertFalse(succeeded, answer)
        cut = [datum for line in lines for datum in cloudwatch.metrics(line)]
        self.assertTrue(any("too little time was left" in json.dumps(line) for line in lines), lines)
        self.assertEqual(cloudwatch.watched(alarm, cut), [])
        before = len(cloudwatch.watched(alarm, self.logged()))
        self.stack.invoke({"action": "audit"})
        self.stack.invoke({"nobody": "knows this"})
        self.assertEqual(len(cloudwatch.watched(alarm, self.logged())), before)

    def test_age_rings_at_its_threshold_which_the_emulator_can_only_be_told(self):
        for name, queue in (("ObjectQueueAgeAlarm", "ObjectQueue"), ("ConfigQueueAgeAlarm", "ConfigQueue")):
            old = self.of_queue(queue, "ApproximateAgeOfOldestMessage", 1800)
            self.assert_rings(name, [old], quiet=([[1799.0]] * 2, [[1800.0]], []))


class Specification(unittest.TestCase):
    """The check of a line itself: what CloudWatch would drop in silence is found."""

    GOOD = {
        "_aws": {
            "Timestamp": 1_795_000_000_000,
            "CloudWatchMetrics": [{"Namespace": "N", "Dimensions": [["F"]], "Metrics": [{"Name": "M", "Unit": "Count"}]}],
        },
        "F": "guard", "M": 1, "message": "m",
    }

    def changed(self, path: list, value) -> dict:
        line = json.loads(json.dumps(self.GOOD))
        at = line
        for step in path[:-1]:
            at = at[step]
        if value is None:
            del at[path[-1]]
        else:
            at[path[-1]] = value
        return line

    def test_a_good_line_is_taken_and_a_line_without_metrics_is_none(self):
        (datum,) = cloudwatch.metrics(self.GOOD)
        self.assertEqual(datum, {
            "Namespace": "N", "MetricName": "M", "Dimensions": {"F": "guard"}, "Value": 1, "Unit": "Count", "Timestamp": 1_795_000_000.0,
        })
        self.assertEqual(cloudwatch.metrics({"message": "m"}), [])

    def test_what_breaks_a_rule_is_refused(self):
        directive = ["_aws", "CloudWatchMetrics", 0]
        for path, value in (
            (["_aws", "Timestamp"], None), (["_aws", "Timestamp"], "2026-11-24T12:00:00Z"), (["_aws", "Timestamp"], 1_795_000_000),
            (["_aws", "CloudWatchMetrics"], None), (["_aws", "CloudWatchMetrics"], []), (["_aws", "Other"], 1),
            ([*directive, "Namespace"], ""), ([*directive, "Namespace"], "AWS/Lambda"), ([*directive, "Namespace"], None),
            ([*directive, "Dimensions"], ["F"]), ([*directive, "Dimensions"], []), ([*directive, "Dimensions"], [["G"]]),
            ([*directive, "Dimensions"], [[f"F{n}" for n in range(31)]]),
            ([*directive, "Metrics"], []), ([*directive, "Metrics"], [{"Name": "M"}] * 101), ([*directive, "Metrics"], [{"Name": "M"}] * 2),
            ([*directive, "Metrics", 0, "Unit"], "Counts"), ([*directive, "Metrics", 0, "Name"], ""), ([*directive, "Metrics", 0, "StorageResolution"], 10),
            (["F"], None), (["F"], 7), (["F"], ""), (["F"], "x" * 1025), (["M"], None), (["M"], "1"), (["M"], True),
            (["message"], "x" * 1024 * 1024),
        ):
            with self.subTest((path, str(value)[:40])), self.assertRaises((ValueError, cloudwatch.jsonschema.ValidationError)):
                cloudwatch.metrics(self.changed(path, value))


if __name__ == "__main__":
    unittest.main()
