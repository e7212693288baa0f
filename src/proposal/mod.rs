//! What files and V7 say beside AWS: policy files, a Terraform plan, a CloudFormation template, V7's list of connections.

pub mod cloudformation;
pub mod documents;
pub mod storage;
pub mod terraform;
#[cfg(test)]
mod tests;
