//! A deployed guard, by the name of its stack: its configuration, and the function itself to be asked.

use crate::model::arn::Arn;
use crate::model::text::shortened;
use crate::shell::aws::client::Clients;
use crate::shell::aws::error::causes;
use aws_sdk_sts::error::ProvideErrorMetadata;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::Blob;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

const CONNECT: Duration = Duration::from_secs(2);
/// The template's timeout of the function, and a little.
const AT_MOST: Duration = Duration::from_secs(70);

/// The function of a stack.
#[derive(Debug, Clone)]
pub struct Deployed {
    pub function: Arn,
    pub variables: BTreeMap<String, String>,
    /// The role of S3 Batch Operations jobs, where the stack has one (`BatchJobs=true`).
    pub batch_job_role: Option<Arn>,
}

impl Clients {
    /// Looks a stack's function up, in the clients' Region.
    ///
    /// # Errors
    /// What to do about it.
    pub async fn deployed(&self, stack: &str) -> Result<Deployed, String> {
        let client = aws_sdk_cloudformation::Client::new(self.shared());
        let answer = client.describe_stacks().stack_name(stack).send().await;
        let answer = answer.map_err(|error| format!("the stack `{stack}` can't be read: {}", why(&error)))?;
        let outputs = answer.stacks.unwrap_or_default().into_iter().flat_map(|stack| stack.outputs.unwrap_or_default());
        let outputs = outputs.filter_map(|output| Some((output.output_key?, output.output_value?)));
        let mut outputs: BTreeMap<String, String> = outputs.collect();
        let name = outputs.remove("FunctionName");
        let name =
            name.ok_or_else(|| format!("the stack `{stack}` has no output FunctionName: it is not the guard's"))?;
        let client = aws_sdk_lambda::Client::new(self.shared());
        let answer = client.get_function_configuration().function_name(&name).send().await;
        let answer = answer.map_err(|error| format!("the function `{name}` can't be read: {}", why(&error)))?;
        let function = answer.function_arn.as_deref().and_then(Arn::parse);
        let function = function.ok_or_else(|| format!("the function `{name}` has no ARN"))?;
        let variables = answer.environment.and_then(|environment| environment.variables).unwrap_or_default();
        let batch_job_role = outputs.remove("BatchJobRoleArn").as_deref().and_then(Arn::parse);
        Ok(Deployed { function, variables: variables.into_iter().collect(), batch_job_role })
    }

    /// Asks the function, and waits for its answer.
    ///
    /// # Errors
    /// It could not be asked, or failed.
    pub async fn invoke(&self, deployed: &Deployed, event: &Value) -> Result<Value, String> {
        // One try, as long as the function may take: a second would repair a second time.
        let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT).operation_timeout(AT_MOST);
        let timeouts = timeouts.operation_attempt_timeout(AT_MOST).read_timeout(AT_MOST).build();
        let config = aws_sdk_lambda::config::Builder::from(self.shared());
        let config = config.retry_config(RetryConfig::disabled()).timeout_config(timeouts).build();
        let client = aws_sdk_lambda::Client::from_conf(config);
        let function = deployed.function.to_string();
        let call = client.invoke().function_name(&function).payload(Blob::new(event.to_string()));
        let answer = call.send().await.map_err(|error| format!("`{function}` can't be invoked: {}", why(&error)))?;
        let text = String::from_utf8_lossy(answer.payload.as_ref().map_or(&[][..], AsRef::as_ref)).into_owned();
        if let Some(failed) = answer.function_error {
            return Err(format!("`{function}` failed ({failed}): {}", shortened(&text, 1_000, "…")));
        }
        serde_json::from_str(&text).map_err(|error| format!("`{function}` answered no JSON ({error})"))
    }
}

fn why<E: std::error::Error + ProvideErrorMetadata + 'static>(error: &SdkError<E, Response>) -> String {
    match error.as_service_error().map(|refusal| (refusal.code(), refusal.message())) {
        Some((code, message)) => format!("{}: {}", code.unwrap_or("no code"), message.unwrap_or("no message")),
        None => causes(error),
    }
}
