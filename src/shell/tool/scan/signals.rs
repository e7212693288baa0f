//! Ctrl-C, and what ends a process in order.

use tokio::signal;

/// Both, whichever comes first.
#[derive(Debug)]
pub(super) struct Signals {
    #[cfg(unix)]
    interrupt: signal::unix::Signal,
    #[cfg(unix)]
    end: signal::unix::Signal,
}

impl Signals {
    /// From now on, and to the end of the process, they don't end it.
    pub(super) fn listen() -> Result<Self, String> {
        #[cfg(unix)]
        {
            let taken = |kind| signal::unix::signal(kind).map_err(|error| format!("signals can't be taken: {error}"));
            Ok(Self {
                interrupt: taken(signal::unix::SignalKind::interrupt())?,
                end: taken(signal::unix::SignalKind::terminate())?,
            })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Waits for one.
    pub(super) async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.end.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = signal::ctrl_c().await;
    }
}
