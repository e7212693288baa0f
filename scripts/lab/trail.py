"""Plays CloudTrail: the one part of AWS that the emulator lacks.

An API call is really made. The event that CloudTrail would deliver for it is made from the call and its answer, wrapped
as EventBridge would, and put on the stack's config queue. The emulator, as AWS, refuses PutEvents of `aws.*` sources;
so that a rule of the template would have let the event through is checked with its own TestEventPattern.
"""

import datetime
import json
import uuid

from .emulator import ACCOUNT, REGION

PERSON = {
    "type": "AssumedRole",
    "principalId": "AROAEXAMPLEDEPLOY0001:terraform-ci",
    "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/terraform-ci",
    "accountId": ACCOUNT,
    "sessionContext": {"sessionIssuer": {"type": "Role", "arn": f"arn:aws:iam::{ACCOUNT}:role/deploy", "userName": "deploy"}},
}


def s3_event(name: str, bucket: str, parameters: dict | None = None, who: dict = PERSON, agent: str | None = None) -> dict:
    """The event of a bucket-level S3 call."""
    detail = _detail("s3.amazonaws.com", name, {"bucketName": bucket} | (parameters or {}), who, agent)
    detail["resources"] = [{"accountId": ACCOUNT, "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{bucket}"}]
    return _envelope("aws.s3", detail)


def kms_event(name: str, key_arn: str, parameters: dict | None = None, who: dict = PERSON) -> dict:
    """The event of a KMS call about a key."""
    detail = _detail("kms.amazonaws.com", name, {"keyId": key_arn} | (parameters or {}), who, None)
    detail["resources"] = [{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": key_arn}]
    return _envelope("aws.kms", detail)


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _detail(source: str, name: str, parameters: dict, who: dict, agent: str | None) -> dict:
    return {
        "eventVersion": "1.11",
        "userIdentity": who,
        "eventTime": _now(),
        "eventSource": source,
        "eventName": name,
        "awsRegion": REGION,
        "sourceIPAddress": "198.51.100.23",
        "userAgent": agent or "[APN/1.0 HashiCorp/1.0 Terraform/1.9.8]",
        "requestParameters": parameters,
        "responseElements": None,
        "requestID": uuid.uuid4().hex[:16].upper(),
        "eventID": str(uuid.uuid4()),
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
    }


def _envelope(source: str, detail: dict) -> dict:
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "AWS API Call via CloudTrail",
        "source": source,
        "account": ACCOUNT,
        "time": _now(),
        "region": REGION,
        "resources": [],
        "detail": detail,
    }


def deliver(stack, event: dict) -> list:
    """Puts the event on the config queue; answers the names of the stack's rules that match it."""
    stack.aws.sqs.send_message(QueueUrl=stack.outputs["ConfigQueueUrl"], MessageBody=json.dumps(event))
    return matching_rules(stack, event)


def matching_rules(stack, event: dict) -> list:
    names = []
    for rule in stack.aws.events.list_rules()["Rules"]:
        pattern = rule.get("EventPattern")
        if pattern and stack.aws.events.test_event_pattern(EventPattern=pattern, Event=json.dumps(event))["Result"]:
            names.append(rule["Name"])
    return names
