#!/usr/bin/env python3
"""Stands in for the AWS CLI version 2 where documented commands are run: the same commands, through boto3, to the emulator.

Service, operation and parameters are held to AWS's own models, so that a misspelt command fails as it would with the CLI.
Must never reach a real AWS: without AWS_ENDPOINT_URL on loopback it refuses.
"""

import json
import os
import pathlib
import sys

import boto3
from botocore import xform_name

GLOBAL = {"region", "cli-binary-format"}


def value(shape, words: list):
    """The words after a parameter as the API wants them: JSON, `file://`, a list, `KEY=VALUE`, or a scalar."""
    text = words[0]
    if text.startswith("file://"):
        text = pathlib.Path(text.removeprefix("file://")).read_text()
    if shape.type_name in ("structure", "map", "list") and text.lstrip()[:1] in ("{", "["):
        return json.loads(text)
    if shape.type_name == "list":
        return [value(shape.member, [word]) for word in words]
    if shape.type_name in ("map", "structure"):
        return dict(part.split("=", 1) for word in words for part in word.split(","))
    if shape.type_name in ("integer", "long"):
        return int(text)
    return text.encode() if shape.type_name == "blob" else text


def main(arguments: list) -> None:
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    if not endpoint.startswith("http://127.0.0.1:"):
        sys.exit("AWS_ENDPOINT_URL is not on loopback")
    service, name, *rest = arguments
    client = boto3.client("s3" if service == "s3api" else service, endpoint_url=endpoint)
    operations = {xform_name(operation, "-"): operation for operation in client.meta.service_model.operation_names}
    if name not in operations:
        sys.exit(f"aws {service} has no operation {name}")
    shape = client.meta.service_model.operation_model(operations[name]).input_shape
    members = {xform_name(member, "-"): member for member in shape.members} if shape else {}
    given, files = {}, []
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            files.append(word)
            continue
        if word[2:] in GLOBAL:
            rest.pop(0)
            continue
        if word[2:] not in members:
            sys.exit(f"aws {service} {name} has no parameter {word}")
        member = shape.members[members[word[2:]]]
        words = []
        while rest and not rest[0].startswith("--") and (not words or member.type_name in ("list", "map")):
            words.append(rest.pop(0))
        given[members[word[2:]]] = value(member, words)
    answer = getattr(client, xform_name(operations[name]))(**given)
    answer.pop("ResponseMetadata", None)
    for member, held in answer.items():
        if hasattr(held, "read"):
            sys.stdout.write(held.read().decode() + "\n")
            answer[member] = f"in {files}"
    print(json.dumps(answer, indent=2, default=str))


if __name__ == "__main__":
    main(sys.argv[1:])
