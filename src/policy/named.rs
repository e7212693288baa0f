//! What policies say of the resource itself: its account, its Region, which key it is.
//!
//! Must never miss one: what the files do not say of these is made up, and may then decide nothing.

use crate::policy::document::PolicyDocument;
use crate::policy::statement::Scope;

/// What makes a difference to some policy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Named {
    pub account: bool,
    pub region: bool,
    /// One key or some, by their ids.
    pub keys: bool,
}

impl Named {
    /// By the condition keys and variables of a document, and by the ARNs that it is about.
    pub fn by(text: &str) -> Self {
        let lower = text.to_ascii_lowercase();
        // An escape may hide any name.
        let has = |word: &str| lower.contains(word) || lower.contains("\\u");
        let asked =
            Self { account: has("resourceaccount"), region: has("requestedregion") || has("viaservice"), keys: false };
        let policy = PolicyDocument::parse(text);
        let resources = policy.statements().iter().map(|statement| &statement.resources);
        resources.flat_map(Scope::texts).map(Self::by_resource).fold(asked, Self::or)
    }

    /// A `*` for a whole part of the ARN is as good for an invented one as for the right one.
    fn by_resource(pattern: &str) -> Self {
        if pattern.chars().all(|letter| letter == '*') {
            return Self::default();
        }
        let [arn, partition, service, region, account, resource] = {
            let mut parts = pattern.splitn(6, ':').map(Some).chain(std::iter::repeat(None));
            [(); 6].map(|()| parts.next().flatten())
        };
        let wild = |part: &str| part.contains(['*', '?', '$']);
        // Other resources than keys are asked for as they are named: a bucket has neither account nor Region.
        if arn.is_some_and(|arn| arn == "arn") && service.is_some_and(|service| service != "kms" && !wild(service)) {
            return Self {
                region: partition.is_some_and(|partition| partition.starts_with("aws-")),
                ..Self::default()
            };
        }
        // A pattern that is over before its sixth part goes on as it ends.
        let says = |part: Option<&str>, whole: &str| part.is_some_and(|part| part != "*" && part != whole);
        let early = says(arn, "arn");
        Self {
            account: early || says(account, "*"),
            region: early || says(partition, "aws") || says(region, "*"),
            keys: early || says(resource, "key/*"),
        }
    }

    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            account: self.account || other.account,
            region: self.region || other.region,
            keys: self.keys || other.keys,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_arn_says_of_what_account_region_and_key_it_is() {
        for (resource, wanted) in [
            ("*", ""),
            ("arn:aws:kms:*:*:key/*", ""),
            ("arn:aws:kms:*:*:*", ""),
            ("arn:aws:kms:*", ""),
            ("arn:aws:s3:::acme-lidar/*", ""),
            ("arn:aws:s3:eu-central-1:111122223333:accesspoint/x", ""),
            ("arn:aws:kms:eu-central-1:111122223333:key/*", "account region"),
            ("arn:*:kms:*:111122223333:*", "account"),
            ("arn:aws:kms:eu-*", "region"),
            ("arn:aws:k*:eu-central-1:*:key/*", "region"),
            ("arn:aws:kms:*:*:key/1234abcd-12ab-34cd-56ef-1234567890ab", "keys"),
            ("arn:aws:kms:*:*:key/mrk-*", "keys"),
            ("arn:aws-cn:s3:::acme-lidar/*", "region"),
            ("arn:aws:kms:*:${aws:PrincipalAccount}:key/*", "account keys"),
            ("*key/1234", "account region keys"),
        ] {
            for element in ["Resource", "NotResource"] {
                let statement =
                    json!({"Effect": "Deny", "Principal": "*", "Action": "kms:*", element: ["*", resource]});
                let text = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
                let Named { account, region, keys } = Named::by(&text);
                let named = [(account, "account"), (region, "region"), (keys, "keys")];
                let named: Vec<&str> = named.into_iter().filter_map(|(named, word)| named.then_some(word)).collect();
                assert_eq!(named.join(" "), wanted, "{element} {resource}");
            }
        }
    }

    #[test]
    fn a_condition_or_a_variable_says_so_too_even_where_an_escape_hides_it() {
        let of = |condition: &str| {
            Named::by(&format!(r#"{{"Statement": [{{"Effect": "Deny", "Resource": "*", "Condition": {condition}}}]}}"#))
        };
        assert_eq!(of("{}"), Named::default());
        assert!(of(r#"{"StringEquals": {"aws:ResourceAccount": "1"}}"#).account);
        assert!(of(r#"{"StringEquals": {"aws:PrincipalAccount": "${aws:resourceaccount}"}}"#).account);
        assert!(of(r#"{"StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}}"#).region);
        assert!(of(r#"{"StringEquals": {"aws:RequestedRegion": "eu-central-1"}}"#).region);
        assert!(of(r#"{"StringEquals": {"aws:\u0052esourceAccount": "1"}}"#).account);
    }
}
