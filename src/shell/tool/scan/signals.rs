//! Ctrl-C, and what ends a process in order.

use tokio::signal;

/// Both, whichever comes first.
#[derive(Debug)]
pub(super) struct Signals {
    #[cfg(unix)]
    end: signal::unix::Signal,
}

impl Signals {
    /// From now on they don't end the process.
    pub(super) fn listen() -> Result<Self, String> {
        #[cfg(unix)]
        {
            let end = signal::unix::signal(signal::unix::SignalKind::terminate());
            Ok(Self { end: end.map_err(|error| format!("signals can't be taken: {error}"))? })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Waits for one.
    pub(super) async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = signal::ctrl_c() => {}
            _ = self.end.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = signal::ctrl_c().await;
    }
}
