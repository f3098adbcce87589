//! What SQLite reports, as a fault of the source.

use crate::fault::{Code, Fault};
use rusqlite::ErrorCode;
use std::borrow::Cow;

/// The fault that `error` amounts to while doing `what`.
pub(super) fn fault(error: rusqlite::Error, what: impl Into<Cow<'static, str>>) -> Fault {
    Fault::new(code(&error), what).because(error)
}

fn code(error: &rusqlite::Error) -> Code {
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::DatabaseCorrupt => Code::SourceDamaged,
            ErrorCode::NotADatabase => Code::SourceForeign,
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::FileLockingProtocolFailed => Code::SourceBusy,
            ErrorCode::OperationInterrupted => Code::Interrupted,
            ErrorCode::TooBig => Code::SourceLimit,
            _ => Code::SourceUnreadable,
        },
        rusqlite::Error::Utf8Error(..)
        | rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::InvalidColumnType(..) => Code::ObjectUnsupported,
        _ => Code::SourceUnreadable,
    }
}
