//! The document that an event says somebody submitted, in the form in which the API gives it.
//!
//! Only ever compared and shown. CloudTrail has S3's XML as JSON: a single element may stand without its list.

use crate::model::change::Subject;
use crate::model::s3::{CorsRule, Notifications, Service, Target};
use serde_json::Value;

/// The document of an event, from its `requestParameters`. None if it holds none that can be read.
pub(super) fn document(subject: Subject, request_parameters: &str) -> Option<String> {
    let value: Value = serde_json::from_str(request_parameters).ok()?;
    match subject {
        Subject::Policy => {
            let policy = value.get("bucketPolicy")?;
            Some(policy.as_str().map_or_else(|| policy.to_string(), str::to_owned))
        }
        Subject::Cors => {
            let rules = value.get("CORSConfiguration")?.get("CORSRule")?;
            let rules: Vec<CorsRule> = listed(rules).into_iter().map(rule).collect();
            Some(rules_json(&rules))
        }
        Subject::Notification => Some(notifications(value.get("NotificationConfiguration")?)?.document()),
    }
}

/// CORS rules as they are kept and compared.
pub fn rules_json(rules: &[CorsRule]) -> String {
    serde_json::to_string(rules).unwrap_or_default()
}

fn rule(value: &Value) -> CorsRule {
    let age = value.get("MaxAgeSeconds").and_then(|age| match age {
        Value::String(text) => text.parse().ok(),
        other => other.as_i64(),
    });
    CorsRule {
        id: value.get("ID").and_then(Value::as_str).map(str::to_owned),
        allowed_headers: texts(value, "AllowedHeader"),
        allowed_methods: texts(value, "AllowedMethod"),
        allowed_origins: texts(value, "AllowedOrigin"),
        expose_headers: texts(value, "ExposeHeader"),
        max_age_seconds: age.and_then(|age| i32::try_from(age).ok()),
    }
}

/// None for a target that can't be read: what is not known whole can't be compared.
fn notifications(value: &Value) -> Option<Notifications> {
    let mut targets = Vec::new();
    for service in Service::ALL {
        let (list, arn) = service.xml_names();
        for of_it in value.get(list).map(listed).unwrap_or_default() {
            let rules = of_it.get("Filter").and_then(|filter| filter.get("S3Key")?.get("FilterRule"));
            let rules = rules.map(listed).unwrap_or_default();
            let text = |rule: &Value, name: &str| rule.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            targets.push(Target {
                service,
                arn: of_it.get(arn).and_then(Value::as_str)?.to_owned(),
                id: of_it.get("Id").and_then(Value::as_str).map(str::to_owned),
                events: texts(of_it, "Event"),
                filter: rules.iter().map(|rule| (text(rule, "Name").to_lowercase(), text(rule, "Value"))).collect(),
            });
        }
    }
    Some(Notifications { event_bridge: value.get("EventBridgeConfiguration").is_some(), targets })
}

fn texts(value: &Value, name: &str) -> Vec<String> {
    let found = value.get(name).map(listed).unwrap_or_default();
    found.into_iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn listed(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        other => vec![other],
    }
}
