"""What a subscriber of the alert topic receives: a real SQS subscription to it."""

import json

from .scene import until


class Mailbox:
    def __init__(self, aws, topic: str, name: str = "somebody-who-reads-alerts"):
        self.aws = aws
        self.url = aws.sqs.create_queue(QueueName=name)["QueueUrl"]
        attributes = aws.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])["Attributes"]
        self.subscription = aws.sns.subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint=attributes["QueueArn"], ReturnSubscriptionArn=True
        )["SubscriptionArn"]
        self.messages = []

    def fetch(self) -> list:
        """Takes what is there: the alert documents (docs/messages.md), each with its SNS `attributes` and `subject`."""
        answer = self.aws.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10)
        new = []
        taken = answer.get("Messages", [])
        if taken:
            entries = [{"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]} for n, message in enumerate(taken)]
            self.aws.sqs.delete_message_batch(QueueUrl=self.url, Entries=entries)
        for message in taken:
            envelope = json.loads(message["Body"])
            document = json.loads(envelope["Message"])
            attributes = {k: v["Value"] for k, v in envelope.get("MessageAttributes", {}).items()}
            # One message may have several incidents: those of one change.
            new += [{**incident, "attributes": attributes} for incident in [document, *document.pop("also", [])]]
        self.messages += new
        return new

    def fetch_all(self) -> list:
        """Every message so far that nobody has taken out. One that a function has sent is here when the function answers."""
        while self.fetch():
            pass
        return self.messages

    def wait(self, wanted, over=lambda: False):
        """The first message, old or new, for which `wanted` holds; it is taken out. None if `over` says that it won't come."""
        message = until(lambda: next(filter(wanted, self.fetch_all()), None), over)
        if message:
            self.messages.remove(message)
        return message
