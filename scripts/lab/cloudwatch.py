"""What CloudWatch makes of a log line, and of an alarm's data: the embedded metric format and alarms' states, by AWS's documentation.

The emulator takes no metric out of a line, and knows no missing data. Must never give a figure for what it does not know: it raises.
"""

import json

import jsonschema

from .tools import ROOT

SCHEMA = jsonschema.Draft202012Validator(json.loads((ROOT / "tests" / "cases" / "emf.json").read_text()))
LINE = 1024 * 1024


def metrics(line: dict) -> list:
    """The data of a line: namespace, name, dimensions, value, unit and time of each. None where it is no metric document."""
    if "_aws" not in line:
        return []
    SCHEMA.validate(line)
    if len(json.dumps(line).encode()) > LINE:
        raise ValueError("a line of more than 1 MB")
    found = []
    for directive in line["_aws"]["CloudWatchMetrics"]:
        names = [metric["Name"] for metric in directive["Metrics"]]
        if len(names) != len(set(names)):
            raise ValueError(f"a metric twice: {names}")
        for dimensions in directive["Dimensions"]:
            values = {name: dimension(line, name) for name in dimensions}
            for metric in directive["Metrics"]:
                found.append({
                    "Namespace": directive["Namespace"], "MetricName": metric["Name"], "Dimensions": values,
                    "Value": number(line, metric["Name"]), "Unit": metric.get("Unit", "None"), "Timestamp": line["_aws"]["Timestamp"] / 1000,
                })
    return found


def dimension(line: dict, name: str) -> str:
    value = line.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= 1024 or not value.isascii() or not value.strip():
        raise ValueError(f"no value of the dimension {name}: {value!r}")
    return value


def number(line: dict, name: str) -> float:
    value = line.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"no value of the metric {name}: {value!r}")
    return value


STATISTICS = {"Sum": sum, "Maximum": max, "SampleCount": len}
BREACHES = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
}


def watched(alarm: dict, data: list) -> list:
    """Of the data those that the alarm is about: namespace, name and every dimension, no more and no fewer."""
    dimensions = {entry["Name"]: entry["Value"] for entry in alarm["Dimensions"]}
    wanted = (alarm["Namespace"], alarm["MetricName"], dimensions)
    return [datum for datum in data if (datum["Namespace"], datum["MetricName"], datum["Dimensions"]) == wanted]


def state(alarm: dict, periods: list) -> str:
    """The state after these periods, the oldest first, each with the values of its data; an empty one is missing.

    Of more periods than the alarm evaluates, those without data are passed over first: AWS's table for missing data.
    <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html>
    """
    if alarm.get("DatapointsToAlarm") not in (None, alarm["EvaluationPeriods"]):
        raise NotImplementedError("M out of N")
    breaches = [
        BREACHES[alarm["ComparisonOperator"]](STATISTICS[alarm["Statistic"]](values), alarm["Threshold"]) for values in periods if values
    ]
    last = breaches[-alarm["EvaluationPeriods"]:]
    missing = alarm["EvaluationPeriods"] - len(last)
    match alarm["TreatMissingData"]:
        case "notBreaching":
            last += [False] * missing
        case "missing":
            if not last:
                return "INSUFFICIENT_DATA"
        case other:
            raise NotImplementedError(other)
    return "ALARM" if all(last) else "OK"
