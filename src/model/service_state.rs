//! Small durable facts a service keeps between cycles: cursors and checkpoints, and what operators
//! decided.

use crate::model::ServiceName;

/// What a state row means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StateType {
    /// How far a scan has come.
    Cursor,
    /// When something was last done.
    Checkpoint,
    /// What an operator decided.
    Decision,
    /// What somebody out there has shown of themselves.
    Habits,
    /// How an outside relay takes what it is sent.
    Publishing,
}

impl StateType {
    /// The name in SQL, e.g. `cursor`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cursor => "cursor",
            Self::Checkpoint => "checkpoint",
            Self::Decision => "decision",
            Self::Habits => "habits",
            Self::Publishing => "publishing",
        }
    }

    /// The type of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::Cursor,
            Self::Checkpoint,
            Self::Decision,
            Self::Habits,
            Self::Publishing,
        ]
        .into_iter()
        .find(|state_type| state_type.as_str() == name)
    }
}

/// One row of service state.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceState {
    /// Who owns it.
    pub service: ServiceName,
    /// What it means.
    pub state_type: StateType,
    /// Which one, e.g. `announcement`; not empty.
    pub key: String,
    /// The fact, e.g. `{"timestamp":1700000000}`.
    pub value: serde_json::Value,
    /// When it was written, unix seconds.
    pub updated_at: u64,
}
