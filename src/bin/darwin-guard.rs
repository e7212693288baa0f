//! Wiring only: a runtime for the tool.

use darwin_s3_guard::tool;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => ExitCode::from(runtime.block_on(tool())),
        Err(error) => {
            // Nothing better can be done where standard error is gone.
            let _ = writeln!(std::io::stderr(), "no runtime: {error}");
            ExitCode::from(2)
        }
    }
}
