//! The five calls there are, each on one item (or one partition), each strongly consistent.
//!
//! Must never treat a failed condition as an error: it is an answer.

use crate::incident::life::StoreResult;
use crate::model::aws::Operation;
use crate::shell::aws::dynamodb::error::{Failed, failed};
use crate::shell::aws::dynamodb::item::{Item, Place, s};
use crate::shell::aws::dynamodb::table::Table;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use std::collections::HashMap;

/// Whether a write was made.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Wrote {
    /// It was; the item as it was before, where that was asked.
    Yes(Option<Item>),
    /// Its condition did not hold.
    No,
}

impl Wrote {
    pub(super) fn done(&self) -> bool {
        matches!(self, Self::Yes(_))
    }
}

/// One UpdateItem.
#[derive(Debug)]
pub(super) struct Update {
    place: Place,
    expression: &'static str,
    condition: Option<String>,
    values: HashMap<String, AttributeValue>,
}

impl Update {
    pub(super) fn new(place: Place, expression: &'static str) -> Self {
        Self { place, expression, condition: None, values: HashMap::new() }
    }

    pub(super) fn only_if(mut self, condition: impl Into<String>) -> Self {
        self.condition = Some(condition.into());
        self
    }

    pub(super) fn with(mut self, name: &str, value: AttributeValue) -> Self {
        self.values.insert(name.to_owned(), value);
        self
    }
}

impl Table {
    /// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html>
    pub(super) async fn update(&self, update: Update) -> StoreResult<Wrote> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.name)
            .key("pk", s(update.place.pk))
            .key("sk", s(update.place.sk))
            .update_expression(update.expression)
            .set_condition_expression(update.condition)
            .set_expression_attribute_values(Some(update.values))
            .return_values(ReturnValue::AllOld)
            .send()
            .await;
        wrote(answer.map(|output| output.attributes).map_err(|error| failed(Operation::UpdateItem, &error)))
    }

    /// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html>
    pub(super) async fn put(
        &self,
        place: Place,
        attributes: Vec<(&str, AttributeValue)>,
        condition: Option<&str>,
        values: Vec<(&str, AttributeValue)>,
    ) -> StoreResult<Wrote> {
        let answer = self.client.put_item().table_name(&self.name).item("pk", s(place.pk)).item("sk", s(place.sk));
        let answer = attributes.into_iter().fold(answer, |put, (name, value)| put.item(name, value));
        let answer = values.into_iter().fold(answer, |put, (name, value)| put.expression_attribute_values(name, value));
        let answer = answer.set_condition_expression(condition.map(str::to_owned)).send().await;
        wrote(answer.map(|_| None).map_err(|error| failed(Operation::PutItem, &error)))
    }

    /// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteItem.html>
    pub(super) async fn delete(
        &self,
        place: Place,
        condition: Option<&str>,
        values: &[(&str, AttributeValue)],
    ) -> StoreResult<Wrote> {
        let delete = self.client.delete_item().table_name(&self.name).key("pk", s(place.pk)).key("sk", s(place.sk));
        let delete = values
            .iter()
            .fold(delete, |delete, (name, value)| delete.expression_attribute_values(*name, value.clone()));
        let answer = delete.set_condition_expression(condition.map(str::to_owned)).send().await;
        wrote(answer.map(|_| None).map_err(|error| failed(Operation::DeleteItem, &error)))
    }

    /// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html>
    pub(super) async fn get(&self, place: Place) -> StoreResult<Option<Item>> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.name)
            .key("pk", s(place.pk))
            .key("sk", s(place.sk))
            .consistent_read(true)
            .send()
            .await;
        answer.map(|output| output.item).map_err(|error| failed(Operation::GetItem, &error).into())
    }

    /// Every page of the items of a partition whose sort key begins with `prefix`, as far as the filter lets them.
    /// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html>
    pub(super) async fn query_all(&self, partition: &str, prefix: &str, filter: &str) -> StoreResult<Vec<Item>> {
        let mut items = Vec::new();
        let mut from = None;
        loop {
            let answer = self
                .client
                .query()
                .table_name(&self.name)
                .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                .filter_expression(filter)
                .expression_attribute_values(":pk", s(partition))
                .expression_attribute_values(":prefix", s(prefix))
                .consistent_read(true)
                .set_exclusive_start_key(from)
                .send()
                .await
                .map_err(|error| failed(Operation::Query, &error))?;
            items.extend(answer.items.unwrap_or_default());
            match answer.last_evaluated_key {
                Some(key) if !key.is_empty() => from = Some(key),
                _ => return Ok(items),
            }
        }
    }
}

fn wrote(answer: Result<Option<Item>, Failed>) -> StoreResult<Wrote> {
    match answer {
        Ok(old) => Ok(Wrote::Yes(old)),
        Err(Failed::Condition) => Ok(Wrote::No),
        Err(error) => Err(error.into()),
    }
}
