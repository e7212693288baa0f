//! Resource policies of S3 and KMS: read, and judged in three values.
//!
//! [`PolicyDocument::parse`] never fails: what is not understood stays in the view as a name, and every verdict that it
//! could change depends on that name. Must never let an unknown vanish, least of all one in a Deny.
//!
//! The tables below say it case by case. `tests/it/operators.rs` reads them from here and judges a policy for every cell.
//!
//! # What a form of an operator does with a key
//! `OP` is any operator of the next table but `Null`; a value *fits* if it is one that the operator holds for. A name in
//! backticks is what the test then hangs on (`KEY`: the key itself).
//!
//! | form | key absent | key unknown | key there, value unknown | several values |
//! |---|---|---|---|---|
//! | `OP`, not negated | fails | `KEY` | `KEY` | `multivalued:KEY` |
//! | `OP`, negated | holds | `KEY` | `KEY` | `multivalued:KEY` |
//! | `OPIfExists`, not negated | holds | `KEY` | `KEY` | `multivalued:KEY` |
//! | `OPIfExists`, negated | holds | `KEY` | `KEY` | `multivalued:KEY` |
//! | `ForAllValues:OP`, not negated | holds | `KEY` | `KEY` | holds if every value fits |
//! | `ForAllValues:OP`, negated | holds | `KEY` | `KEY` | holds if every value fits |
//! | `ForAllValues:OPIfExists`, not negated | holds | `KEY` | `KEY` | holds if every value fits |
//! | `ForAllValues:OPIfExists`, negated | holds | `KEY` | `KEY` | holds if every value fits |
//! | `ForAnyValue:OP`, not negated | fails | `KEY` | `KEY` | holds if some value fits |
//! | `ForAnyValue:OP`, negated | fails | `KEY` | `KEY` | holds if some value fits |
//! | `ForAnyValue:OPIfExists`, not negated | holds | `KEY` | `KEY` | holds if some value fits |
//! | `ForAnyValue:OPIfExists`, negated | holds | `KEY` | `KEY` | holds if some value fits |
//!
//! # The operators
//! A value that is not understood, in the policy or in the request, is never compared: the test hangs on `value:TEXT`.
//! `Null` has no other forms: `NullIfExists` and `ForAllValues:Null` hang on `operator:NAME`, as any operator that AWS
//! does not have.
//!
//! | operator | negated | policy's value | holds for | fails for | not understood |
//! |---|---|---|---|---|---|
//! | `StringEquals` | no | `v7` | `v7` | `V7` | |
//! | `StringNotEquals` | yes | `v7` | `V7` | `v7` | |
//! | `StringEqualsIgnoreCase` | no | `v7` | `V7` | `v8` | |
//! | `StringNotEqualsIgnoreCase` | yes | `v7` | `v8` | `V7` | |
//! | `StringLike` | no | `v?/*` | `v7/` | `v7` | |
//! | `StringNotLike` | yes | `v?/*` | `v7` | `v7/a` | |
//! | `NumericEquals` | no | `10` | `10.0` | `9` | `ten` |
//! | `NumericNotEquals` | yes | `10` | `9` | `10.0` | `1e1` |
//! | `NumericLessThan` | no | `10` | `9.99` | `10` | `ten` |
//! | `NumericLessThanEquals` | no | `10` | `10` | `10.01` | `ten` |
//! | `NumericGreaterThan` | no | `10` | `11` | `10` | `ten` |
//! | `NumericGreaterThanEquals` | no | `10` | `10` | `-11` | `ten` |
//! | `DateEquals` | no | `2026-11-23T12:00:00Z` | `2026-11-23T13:00:00+01:00` | `2026-11-23T12:00:01Z` | `noon` |
//! | `DateNotEquals` | yes | `2026-11-23T12:00:00Z` | `2026-11-23T12:00:01Z` | `1795435200` | `noon` |
//! | `DateLessThan` | no | `2026-11-23T12:00:00Z` | `2026-11-23` | `2026-11-23T12:00:00Z` | `noon` |
//! | `DateLessThanEquals` | no | `2026-11-23T12:00:00Z` | `2026-11-23T12:00:00Z` | `2026-11-24` | `noon` |
//! | `DateGreaterThan` | no | `2026-11-23T12:00:00Z` | `2026-11-24` | `2026-11-23T12:00:00Z` | `noon` |
//! | `DateGreaterThanEquals` | no | `2026-11-23T12:00:00Z` | `2026-11-23T12:00:00Z` | `2026-11-23` | `noon` |
//! | `Bool` | no | `true` | `True` | `false` | `yes` |
//! | `BinaryEquals` | no | `QUJD` | `QUJD` | `REVG` | `QUJD=` |
//! | `IpAddress` | no | `203.0.113.0/24` | `203.0.113.7` | `2001:db8::1` | `office` |
//! | `NotIpAddress` | yes | `2001:db8::/32` | `203.0.113.7` | `2001:db8::1` | `office` |
//! | `ArnEquals` | no | `arn:aws:iam::*:role/v7-*` | `arn:aws:iam::1:role/v7-a` | `arn:aws:iam::1:user/v7-a` | `*` |
//! | `ArnNotEquals` | yes | `arn:aws:iam::*:role/v7-*` | `arn:aws:iam::1:user/v7-a` | `arn:aws:iam::1:role/v7-a` | `*` |
//! | `ArnLike` | no | `arn:aws:iam::1*:role/a` | `arn:aws:iam::12:role/a` | `arn:aws:iam::2:role/a` | `*` |
//! | `ArnNotLike` | yes | `arn:aws:iam::1*:role/a` | `arn:aws:iam::2:role/a` | `arn:aws:iam::12:role/a` | `*` |
//! | `Null` | no | `true` | key absent | key there | `1` |
//!
//! # The elements
//! Each is taken from, or put into, a policy that is otherwise in order: in an Allow that alone would allow, and in a
//! Deny that beside such an Allow would deny.
//!
//! | element | missing in the Allow | missing in the Deny | for example | then in the Allow | then in the Deny |
//! |---|---|---|---|---|---|
//! | `Version` | allowed | denied | `"2020-01-01"` | `value:2020-01-01` | `value:2020-01-01` |
//! | `Id` | allowed | denied | `7` | allowed | denied |
//! | `Statement` | `element:Statement` | `element:Statement` | `"x"` | `element:Statement` | `element:Statement` |
//! | any other beside these | | | `1` | `element:X` | `element:X` |
//! | `Sid` | allowed | denied | `7` | allowed | denied |
//! | `Effect` | `element:Effect` | `element:Effect` | `"deny"` | `value:deny` | `value:deny` |
//! | `Principal` | denied | `no-principal` | `{"Robot": "x"}` | `principal-type:Robot` | `principal-type:Robot` |
//! | `NotPrincipal` | | | `{"AWS": "444455556666"}` | `notprincipal-allow` | denied |
//! | `Action` | `no-action` | `no-action` | `[7, "s3:PutObject"]` | `element:Action` | `element:Action` |
//! | `NotAction` | | | `[7, "s3:PutObject"]` | `element:NotAction` | `element:NotAction` |
//! | `Resource` | `no-resource` | `no-resource` | `{}` | `element:Resource` | `element:Resource` |
//! | `NotResource` | | | `[{}, "arn:aws:s3:::b"]` | `element:NotResource` | `element:NotResource` |
//! | `Condition` | allowed | denied | `{"StringIs": {"aws:x": "y"}}` | `operator:StringIs` | `operator:StringIs` |
//! | any other in a statement | | | `1` | `element:X` | `element:X` |
//!
//! An element that stands there twice, or beside its negation, hangs on `element:NAME`; a condition key without a value
//! on `value:[]`.

pub mod condition;
pub mod document;
pub mod evaluate;
pub mod explain;
pub mod grant;
pub mod json;
#[cfg(feature = "forms")]
pub mod named;
pub mod parse;
pub mod pattern;
pub mod principal;
pub mod public;
pub mod question;
pub mod raw;
pub mod rcp;
pub mod request;
pub mod statement;
pub mod truth;
pub mod values;
