//! The process's environment: the only place that reads it.

use crate::app::config::Config;
use crate::app::config::problem::ConfigProblems;

/// The guard's settings.
///
/// # Errors
/// Every variable whose value is wrong.
pub fn settings() -> Result<Config, ConfigProblems> {
    Config::from(&environment)
}

/// A variable that the tool reads besides the guard's settings.
#[cfg(feature = "cli")]
pub fn variable(name: &str) -> Option<String> {
    environment(name)
}

/// The address of the Lambda Runtime API (`AWS_LAMBDA_RUNTIME_API`); none outside Lambda.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>
pub fn runtime_api() -> Option<String> {
    environment("AWS_LAMBDA_RUNTIME_API")
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
fn environment(name: &str) -> Option<String> {
    // A value that is not Unicode is as wrong as any: it is read with its bad parts replaced, and refused by its form.
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}
