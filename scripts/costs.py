#!/usr/bin/env python3
"""What the guard costs, worked out from counted calls and bytes; writes the tables of docs/deploy.md and README.md's sentence.

`costs.py` writes them, `costs.py --check` fails where they differ. tests/e2e/test_costs.py counts on the emulator what is assumed here
of calls and log bytes. Standard library only.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
MILLION, DAYS = 1_000_000, 30

# US dollars, us-east-1, list prices without free tiers, seen in November 2026 (https://aws.amazon.com/pricing/, by service).
HEAD, SQS, EVENTBRIDGE = 0.40, 0.40, 1.00  # a million; EventBridge's class "opt-in data events", S3's among them
INVOCATIONS, GB_SECOND = 0.20, 0.0000133334  # a million; arm64
LOG_GB, ALARM, DASHBOARD, METRIC = 0.50, 0.10, 3.00, 0.30  # a GB taken in; a month each

# Counted by the test: an allowed object under a known key is one call; a line of the log with its metrics. Assumed: Lambda's own start
# and report lines.
CALLS_AN_OBJECT = 1
LINE_BYTES, PLATFORM_BYTES = 720, 450
# Assumed, well above what `make bench` measures here: Lambda at 256 MB has a seventh of a core.
SECONDS_A_BATCH, SECONDS_AN_OBJECT, MEMORY_GB = 1.0, 0.03, 0.25
# The template's.
ALARMS, METRICS, QUEUES = 9, 12, 2
# Lambda's: long polls that it keeps open on an idle queue, and their length in seconds.
POLLS, POLL_SECONDS = 5, 20


def money(amount: float) -> str:
    return f"${amount:.2f}" if amount >= 0.01 else f"${amount:.3f}"


def uploads(batch: int, seconds: float, each_way: float) -> dict:
    """A million uploads in batches: what it costs, by row. `each_way`: SQS requests an upload."""
    invocations = MILLION / batch
    return {
        "HeadObject, one an object": HEAD * CALLS_AN_OBJECT,
        "EventBridge, S3's events (none with a direct notification)": EVENTBRIDGE,
        "SQS: send, receive, delete. Sends come singly, the rest in tens at best": SQS * each_way,
        "Lambda, requests": INVOCATIONS * invocations / MILLION,
        "Lambda, time of 256 MB on arm64": invocations * seconds * MEMORY_GB * GB_SECOND,
        f"logs: {LINE_BYTES + PLATFORM_BYTES:,} bytes an invocation; allowed objects are counted, not listed":
            invocations * (LINE_BYTES + PLATFORM_BYTES) / 1e9 * LOG_GB,
    }


BATCHES, SINGLE = uploads(100, SECONDS_A_BATCH, 1.2), uploads(1, SECONDS_AN_OBJECT, 3.0)
POLLED = QUEUES * POLLS * 86_400 * DAYS / POLL_SECONDS
FIXED = {
    f"alarms, {ALARMS}": ALARMS * ALARM,
    "dashboard (the first three of an account are free)": DASHBOARD,
    f"metrics of the guard, at most {METRICS}; an hour in which one was not reported is not billed": METRICS * METRIC,
    f"polling of {QUEUES} idle queues: {POLLED / MILLION:.1f} million requests": POLLED / MILLION * SQS,
    "schedule: 720 invocations, some 12 reads a bucket each": 720 * 12 * HEAD / MILLION + 720 * 0.5 * MEMORY_GB * GB_SECOND,
}


def tables() -> str:
    lines = ["A month, whatever comes:", "| | |", "|---|---|"]
    lines += [f"| {name} | {money(amount)} |" for name, amount in FIXED.items()]
    lines += [f"| **sum** | **{money(sum(FIXED.values()))}** |", "", "A million uploads:", "| | batches of 100 | one by one |", "|---|---|---|"]
    lines += [f"| {name} | {money(amount)} | {money(SINGLE[name])} |" for name, amount in BATCHES.items()]
    lines += [f"| **sum** | **{money(sum(BATCHES.values()))}** | **{money(sum(SINGLE.values()))}** |"]
    return "\n".join(lines)


def sentence() -> str:
    return (
        f"A million uploads: about {money(sum(BATCHES.values()))} in batches of a hundred, {money(sum(SINGLE.values()))} one by one; "
        f"{money(EVENTBRIDGE)} of it is EventBridge.\nA month without any: at most {money(sum(FIXED.values()))} "
        "for alarms, dashboard, metrics and the polling of idle queues."
    )


PLACES = {"docs/deploy.md": tables, "README.md": sentence}


def main() -> int:
    wrong = []
    for name, made in PLACES.items():
        path = ROOT / name
        text = path.read_text()
        fresh, found = re.subn(
            r"(<!-- scripts/costs.py -->\n)(?:.*?\n)?(<!-- /costs -->)", lambda match: f"{match[1]}{made()}\n{match[2]}", text, flags=re.DOTALL,
        )
        if found != 1:
            wrong.append(f"{name}: the marks of scripts/costs.py are missing")
        elif fresh != text:
            if "--check" in sys.argv[1:]:
                wrong.append(f"{name} differs from what scripts/costs.py works out: run it")
            else:
                path.write_text(fresh)
    print("\n".join(wrong) or "costs: as worked out")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
