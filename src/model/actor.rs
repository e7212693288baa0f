//! Who made a change, as CloudTrail names them.
//!
//! Event content: only ever compared and shown.

/// Who made a change, from CloudTrail's `userIdentity` and its neighbours.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Actor {
    /// User or assumed-role ARN, or the service's name.
    pub arn: Option<String>,
    /// The role behind a session (`sessionContext.sessionIssuer.arn`).
    pub session_issuer: Option<String>,
    pub source_ip: Option<String>,
    pub user_agent: Option<String>,
    /// `eventTime`, RFC 3339, one-second grain.
    pub time: Option<String>,
    pub event_id: Option<String>,
}

impl Actor {
    /// With each text changed.
    #[must_use]
    pub fn map(&self, change: impl Fn(&str) -> String) -> Self {
        let Self { arn, session_issuer, source_ip, user_agent, time, event_id } = self;
        let change = |text: &Option<String>| text.as_deref().map(&change);
        Self {
            arn: change(arn),
            session_issuer: change(session_issuer),
            source_ip: change(source_ip),
            user_agent: change(user_agent),
            time: change(time),
            event_id: change(event_id),
        }
    }
}
