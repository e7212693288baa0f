"""The real `template.yaml`, deployed through CloudFormation on the emulator.

One thing of a real deployment is done by hand, and only here: the code's place in S3 is filled in (`sam package` does it).
"""

import io
import json
import pathlib
import time
import zipfile

import boto3
import botocore.config

from .emulator import ACCOUNT, HANGS, REGION, LabError
from .tools import ROOT

TEMPLATE = ROOT / "template.yaml"
BOOTSTRAP = ROOT / "target" / "lambda" / "darwin-s3-guard" / "bootstrap"
CODE_BUCKET = "code-of-the-stack"


def session() -> boto3.Session:
    return boto3.Session(aws_access_key_id=ACCOUNT, aws_secret_access_key="none", region_name=REGION)


def client(endpoint: str, service: str):
    """A client of one emulated service. S3 by path, since the emulator is not a host name with subdomains."""
    config = botocore.config.Config(
        s3={"addressing_style": "path"}, retries={"max_attempts": 2}, read_timeout=HANGS, max_pool_connections=120,
        proxies={}, request_checksum_calculation="when_required", response_checksum_validation="when_required",
    )
    return session().client(service, endpoint_url=endpoint, config=config)


class Aws:
    """Clients of the emulated AWS by name, e.g. `aws.s3` (`aws.lambda_`, as `lambda` is a word of Python), made on first use."""

    def __init__(self, endpoint: str):
        self.endpoint = endpoint

    def __getattr__(self, service: str):
        made = client(self.endpoint, service.rstrip("_"))
        setattr(self, service, made)
        return made


class Stack:
    """One deployment of the template."""

    def __init__(self, emulator, bootstrap: pathlib.Path = BOOTSTRAP, name: str = "darwin-s3-guard"):
        self.aws = Aws(emulator.url)
        self.name = name
        self.bootstrap = pathlib.Path(bootstrap)
        self.outputs = {}
        if not self.bootstrap.is_file():
            raise LabError(f"`{self.bootstrap}` is not there; `make build` makes it")

    def _template(self) -> str:
        text = TEMPLATE.read_text()
        place = f"CodeUri: s3://{CODE_BUCKET}/{self._upload()}"
        if text.count("CodeUri: .\n") != 1:
            raise LabError("template.yaml no longer holds exactly one `CodeUri: .`")
        return text.replace("CodeUri: .\n", place + "\n")

    def _upload(self) -> str:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            entry = zipfile.ZipInfo("bootstrap", (2020, 1, 1, 0, 0, 0))
            entry.external_attr = 0o755 << 16
            archive.writestr(entry, self.bootstrap.read_bytes())
        if CODE_BUCKET not in [bucket["Name"] for bucket in self.aws.s3.list_buckets()["Buckets"]]:
            self.aws.s3.create_bucket(
                Bucket=CODE_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
            )
        key = f"{self.name}.zip"
        self.aws.s3.put_object(Bucket=CODE_BUCKET, Key=key, Body=buffer.getvalue())
        return key

    @staticmethod
    def _parameters(values: dict) -> list:
        def text(value):
            return ",".join(value) if isinstance(value, (list, tuple)) else str(value)

        return [{"ParameterKey": name, "ParameterValue": text(value)} for name, value in values.items()]

    def create(self, **parameters) -> "Stack":
        self._change(self.aws.cloudformation.create_stack, parameters)
        return self

    def update(self, **parameters) -> "Stack":
        self._change(self.aws.cloudformation.update_stack, parameters)
        return self

    def _change(self, call, parameters: dict) -> None:
        call(
            StackName=self.name, TemplateBody=self._template(), Parameters=self._parameters(parameters),
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        state = self._settle()
        if state not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise LabError(f"the stack is {state}:\n{self.why()}")
        stack = self.aws.cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]
        self.outputs = {entry["OutputKey"]: entry["OutputValue"] for entry in stack.get("Outputs", [])}

    def _settle(self) -> str:
        limit = time.monotonic() + HANGS
        while time.monotonic() < limit:
            try:
                stack = self.aws.cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]
            except self.aws.cloudformation.exceptions.ClientError:
                return "gone"
            if not stack["StackStatus"].endswith("_IN_PROGRESS"):
                return stack["StackStatus"]
            time.sleep(0.05)
        raise LabError(f"the stack {self.name} is not done after {HANGS} s")

    def why(self) -> str:
        events = self.aws.cloudformation.describe_stack_events(StackName=self.name)["StackEvents"]
        return "\n".join(
            f"  {event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"
            for event in events if "FAILED" in event["ResourceStatus"] or "ROLLBACK" in event["ResourceStatus"]
        )

    def delete(self) -> None:
        self.aws.cloudformation.delete_stack(StackName=self.name)
        state = self._settle()
        if state not in ("gone", "DELETE_COMPLETE"):
            raise LabError(f"the stack is {state}:\n{self.why()}")

    @property
    def function(self) -> str:
        return self.outputs["FunctionName"]

    def environment(self) -> dict:
        """The function's environment as the template made it, and what was added here."""
        return self.aws.lambda_.get_function_configuration(FunctionName=self.function)["Environment"]["Variables"]

    def configure(self, seconds: int, **variables: str) -> None:
        """Gives the function another timeout than the template's, and further variables."""
        self.aws.lambda_.update_function_configuration(
            FunctionName=self.function, Timeout=seconds, Environment={"Variables": self.environment() | variables}
        )

    def retry_at_once(self, queue: str):
        """What the function gives back to this queue comes again at once, not after the template's six minutes. Without that
        time, only their number keeps a second function from a message that a first is at work on. Answers what undoes it."""
        url, name = self.outputs[queue], self.function
        before = self.aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
        self.aws.lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
        self.aws.sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "0"})

        def undo() -> None:
            self.aws.sqs.set_queue_attributes(QueueUrl=url, Attributes=before)
            self.aws.lambda_.delete_function_concurrency(FunctionName=name)

        return undo

    def settled(self) -> bool:
        """Nothing is in its queues: no function is at work on a message, and what was to be reported is reported.

        The emulator puts an upload's event there when PutObject has been answered already.
        """
        names = [f"ApproximateNumberOfMessages{which}" for which in ("", "NotVisible", "Delayed")]
        return not any(
            int(count)
            for output in ("ObjectQueueUrl", "ConfigQueueUrl")
            for count in self.aws.sqs.get_queue_attributes(QueueUrl=self.outputs[output], AttributeNames=names)["Attributes"].values()
        )

    def invoke(self, event) -> tuple[bool, object]:
        """Invokes the function directly: whether it succeeded, and its answer."""
        answer = self.aws.lambda_.invoke(FunctionName=self.function, Payload=json.dumps(event).encode())
        text = answer["Payload"].read().decode()
        return "FunctionError" not in answer, json.loads(text) if text else None
