//! How a command ends: exit codes and the text of a failure.

use std::process::ExitCode;
use tenure_engine::EngineError;

/// Exit codes that scripts rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Everything was done.
    Done = 0,
    /// Nothing, or not enough, was done.
    Failed = 1,
    /// The arguments or an input file as a whole cannot be used.
    Usage = 2,
    /// Something named does not exist.
    NotFound = 3,
    /// Something exists already or was changed meanwhile.
    Conflict = 5,
    /// The target system cannot be reached or refuses.
    Unreachable = 6,
    /// Some objects failed, others did not.
    Partly = 7,
    /// Busy; the same command may succeed later.
    Busy = 75,
    /// A second interrupt ended the program at once.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The process's exit code.
    pub(crate) exit: Exit,
    /// What went wrong, without final full stop; empty: say nothing.
    pub(crate) message: String,
    /// What to do.
    pub(crate) hint: Option<String>,
}

impl Failure {
    /// A failure without a hint.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            hint: None,
        }
    }

    /// Exit code 1.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// Exit code 2.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Exit code 3.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(Exit::NotFound, message)
    }

    /// Says what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<tenure_store::Error> for Failure {
    fn from(error: tenure_store::Error) -> Self {
        use tenure_store::Error;
        let exit = match &error {
            Error::NotFound(_) => Exit::NotFound,
            Error::Conflict(_) => Exit::Conflict,
            Error::Scim(error) if error.status == 404 => Exit::NotFound,
            Error::Scim(error) if error.status == 409 || error.status == 412 => Exit::Conflict,
            Error::Invalid(_) => Exit::Usage,
            Error::Busy | Error::Full | Error::StaleFence => Exit::Busy,
            Error::Scim(_) | Error::Seal | Error::Database(_) => Exit::Failed,
        };
        let failure = Self::new(exit, error.to_string());
        match error {
            Error::Busy => failure.hint("another process is writing; run the same command again"),
            Error::Full => failure.hint("make room on the disk of the data directory, then run the same command again"),
            Error::Seal => failure.hint(
                "put the master.key that belongs to this data directory back, or enter the credentials again",
            ),
            _ => failure,
        }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Store(error) => error.into(),
            EngineError::Running => Self::new(Exit::Busy, error.to_string())
                .hint("wait for the running cycle, or give --wait more seconds"),
            EngineError::Target { code, message } => {
                Self::new(Exit::Unreachable, format!("{message} ({code})"))
                    .hint("`tenure application test` shows each request and its answer")
            }
            EngineError::Stale(_) => Self::new(Exit::Conflict, error.to_string())
                .hint("`tenure application plan` makes a new one; nothing was changed"),
            EngineError::Configuration(message) => Self::failed(message).hint(
                "`tenure application config` prints the configuration and sets a corrected one",
            ),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            // The reader of our output has seen enough: not worth a word.
            return Self::failed("");
        }
        Self::failed(error.to_string())
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::failed(format!("stored JSON cannot be read: {error}"))
    }
}
