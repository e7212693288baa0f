"""Every call of the repair path, failing as AWS makes calls fail: once, and for good.

The release bootstrap, one process for each cell of the table, behind a Runtime API, with microburst between it and the
emulator. A rule of microburst is meant for one cell: it looks for the cell's name in the user agent, which the SDK takes
from AWS_SDK_UA_APP_ID. What a cell must come to is written down in `TABLE`, from what the guard promises and not from
what it did: a fault that passes is not noticed; one that stays is told, what may be tried again comes back to the
queue, and a bucket's documents are those before the repair or those after it, never a third thing.

Each function has a clock of its own (lab/preload.c), which stands still while AWS has not answered: on a busy machine an
answer takes longer than the SDK waits, and then a fault that is made once would meet an attempt that was given up already.
Where an answer is to come too late, the test moves the clock.
"""

import collections
import concurrent.futures
import json
import threading
import unittest

from setting import ACCOUNT, EVENTS, REGION, Aws, Emulator, Function, Mailbox, scene, trail

ONCE, LASTING = "once", "lasting"
S3, KMS, SNS, DYNAMODB = "s3", "kms", "sns", "dynamodb"
SERVICE = {
    "GetBucketPolicy": S3, "GetBucketCors": S3, "PutBucketPolicy": S3, "PutBucketCors": S3, "HeadObject": S3,
    "GetKeyPolicy": KMS, "Publish": SNS, "UpdateItem": DYNAMODB, "PutItem": DYNAMODB, "GetItem": DYNAMODB, "Query": DYNAMODB,
}
# Each fault as the service says it: code and status, or what happens to the connection.
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
# https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html
# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html#API_Publish_Errors
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
FAULTS = {
    "slow down": {
        S3: ("SlowDown", 503), KMS: ("ThrottlingException", 400), SNS: ("Throttling", 400),
        DYNAMODB: ("ProvisionedThroughputExceededException", 400),
    },
    "internal error": {
        S3: ("InternalError", 500), KMS: ("KMSInternalException", 500), SNS: ("InternalError", 500),
        DYNAMODB: ("InternalServerError", 500),
    },
    "denied": {
        S3: ("AccessDenied", 403), KMS: ("AccessDeniedException", 400), SNS: ("AuthorizationError", 403),
        DYNAMODB: ("AccessDeniedException", 400),
    },
    "aborted": {S3: ("OperationAborted", 409)},
    "malformed": {S3: ("MalformedPolicy", 400)},
}
RESET, LOST, LATE = "reset", "answer lost", "answer late"
# A busy machine: AWS answers in time by the function's clock, and after more than TOO_LATE by any other.
SLOW = "slowly denied"
# More than the SDK waits for one attempt (`shell::aws::client::Patience`), in seconds.
TOO_LATE = 6
# What passes by itself, if anything does. With LOST the call was made, and its answer broke off; microburst can't do that
# to an answer without a body, such as those of S3's writes.
PASSING = ("slow down", "internal error", RESET, LATE)

Outcome = collections.namedtuple("Outcome", "again policy cors told")
BEFORE, FULL, EITHER = {"before"}, {"full"}, {"before", "full"}
DRIFTS = {"policy-missing", "cors-missing"}
REPAIRED = Outcome(again=False, policy=FULL, cors=FULL, told=DRIFTS)


def no_write(again: bool) -> Outcome:
    """The table can't be used: nothing is written, and all of it is told."""
    return Outcome(again, BEFORE, BEFORE, DRIFTS | {"table-unreachable"})


def table() -> dict:
    """What the event of a bucket that lost both of Darwin's entries, or of an object under a key that denies Darwin, must
    come to."""
    cells = {}

    def cell(operation: str, faults, lasting, outcome: Outcome) -> None:
        for fault in faults if isinstance(faults, tuple) else (faults,):
            for how in lasting if isinstance(lasting, tuple) else (lasting,):
                assert (operation, fault, how) not in cells
                cells[operation, fault, how] = outcome

    both = (ONCE, LASTING)
    # A document that can't be read is not written. The other one is certain, and is.
    cell("GetBucketPolicy", PASSING, ONCE, REPAIRED)
    cell("GetBucketPolicy", PASSING, LASTING, Outcome(True, BEFORE, FULL, {"cors-missing"}))
    cell("GetBucketPolicy", "denied", LASTING, Outcome(False, BEFORE, FULL, {"cors-missing", "guard-denied"}))
    cell("GetBucketCors", PASSING, ONCE, REPAIRED)
    cell("GetBucketCors", PASSING, LASTING, Outcome(True, FULL, BEFORE, {"policy-missing"}))
    cell("GetBucketCors", "denied", LASTING, Outcome(False, FULL, BEFORE, {"policy-missing", "guard-denied"}))
    # A repair looks again under its lease before it writes: by then a denial that came once is over.
    cell("GetBucketPolicy", "denied", ONCE, REPAIRED)
    cell("GetBucketCors", "denied", ONCE, REPAIRED)

    # A write that collides is made again; one that keeps failing ends the repair, and both are told: what is missing,
    # and that it could not be put right. The policy is written first.
    cell("PutBucketPolicy", (*PASSING, "aborted"), ONCE, REPAIRED)
    cell("PutBucketPolicy", (*PASSING, "aborted"), LASTING, Outcome(True, BEFORE, EITHER, {"policy-missing", "write-failed"}))
    cell("PutBucketPolicy", "malformed", both, Outcome(False, BEFORE, EITHER, {"policy-missing", "role-missing"}))
    cell("PutBucketPolicy", "denied", both, Outcome(False, BEFORE, EITHER, {"policy-missing", "guard-denied"}))
    cell("PutBucketCors", (*PASSING, "aborted"), ONCE, REPAIRED)
    cell("PutBucketCors", (*PASSING, "aborted"), LASTING, Outcome(True, FULL, BEFORE, DRIFTS | {"write-failed"}))
    cell("PutBucketCors", "denied", both, Outcome(False, FULL, BEFORE, DRIFTS | {"guard-denied"}))

    # Without the table nothing is written, and what might pass is tried again.
    for operation in ("UpdateItem", "PutItem", "GetItem", "Query"):
        cell(operation, PASSING, ONCE, REPAIRED)
        cell(operation, PASSING, LASTING, no_write(again=True))
        cell(operation, "denied", LASTING, no_write(again=False))
    cell("UpdateItem", LOST, ONCE, REPAIRED)
    cell("UpdateItem", LOST, LASTING, no_write(again=True))
    cell("PutItem", LOST, ONCE, REPAIRED)
    cell("PutItem", LOST, LASTING, no_write(again=True))
    # The first GetItem recalls which Allows stood before: that decides only where one of somebody's has a condition.
    cell("GetItem", "denied", ONCE, REPAIRED)
    cell("Query", "denied", ONCE, no_write(again=False))
    # The first UpdateItem takes the lease.
    cell("UpdateItem", "denied", ONCE, no_write(again=False))
    # The first PutItem keeps the change that the event tells of, without which a lost update could not be found.
    cell("PutItem", "denied", ONCE, no_write(again=False))

    # An alert is never lost: what can't be published comes back to the queue, whatever the reason.
    cell("Publish", (*PASSING, LOST), ONCE, REPAIRED)
    cell("Publish", (*PASSING, "denied"), LASTING, Outcome(True, FULL, FULL, set()))
    cell("Publish", LOST, LASTING, Outcome(True, FULL, FULL, DRIFTS))
    cell("Publish", "denied", ONCE, Outcome(True, FULL, FULL, set()))

    # An object is judged or comes back. A denial of the guard's own call does not pass by itself: it is told, as the
    # guard's lack or as what the verdict depends on.
    for operation, kind in (("HeadObject", "guard-denied"), ("GetKeyPolicy", "access-uncertain")):
        cell(operation, PASSING, ONCE, Outcome(False, None, None, {"key-denied"}))
        cell(operation, PASSING, LASTING, Outcome(True, None, None, set()))
        cell(operation, "denied", both, Outcome(False, None, None, {kind}))
    cell("GetKeyPolicy", SLOW, ONCE, cells["GetKeyPolicy", "denied", ONCE])
    return cells


TABLE = table()
CONTROL = ("no call", "no fault", ONCE)


class Cell:
    """One bucket, its function, and what became of both."""

    def __init__(self, number: int, name: tuple):
        self.operation, self.fault, self.how = name
        self.id = f"cell-{number:03}"
        self.about_object = self.operation in ("HeadObject", "GetKeyPolicy")
        # The function took the lease and was never told so.
        self.leaves_lease = name == ("UpdateItem", LOST, LASTING)
        # The function holds the refusal for the key's facts.
        self.remembers = self.operation == "GetKeyPolicy" and self.fault in ("denied", SLOW)
        self.fired = self.given_up = 0

    def rule(self) -> dict:
        service = SERVICE[self.operation]
        rule = {"service": service, "operation": self.operation, "headers": {"user-agent": f"app/{self.id}"}}
        if self.fault == RESET:
            rule["reset"] = True
        elif self.fault == LOST:
            rule["response"] = {"abort_bytes": 0}
        elif self.fault == LATE:
            rule["timeout_ms"] = 3_600_000
        else:
            if self.fault == SLOW:
                rule["latency"] = 1_000 * TOO_LATE
            code, status = FAULTS["denied" if self.fault == SLOW else self.fault][service]
            rule["error"] = {"code": code, "status": status, "message": "injected"}
        return rule | ({"times": 1} if self.how == ONCE else {})

    def event(self, key_name: str = "raw/a.png") -> dict:
        if not self.about_object:
            policy = scene.policy(scene.tls_only(self.id), scene.backup(self.id))
            return trail.s3_event("PutBucketPolicy", self.id, {"bucketPolicy": json.loads(policy)})
        event = json.loads((EVENTS / "eventbridge-object-created.json").read_text())
        event["resources"] = [f"arn:aws:s3:::{self.id}"]
        event["detail"]["bucket"]["name"] = self.id
        event["detail"]["object"] = {"key": key_name, "size": 5}
        return event

    def run(self, setting) -> None:
        """The event with the fault, then, when it is over, the event again or, if the queue has let it go, the schedule."""
        self.prepare(setting.aws, setting.key)
        environment = {
            "AWS_ENDPOINT_URL": setting.emulator.url, "AWS_SDK_UA_APP_ID": self.id, "MODE": "repair",
            "GUARDED_BUCKETS": json.dumps([{"name": self.id, "access": "read-only"}]),
            "INCIDENT_TABLE": setting.TABLE, "ALERT_TOPIC_ARN": setting.topic,
        }
        rule = None
        if self.fault != CONTROL[1]:
            rule = self.rule()
            self.rule_number = setting.faults.add(rule)
            # The other services without the detour.
            environment[f"AWS_ENDPOINT_URL_{SERVICE[self.operation].upper()}"] = setting.faults.url
        event = self.event()
        with Function(self.id, setting.emulator.directory, environment) as function:
            meanwhile = (lambda: self.give_up(setting.faults, function.clock)) if self.fault == LATE else (lambda: None)
            self.first = self.deliver(function, event, meanwhile=meanwhile)
            if rule:
                setting.faults.end(rule)
            self.state = self.look(setting.aws)
            self.told = setting.mail_about(self.id)
            if self.leaves_lease:
                # A queue's visibility timeout is longer than any lease.
                self.wait_for_lease(setting.aws, setting.TABLE, function.clock)
            if self.remembers:
                # An adverse verdict from facts older than ten seconds is read again; the schedule comes after an hour.
                function.clock.advance(10.5)
            if self.first["again"]:
                self.second = self.deliver(function, event)
            else:
                self.second = self.deliver(function, json.loads((EVENTS / "schedule.json").read_text()), batch=False)
            self.state_after = self.look(setting.aws)
            self.told_after = setting.mail_about(self.id)

    def give_up(self, faults, clock) -> None:
        """When nothing is waited for but the answers that don't come, the time passes after which the SDK gives them up."""
        held = faults.counts().get(self.rule_number, 0) - self.given_up
        if held and clock.unanswered() == held:
            self.given_up += held
            clock.advance(TOO_LATE)

    def prepare(self, aws, key: str) -> None:
        scene.bucket(aws, self.id, write=False, for_darwin=self.about_object)
        if self.about_object:
            scene.upload(aws, self.id, "raw/a.png", key)
        self.before = self.look(aws)

    def look(self, aws) -> dict:
        return {
            "policy": aws.s3.get_bucket_policy(Bucket=self.id)["Policy"].replace(self.id, "BUCKET"),
            "cors": json.dumps(aws.s3.get_bucket_cors(Bucket=self.id)["CORSRules"], sort_keys=True),
        }

    def wait_for_lease(self, aws, table: str, clock) -> None:
        items = aws.dynamodb.scan(TableName=table, ConsistentRead=True)["Items"]
        for lease in [item for item in items if "held_by" in item and self.id in item["pk"]["S"]]:
            clock.advance(int(lease["expires_ms"]["N"]) / 1000 - clock.time() + 0.1)

    @staticmethod
    def deliver(function: Function, event: dict, batch: bool = True, meanwhile=lambda: None) -> dict:
        record = {
            "messageId": "m0", "body": json.dumps(event), "eventSource": "aws:sqs", "awsRegion": REGION,
            "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:q",
        }
        succeeded, answer, log = function.invoke({"Records": [record]} if batch else event, meanwhile)
        failed = [item["itemIdentifier"] for item in answer.get("batchItemFailures", [])] if succeeded else ["all"]
        report = [line for line in log if "items.failed" in line]
        return {"again": bool(failed), "answer": answer, "log": log, "report": report[0] if report else {}}


class Faults(unittest.TestCase):
    """All cells are run once, several at a time; each test then looks at all of them."""

    TABLE = "incidents"
    AT_ONCE = 4
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.emulator = Emulator().__enter__()
        cls.addClassCleanup(cls.emulator.__exit__, None, None, None)
        cls.faults = cls.emulator.faults()
        cls.aws = Aws(cls.emulator.url)
        for service in (S3, KMS, SNS, "sqs", DYNAMODB):
            getattr(cls.aws, service)  # made here, as making one is not for several threads
        cls.aws.dynamodb.create_table(
            TableName=cls.TABLE, BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        )
        cls.key = scene.key(cls.aws, "not for Darwin", for_darwin=False)
        cls.topic = cls.aws.sns.create_topic(Name="alerts")["TopicArn"]
        cls.mailbox, cls.mailbox_lock = Mailbox(cls.aws, cls.topic), threading.Lock()
        cls.control = Cell(0, CONTROL)
        cls.cells = [Cell(number, name) for number, name in enumerate(TABLE, 1)]
        with concurrent.futures.ThreadPoolExecutor(cls.AT_ONCE) as pool:
            for done in [pool.submit(cell.run, cls) for cell in (cls.control, *cls.cells)]:
                done.result()
        counts = cls.faults.counts()
        for cell in cls.cells:
            cell.fired = counts.get(cell.rule_number, 0)
        cls.documents = {
            part: {cls.control.before[part]: "before", cls.control.state[part]: "full"} for part in ("policy", "cors")
        }

    @classmethod
    def mail_about(cls, bucket: str) -> list:
        """All messages about a bucket so far."""
        with cls.mailbox_lock:
            return [message for message in cls.mailbox.fetch_all() if message["bucket"] == bucket]

    def every(self, check) -> None:
        """Holds each cell to its line of the table; all that differ are reported."""
        for cell in self.cells:
            with self.subTest(operation=cell.operation, fault=cell.fault, how=cell.how):
                check(cell, TABLE[cell.operation, cell.fault, cell.how])

    def test_without_a_fault_both_documents_are_repaired_and_what_others_wrote_stands(self):
        before, after = (json.loads(self.control.__dict__[when]["policy"]) for when in ("before", "state"))
        self.assertEqual([entry["Sid"] for entry in after["Statement"]], ["TlsOnly", "NightlyBackup", "DarwinAccess"])
        self.assertEqual(after["Statement"][:2], before["Statement"])
        rules = json.loads(self.control.state["cors"])
        self.assertEqual(len(rules), 2)
        self.assertEqual(rules[:1], json.loads(self.control.before["cors"]))
        self.assertEqual({message["kind"] for message in self.control.told}, DRIFTS)
        self.assertEqual(self.control.state_after, self.control.state)

    def test_every_fault_came_about_and_once_means_once(self):
        def check(cell, _):
            self.assertEqual(cell.fired, 1) if cell.how == ONCE else self.assertGreater(cell.fired, 0)

        self.every(check)

    def test_a_record_comes_back_exactly_when_another_try_may_help(self):
        def check(cell, outcome):
            self.assertEqual(cell.first["again"], outcome.again, json.dumps(cell.first["report"].get("problems"), indent=1))

        self.every(check)

    def test_a_document_is_the_one_before_or_the_full_repair_as_the_table_says(self):
        def check(cell, outcome):
            for part, wanted in (("policy", outcome.policy), ("cors", outcome.cors)):
                if wanted:
                    self.assertIn(self.documents[part].get(cell.state[part], cell.state[part]), wanted, part)
                else:
                    self.assertEqual(cell.state[part], cell.before[part], "an object's event writes nothing here")

        self.every(check)

    def test_what_is_wrong_is_told_on_the_topic(self):
        def check(cell, outcome):
            told = {message["kind"] for message in cell.told}
            self.assertLessEqual(outcome.told, told)
            if cell.operation == "Publish" and outcome.again:
                logged = {line.get("alert.kind") for line in cell.first["log"] if line.get("alert.outcome") == "failed"}
                self.assertEqual(DRIFTS - told - logged, set(), "what was not published is in the log, in full")

        self.every(check)

    def test_nothing_is_written_that_the_report_does_not_tell(self):
        def check(cell, _):
            if cell.about_object:
                return
            done = {entry["operation"] for entry in cell.first["report"]["buckets"][0]["actions"] if entry["result"] != "refused"}
            for part, operation in (("policy", "PutBucketPolicy"), ("cors", "PutBucketCors")):
                if cell.state[part] != cell.before[part]:
                    self.assertIn(operation, done)

        self.every(check)

    def test_when_the_fault_is_over_the_next_delivery_or_the_schedule_makes_it_whole(self):
        def check(cell, outcome):
            self.assertFalse(cell.second["again"], json.dumps(cell.second["report"].get("problems"), indent=1))
            told = {message["kind"] for message in cell.told_after}
            if cell.about_object:
                self.assertIn("key-denied", told)
                return
            for part in ("policy", "cors"):
                self.assertEqual(self.documents[part].get(cell.state_after[part], cell.state_after[part]), "full", part)
            self.assertLessEqual(DRIFTS, told)

        self.every(check)


if __name__ == "__main__":
    unittest.main()
