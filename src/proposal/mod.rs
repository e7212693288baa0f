//! Configuration that is proposed, not there yet: policy files, a Terraform plan, a CloudFormation template.

pub mod cloudformation;
pub mod documents;
pub mod terraform;
