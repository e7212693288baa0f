//! The alert topic.
//!
//! Must never write a message: it comes ready.

use crate::app::ports::Topic;
use crate::model::aws::{AwsResult, Operation};
use crate::report::notice::{Message, data_type};
use crate::shell::aws::bucket::unsendable;
use crate::shell::aws::client::Clients;
use crate::shell::aws::error::Classed;
use aws_sdk_sns::types::MessageAttributeValue;
use std::cell::OnceCell;

/// One topic, by its ARN.
#[derive(Debug)]
pub struct Sns {
    clients: Clients,
    /// Made with the first message: most processes send none.
    client: OnceCell<aws_sdk_sns::Client>,
    topic: String,
}

impl Sns {
    pub fn new(clients: &Clients, topic_arn: &str) -> Self {
        Self { clients: clients.clone(), client: OnceCell::new(), topic: topic_arn.to_owned() }
    }

    fn client(&self) -> &aws_sdk_sns::Client {
        self.client.get_or_init(|| self.clients.sns())
    }
}

impl Topic for Sns {
    async fn publish(&self, message: &Message) -> AwsResult<()> {
        let operation = Operation::Publish;
        let mut call = self
            .client()
            .publish()
            .topic_arn(&self.topic)
            .subject(&message.subject)
            .message(&message.body)
            .message_structure("json");
        for (name, value) in &message.attributes {
            let value = MessageAttributeValue::builder().data_type(data_type(value)).string_value(value).build();
            call = call.message_attributes(name, value.map_err(|error| unsendable(operation, &error))?);
        }
        call.send().await.classed(operation).map(drop)
    }

    async fn subscriptions_confirmed(&self) -> AwsResult<u64> {
        let operation = Operation::GetTopicAttributes;
        let answer = self.client().get_topic_attributes().topic_arn(&self.topic).send().await.classed(operation)?;
        let text = answer.attributes().and_then(|attributes| attributes.get("SubscriptionsConfirmed"));
        Ok(text.and_then(|text| text.parse().ok()).unwrap_or_default())
    }
}
