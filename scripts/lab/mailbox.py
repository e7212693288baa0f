"""What a subscriber of the alert topic receives: a real SQS subscription to it."""

import json
import time


class Mailbox:
    def __init__(self, aws, topic: str, name: str = "somebody-who-reads-alerts"):
        self.aws = aws
        self.url = aws.sqs.create_queue(QueueName=name)["QueueUrl"]
        attributes = aws.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])["Attributes"]
        self.subscription = aws.sns.subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint=attributes["QueueArn"], ReturnSubscriptionArn=True
        )["SubscriptionArn"]
        self.messages = []

    def fetch(self, wait: int = 0) -> list:
        """Takes what is there: the alert documents (docs/messages.md), each with its SNS `attributes` and `subject`."""
        answer = self.aws.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=wait)
        new = []
        for message in answer.get("Messages", []):
            self.aws.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
            envelope = json.loads(message["Body"])
            document = json.loads(envelope["Message"])
            document["attributes"] = {k: v["Value"] for k, v in envelope.get("MessageAttributes", {}).items()}
            new.append(document)
        self.messages += new
        return new

    def wait(self, wanted, seconds: float = 15):
        """The first message, old or new, for which `wanted` holds; it is taken out. None if it does not come."""
        limit = time.monotonic() + seconds
        while True:
            for message in self.messages:
                if wanted(message):
                    self.messages.remove(message)
                    return message
            if time.monotonic() > limit:
                return None
            if not self.fetch():
                time.sleep(0.05)
