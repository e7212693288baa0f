#!/usr/bin/env python3
"""Stands in for the AWS CLI where a command is only checked: held to botocore's model of the operation, with the answer given.

No call is made. The call is written to $AWS_MODEL_CALLS, one JSON line each; the answer of OPERATION is OPERATION.json in
$AWS_MODEL_ANSWERS, `{}` where there is none.
"""

import json
import os
import pathlib
import sys

import jmespath
from botocore import xform_name
from botocore.session import Session
from botocore.validate import ParamValidator

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from lab.aws_cli import value  # noqa: E402

# Of the CLI itself: with a value, and without.
GLOBAL = {"region", "cli-binary-format", "query", "output"}
# The CLI's own names of parameters, where they are not the API's.
OWN_NAMES = {("sns", "subscribe", "notification-endpoint"): "endpoint"}


def booleans(shape) -> dict:
    """`--confirm` and `--no-confirm` for each boolean of an operation."""
    named = {}
    for name, member in shape.members.items():
        if member.type_name == "boolean":
            named[xform_name(name, "-")] = (name, True)
            named["no-" + xform_name(name, "-")] = (name, False)
    return named


def parsed(arguments: list) -> tuple:
    service, operation, *rest = arguments
    model = Session().get_service_model("s3" if service == "s3api" else service)
    if operation == "wait":
        waiters = Session().get_waiter_model(service)
        named = {xform_name(name, "-"): name for name in waiters.waiter_names}
        if not rest or rest[0] not in named:
            sys.exit(f"aws {service} has no such waiter: {rest}")
        operation = xform_name(waiters.get_waiter(named[rest.pop(0)]).operation, "-")
    operations = {xform_name(name, "-"): name for name in model.operation_names}
    if operation not in operations:
        sys.exit(f"aws {service} has no operation {operation}")
    shape = model.operation_model(operations[operation]).input_shape
    members = {xform_name(member, "-"): member for member in shape.members}
    flags, given, options = booleans(shape), {}, {}
    while rest:
        word, _, attached = rest.pop(0).partition("=")
        name = word.removeprefix("--")
        name = OWN_NAMES.get((service, operation, name), name)
        if not word.startswith("--"):
            if service == "lambda" and operation == "invoke" and not rest:
                continue
            sys.exit(f"aws {service} {operation}: a word without a parameter: {word}")
        if name in GLOBAL:
            options[name] = rest.pop(0)
        elif name in flags:
            member, holds = flags[name]
            given[member] = holds
        elif name in members:
            member = shape.members[members[name]]
            words = [attached] if attached else []
            while rest and not rest[0].startswith("--") and (not words or member.type_name in ("list", "map")):
                words.append(rest.pop(0))
            if not words:
                sys.exit(f"aws {service} {operation} --{name} has no value")
            given[members[name]] = structure(member, words)
        else:
            sys.exit(f"aws {service} {operation} has no parameter --{name}")
    given = {name: held for name, held in given.items() if name != "ExpectedBucketOwner" or held.isdigit()}
    # The CLI makes such a token by itself.
    given |= {name: "token" for name, member in shape.members.items() if member.metadata.get("idempotencyToken") and name not in given}
    report = ParamValidator().validate(given, shape)
    if report.has_errors():
        sys.exit(f"aws {service} {operation}: {report.generate_report()}")
    return operations[operation], given, options


def structure(member, words: list):
    """`Rules=[{ObjectOwnership=BucketOwnerEnforced}]`, which `value` does not take, and everything that it does."""
    if words[0].startswith("Rules=[{") and words[0].endswith("}]"):
        return {"Rules": [dict(part.split("=", 1) for part in words[0][len("Rules=[{"):-2].split(","))]}
    return value(member, words)


def main() -> None:
    operation, given, options = parsed(sys.argv[1:])
    shown = {name: held.decode() if isinstance(held, bytes) else held for name, held in given.items()}
    with open(os.environ["AWS_MODEL_CALLS"], "a") as calls:
        calls.write(json.dumps({"operation": operation, "given": shown}) + "\n")
    answer = pathlib.Path(os.environ["AWS_MODEL_ANSWERS"]) / f"{operation}.json"
    held = json.loads(answer.read_text()) if answer.exists() else {}
    if "query" in options:
        held = jmespath.search(options["query"], held)
    if options.get("output") == "text":
        print("\t".join(held) if isinstance(held, list) else held)
    elif held:
        print(json.dumps(held))


if __name__ == "__main__":
    main()
