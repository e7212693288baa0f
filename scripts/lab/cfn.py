"""What CloudFormation makes of a template: its parameters' limits, its rules, and its intrinsic functions, without a cloud.

For figures that no emulator refuses (quotas), and for texts as they will be. Must never give a value for a function that it
does not know: it raises.
"""

import logging
import re

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

from .emulator import ACCOUNT, REGION

# It complains of figures of its own that nobody has asked for.
logging.getLogger("samtranslator.metrics.metrics").setLevel(logging.ERROR)

# The longest names that CloudFormation gives, by type: it cuts the stack's name and the logical id to fit.
# <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-name.html>
NAMES = {
    "AWS::Lambda::Function": 64, "AWS::SQS::Queue": 80, "AWS::SNS::Topic": 256, "AWS::DynamoDB::Table": 255,
    "AWS::Events::Rule": 64, "AWS::IAM::Role": 64,
}
ARNS = {
    "AWS::Lambda::Function": "arn:aws:lambda:{region}:{account}:function:{name}",
    "AWS::SQS::Queue": "arn:aws:sqs:{region}:{account}:{name}",
    "AWS::SNS::Topic": "arn:aws:sns:{region}:{account}:{name}",
    "AWS::DynamoDB::Table": "arn:aws:dynamodb:{region}:{account}:table/{name}",
    "AWS::Events::Rule": "arn:aws:events:{region}:{account}:rule/{name}",
    "AWS::IAM::Role": "arn:aws:iam::{account}:role/{name}",
}


def parsed(text: str) -> dict:
    return yaml_parse(text)


def wrong_with(definition: dict, value: str) -> str | None:
    """Why CloudFormation refuses the value of a parameter; none if it takes it."""
    if "MaxLength" in definition and len(value) > int(definition["MaxLength"]):
        return "too long"
    if "AllowedPattern" in definition and not re.fullmatch(definition["AllowedPattern"], value):
        return "not of the pattern"
    if "AllowedValues" in definition and value not in [str(allowed) for allowed in definition["AllowedValues"]]:
        return "none of the values"
    return None


class Evaluated:
    """The resources of a template (`text`: its source) with these parameters, as CloudFormation would make them."""

    def __init__(self, text: str, stack: str = "darwin-s3-guard", region: str = REGION, account: str = ACCOUNT, **parameters):
        source = parsed(text)
        definitions = source["Parameters"]
        self.values = {name: str(definition["Default"]) for name, definition in definitions.items()} | parameters
        self.refused = [f"{name}: {wrong}" for name, value in self.values.items() if (wrong := wrong_with(definitions[name], value))]
        # It asks the session for its Region, and calls nothing.
        translator = Translator({}, Parser(), boto_session=boto3.Session(region_name=region))
        self.template = translator.translate(source, {})
        self.pseudo = {
            "AWS::StackName": stack, "AWS::Region": region, "AWS::AccountId": account, "AWS::Partition": "aws",
            "AWS::StackId": f"arn:aws:cloudformation:{region}:{account}:stack/{stack}/8a5b1f00-c94c-11f0-a1b2-0a1b2c3d4e5f",
            "AWS::URLSuffix": "amazonaws.com",
        }
        for rule in source.get("Rules", {}).values():
            if self._holds(rule.get("RuleCondition", {"Fn::Equals": ["", ""]})):
                self.refused += [part["AssertDescription"] for part in rule["Assertions"] if not self._holds(part["Assert"])]
        self.resources = {
            name: {"Type": resource["Type"], **self._value(resource.get("Properties", {}))}
            for name, resource in self.template["Resources"].items()
            if "Condition" not in resource or self._holds(self.template["Conditions"][resource["Condition"]])
        }

    def of_type(self, kind: str) -> dict:
        return {name: resource for name, resource in self.resources.items() if resource["Type"] == kind}

    def outputs(self) -> dict:
        return {
            name: self._value(output["Value"]) for name, output in self.template["Outputs"].items()
            if "Condition" not in output or self._holds({"Condition": output["Condition"]})
        }

    def arns(self) -> dict:
        """Of what is made, where a role's policy may name it."""
        return {name: self._attribute(name, "Arn") for name, resource in self.resources.items() if resource["Type"] in ARNS}

    def _holds(self, condition) -> bool:
        (function, argument), = condition.items()
        match function:
            case "Condition":
                return self._holds(self.template["Conditions"][argument])
            case "Fn::Equals":
                left, right = (self._value(side) for side in argument)
                return left == right
            case "Fn::Not":
                return not self._holds(argument[0])
            case "Fn::And":
                return all(self._holds(part) for part in argument)
            case "Fn::Or":
                return any(self._holds(part) for part in argument)
        raise NotImplementedError(function)

    def _value(self, node):
        if isinstance(node, list):
            return [value for value in map(self._value, node) if value is not None]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (function, argument), = node.items()
            if function == "Ref" or function.startswith("Fn::"):
                return self._function(function, argument)
        made = {name: self._value(value) for name, value in node.items()}
        return {name: value for name, value in made.items() if value is not None}

    def _function(self, function: str, argument):
        match function:
            case "Ref":
                return self._ref(argument)
            case "Fn::GetAtt":
                return self._attribute(*(argument if isinstance(argument, list) else argument.split(".", 1)))
            case "Fn::If":
                name, yes, no = argument
                return self._value(yes if self._holds({"Condition": name}) else no)
            case "Fn::Join":
                separator, parts = argument
                return separator.join(self._value(parts))
            case "Fn::Split":
                separator, text = argument
                return self._value(text).split(separator)
            case "Fn::Sub":
                text, given = argument if isinstance(argument, list) else (argument, {})
                return re.sub(r"\$\{([^!}]+)\}", lambda match: self._named(match[1], given), text)
        raise NotImplementedError(function)

    def _named(self, name: str, given: dict) -> str:
        if name in given:
            return self._value(given[name])
        return self._attribute(*name.split(".", 1)) if "." in name else self._ref(name)

    def _name(self, logical: str) -> str:
        kind = self.template["Resources"][logical]["Type"]
        return f"{self.pseudo['AWS::StackName']}-{logical}"[:NAMES[kind] - 13] + "-1A2B3C4D5E6F"

    def _ref(self, name: str):
        if name == "AWS::NoValue":
            return None
        if name in self.pseudo or name in self.values:
            return self.pseudo.get(name) or self.values[name]
        resource = self.template["Resources"][name]
        if resource["Type"] == "AWS::SQS::Queue":
            return f"https://sqs.{self.pseudo['AWS::Region']}.amazonaws.com/{self.pseudo['AWS::AccountId']}/{self._name(name)}"
        if resource["Type"] == "AWS::Logs::LogGroup":
            return self._value(resource["Properties"]["LogGroupName"])
        return self._attribute(name, "Arn") if resource["Type"] == "AWS::SNS::Topic" else self._name(name)

    def _attribute(self, name: str, attribute: str) -> str:
        if attribute == "QueueName":
            return self._name(name)
        if attribute != "Arn":
            raise NotImplementedError(f"{name}.{attribute}")
        pattern = ARNS[self.template["Resources"][name]["Type"]]
        return pattern.format(region=self.pseudo["AWS::Region"], account=self.pseudo["AWS::AccountId"], name=self._name(name))
