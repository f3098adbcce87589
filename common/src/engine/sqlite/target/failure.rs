//! What SQLite reports, as a fault of the target.

use crate::fault::{Code, Fault};
use rusqlite::{ErrorCode, ffi};
use std::borrow::Cow;

/// The fault that `error` amounts to while doing `what`.
pub(super) fn fault(error: rusqlite::Error, what: impl Into<Cow<'static, str>>) -> Fault {
    Fault::new(code(&error), what).because(error)
}

fn code(error: &rusqlite::Error) -> Code {
    let Some(failure) = error.sqlite_error() else {
        return Code::TargetUnwritable;
    };
    match failure.code {
        ErrorCode::OperationInterrupted => Code::Interrupted,
        ErrorCode::AuthorizationForStatementDenied => Code::ObjectMismatch,
        ErrorCode::ConstraintViolation => match failure.extended_code {
            ffi::SQLITE_CONSTRAINT_UNIQUE
            | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
            | ffi::SQLITE_CONSTRAINT_ROWID => Code::KeyDuplicate,
            ffi::SQLITE_CONSTRAINT_NOTNULL => Code::NotNullViolated,
            _ => Code::ValueRefused,
        },
        ErrorCode::TypeMismatch | ErrorCode::TooBig => Code::ValueRefused,
        // An expression of the schema that fails here, such as a call of the application's functions.
        ErrorCode::Unknown => Code::ObjectUnsupported,
        _ => Code::TargetUnwritable,
    }
}
