"""A customer's buckets and keys as they were before the guard came, on the emulator."""

import json
import time

from .emulator import ACCOUNT, HANGS, REGION

ROLE = "arn:aws:iam::258327614892:role/external_s3"
ORIGIN = "https://darwin.v7labs.com"


def until(wanted, over=lambda: False):
    """Asks again until the answer is true, or `over` says that it won't become so; the last answer."""
    limit = time.monotonic() + HANGS
    while True:
        last = over() or time.monotonic() > limit
        answer = wanted()
        if answer or last:
            return answer
        time.sleep(0.05)


def tls_only(bucket: str) -> dict:
    return {
        "Sid": "TlsOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def backup(bucket: str) -> dict:
    return {
        "Sid": "NightlyBackup", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/backup"},
        "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
    }


def darwin(bucket: str, write: bool = True) -> dict:
    return {
        "Sid": "DarwinAccess", "Effect": "Allow", "Principal": {"AWS": ROLE},
        "Action": ["s3:GetObject", "s3:PutObject"] if write else "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }


def policy(*statements: dict) -> str:
    return json.dumps({"Version": "2012-10-17", "Id": "PolicyForExternalAccess", "Statement": list(statements)}, indent=2)


DARWIN_RULE = {
    "AllowedHeaders": ["*"], "AllowedMethods": ["GET"], "AllowedOrigins": [ORIGIN], "ExposeHeaders": [],
}
OWN_RULE = {
    "ID": "intranet", "AllowedMethods": ["GET", "PUT"], "AllowedOrigins": ["https://intranet.acme.example"],
    "MaxAgeSeconds": 3000,
}


def bucket(aws, name: str, write: bool = True, for_darwin: bool = True) -> None:
    """A bucket that fulfils the contract, with statements and rules of others beside; or one with these only."""
    aws.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    ours, our_rules = ([darwin(name, write)], [DARWIN_RULE]) if for_darwin else ([], [])
    aws.s3.put_bucket_policy(Bucket=name, Policy=policy(tls_only(name), *ours, backup(name)))
    aws.s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": [OWN_RULE, *our_rules]})
    aws.s3.put_bucket_ownership_controls(
        Bucket=name, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    )
    aws.s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}})


def key_policy(for_darwin: bool) -> str:
    statements = [{
        "Sid": "Owner", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "kms:*", "Resource": "*",
    }]
    if for_darwin:
        statements.append({
            "Sid": "DarwinReads", "Effect": "Allow", "Principal": {"AWS": ROLE},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": "*",
        })
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def key(aws, description: str, for_darwin: bool) -> str:
    """A customer managed key; its ARN."""
    made = aws.kms.create_key(Description=description, Policy=key_policy(for_darwin))
    return made["KeyMetadata"]["Arn"]


def upload(aws, bucket_name: str, name: str, key_arn: str | None = None, body: bytes = b"image") -> dict:
    extra = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_arn} if key_arn else {}
    return aws.s3.put_object(Bucket=bucket_name, Key=name, Body=body, **extra)
