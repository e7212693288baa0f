//! The only rooms that name the SDK: every port of `ports`, implemented over AWS.

pub mod dynamodb;
