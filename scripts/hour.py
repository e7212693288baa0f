"""The simulated hour (`make bench-hour`): 1,000,000 uploads under 10,000 keys, 50 of which Darwin may not use, at ten functions at
once, with AWS's quotas, faults, duplicates and redelivery (benches/lambda/src/hour.rs). Holds what was kept and sent to what
happened, and writes it into BENCHMARKS.md.

What the functions keep and send goes to the emulator's table and topic, which are counted here.
"""

import argparse
import collections
import datetime
import json
import pathlib
import subprocess
import sys

from lab.emulator import Emulator
from lab.mailbox import Mailbox
from lab.stack import Aws

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "BENCHMARKS.md"
HEAD = "\n## The simulated hour\n"
# Names that the bench gives its functions.
TABLE, TOPIC = "incidents", "alerts"


def outside(aws: Aws) -> Mailbox:
    """The table and the topic; what is sent to it."""
    keys = [("pk", "HASH"), ("sk", "RANGE")]
    aws.dynamodb.create_table(
        TableName=TABLE, BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
    )
    return Mailbox(aws, aws.sns.create_topic(Name=TOPIC)["TopicArn"])


def incidents(aws: Aws) -> collections.Counter:
    """Every incident that was opened, by its name and cause, with how often it was seen."""
    seen = collections.Counter()
    for page in aws.dynamodb.get_paginator("scan").paginate(TableName=TABLE):
        for item in page["Items"]:
            if item["sk"]["S"].startswith("incident#") and "seen_count" in item:
                seen[item["sk"]["S"].removeprefix("incident#"), item["cause_text"]["S"]] = int(item["seen_count"]["N"])
    return seen


def held(hour: dict, seen: collections.Counter, messages: list) -> list:
    """What was to be shown, each with whether it holds."""
    denied = {name: (int(cause.rpartition("-")[2]), count) for (name, cause), count in seen.items() if name.startswith("key-denied/")}
    told = collections.Counter(message["incident"] for message in messages if message["status"] == "opened")
    each = hour["objects"] // hour["keys"]
    most = {int(key): count for key, count in hour["records_of_bad_keys"].items()}
    counts = [count for _, count in denied.values()]
    judged = sum(count for name, count in hour["judged_by_its_log"].items() if name in ("allowed", "denied", "depends", "gone"))
    return [
        (f"{len(denied)} incidents of keys that Darwin may not use, of {hour['bad_keys']}", len(denied) == hour["bad_keys"]),
        (f"each counts its {each} objects or more, and no more than its key's deliveries: {min(counts, default=0)} to "
         f"{max(counts, default=0)}", all(each <= count <= most[key] for key, count in denied.values())),
        (f"at most one message an incident: {sum(told.values())} for {len(told)}", all(count == 1 for count in told.values())),
        # After ten of a kind in an hour what opens is put off (docs/messages.md), and no sweep runs here.
        (f"{len(told)} told at once, and the rest put off to one message with the next hour's sweep", len(told) >= min(10, len(denied))),
        ("every call that AWS saw is in the logs", all(
            hour["calls_by_its_log"].get(name, 0) <= count <= hour["calls_by_its_log"].get(name, 0) + hour["refused_or_failed"].get(name, 0)
            for name, count in hour["calls"].items() if name != "other")),
        (f"no record lost: {hour['records_dead']} dead letters, and {judged:,} verdicts in the logs for {hour['records_delivered']:,} deliveries",
         hour["records_dead"] == 0 and judged >= hour["records_delivered"] - hour["records_given_back"]),
    ]


# US dollars a million, us-east-1, list prices without free tiers, seen in November 2026.
PRICES = {"HeadObject": 0.40, "GetBucket": 0.40, "DescribeKey": 3.00, "GetKeyPolicy": 3.00, "ListGrants": 3.00, "Query": 0.125, "GetItem": 0.125,
          "UpdateItem": 0.625, "PutItem": 0.625, "DeleteItem": 0.625, "Publish": 0.50}


def dollars(calls: dict) -> float:
    """What so many calls cost, but for the transfer of what they carry."""
    prices = {name: next(price for start, price in PRICES.items() if name.startswith(start)) for name in calls}
    return sum(count * prices[name] for name, count in calls.items()) / 1_000_000


def page(hour: dict, seen: collections.Counter, messages: list, claims: list) -> str:
    def table(counts: dict) -> str:
        return ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items(), key=lambda entry: -entry[1]))

    million = 1_000_000 / hour["objects"]
    calls = {name: round(count * million) for name, count in hour["calls_by_its_log"].items()}
    others = sorted({name.partition("/")[0] for name, _ in seen} - {"key-denied"})
    return "\n".join([
        HEAD,
        f"`make bench-hour`, {datetime.date.today()}: {hour['objects']:,} uploads under {hour['keys']:,} keys, twenty projects at the same time, "
        f"in SQS-shaped batches of 100, at {hour['functions']} functions at once. S3 and KMS keep their quotas (HeadObject 5,500 a second, DescribeKey "
        "2,000, GetKeyPolicy 1,000, ListGrants 100) and fail one call in 1,009; every hundredth event comes twice; what is given back is delivered again.",
        "",
        f"- it took {hour['seconds']:.0f} s, and {hour['cpu_seconds']:.0f} CPU-seconds of the functions: "
        f"{hour['cpu_seconds'] / hour['objects'] * 1_000:.3f} ms an object",
        f"- records delivered {hour['records_delivered']:,}, given back {hour['records_given_back']:,}",
        f"- calls of a million uploads, by the functions' logs: {table(calls)}: ${dollars(calls):.2f}",
        f"- refused or failed: {table(hour['refused_or_failed']) or 'none'}",
        f"- messages {len(messages)}; incidents beside those of keys: {', '.join(others) or 'none'}",
        *(f"- {'held' if holds else '**not held**'}: {text}" for text, holds in claims),
        "",
    ])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bench", type=pathlib.Path)
    parser.add_argument("bootstrap", type=pathlib.Path)
    parser.add_argument("--objects", type=int, default=1_000_000)
    arguments = parser.parse_args()
    with Emulator() as emulator:
        aws = Aws(emulator.url)
        mailbox = outside(aws)
        command = [arguments.bench, arguments.bootstrap, "-", "--hour", str(arguments.objects), "--state", emulator.url]
        hour = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        seen, messages = incidents(aws), mailbox.fetch_all()
    claims = held(hour, seen, messages)
    text = page(hour, seen, messages, claims)
    print(text)
    if arguments.objects == parser.get_default("objects"):
        kept = PAGE.read_text().partition(HEAD)[0] if PAGE.is_file() else ""
        PAGE.write_text(kept + text)
    return 0 if all(holds for _, holds in claims) else 1


if __name__ == "__main__":
    sys.exit(main())
