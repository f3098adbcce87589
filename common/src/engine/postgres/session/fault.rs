//! What an error of the server or the network means for the user.

use std::error::Error as StdError;
use std::fmt;
use std::fmt::Display;
use std::io;

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, ErrorPosition};

use crate::engine::postgres::tls;
use crate::fault::{Code, Fault};

/// What the server said, as the cause of a fault: the driver's own text is only `db error`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerMessage {
    /// Five characters that say what kind of error it is.
    pub sqlstate: String,
    /// The message, in the server's language.
    pub message: String,
    /// More about this case.
    pub detail: Option<String>,
    /// What the server advises.
    pub hint: Option<String>,
    /// Which constraint refused.
    pub constraint: Option<String>,
    /// The character of the statement that it is about, counted from one.
    pub position: Option<u32>,
    /// Where in the server's work it happened: a line of COPY, a function.
    pub context: Option<String>,
}

impl ServerMessage {
    fn read(error: &DbError) -> Self {
        ServerMessage {
            sqlstate: error.code().code().to_owned(),
            message: error.message().to_owned(),
            detail: error.detail().map(str::to_owned),
            hint: error.hint().map(str::to_owned),
            constraint: error.constraint().map(str::to_owned),
            position: match error.position() {
                Some(ErrorPosition::Original(position)) => Some(*position),
                _ => None,
            },
            context: error.where_().map(str::to_owned),
        }
    }
}

impl fmt::Display for ServerMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (SQLSTATE {})", self.message, self.sqlstate)?;
        let more = [
            ("detail", &self.detail),
            ("hint", &self.hint),
            ("constraint", &self.constraint),
            ("context", &self.context),
        ];
        more.iter().try_for_each(|(label, text)| match text {
            Some(text) => write!(f, "; {label}: {text}"),
            None => Ok(()),
        })
    }
}

impl StdError for ServerMessage {}

/// The SQLSTATE of a disk without room.
const DISK_FULL: &str = "53100";

/// Turns an error of the driver into a fault: `what` is what was being done, `location` the server.
/// Table and column are taken over where the server names them.
#[must_use]
pub fn fault(error: Error, what: &'static str, location: impl Display) -> Fault {
    if let Some(answer) = error.as_db_error() {
        return server_fault(answer, what).at(location);
    }
    let code = driver_code(&error);
    let fault = Fault::new(code, what).at(location);
    match error.into_source() {
        Some(cause) => fault.because(cause),
        None => fault.because("the connection was closed"),
    }
}

fn server_fault(answer: &DbError, what: &'static str) -> Fault {
    let mut fault = Fault::new(code_of(answer.code().code()), what);
    if let Some(table) = answer.table() {
        fault = fault.in_table(table);
    }
    if let Some(column) = answer.column() {
        fault = fault.in_column(column);
    }
    if answer.code().code() == DISK_FULL {
        fault = fault.hint("make room on the disk of the server, then run the same command again");
    }
    fault.because(ServerMessage::read(answer))
}

/// The class of fault that a SQLSTATE stands for. (PostgreSQL documentation, appendix A.)
fn code_of(sqlstate: &str) -> Code {
    match sqlstate {
        "57P01" | "57P03" => Code::ServerBusy,
        "57P02" | "57P05" => Code::ConnectionLost,
        "42501" => Code::RightMissing,
        "3D000" => Code::DatabaseMissing,
        // 57014 is a statement timeout, or a cancel that was not ours.
        "55P03" | "57014" | "40P01" => Code::LockTimeout,
        // Of all values only a key can pass the plan and still be too long, for its index.
        "54000" => Code::ValueRefused,
        "42P07" | "42P06" | "42710" => Code::TargetExists,
        other => match &other[..std::cmp::min(2, other.len())] {
            "28" => Code::LoginRefused,
            "53" => Code::ServerBusy,
            "08" => Code::ConnectionLost,
            _ => Code::ServerError,
        },
    }
}

/// The driver tells its kinds of error apart only by their texts; tests hold these.
fn driver_code(error: &Error) -> Code {
    match error.to_string().as_str() {
        "error connecting to server" | "timeout waiting for server" => Code::ServerUnreachable,
        "error performing TLS handshake" => Code::Tls,
        "invalid configuration" | "authentication error" => Code::LoginRefused,
        _ if error.is_closed() => Code::ConnectionLost,
        "error communicating with the server" => communication_code(error),
        _ => Code::ServerError,
    }
}

/// Whether the TLS handshake failed, or was not to be had.
pub(super) fn is_handshake_error(error: &Error) -> bool {
    error.to_string() == "error performing TLS handshake"
}

fn communication_code(error: &Error) -> Code {
    match error.source() {
        Some(cause) if tls::is_handshake_failure(cause) => Code::Tls,
        Some(cause) if cause.downcast_ref::<io::Error>().is_some_and(is_malformed) => {
            Code::ServerError
        }
        _ => Code::ConnectionLost,
    }
}

/// Whether bytes came that are no PostgreSQL message.
fn is_malformed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_of_sqlstate_has_its_code() {
        for (sqlstate, code) in [
            ("28P01", Code::LoginRefused),
            ("28000", Code::LoginRefused),
            ("53300", Code::ServerBusy),
            ("57P01", Code::ServerBusy),
            ("57P03", Code::ServerBusy),
            ("08006", Code::ConnectionLost),
            ("42501", Code::RightMissing),
            ("55P03", Code::LockTimeout),
            ("57014", Code::LockTimeout),
            ("40P01", Code::LockTimeout),
            ("42P07", Code::TargetExists),
            ("42P06", Code::TargetExists),
            ("42710", Code::TargetExists),
            ("3D000", Code::DatabaseMissing),
            ("54000", Code::ValueRefused),
            ("22P02", Code::ServerError),
            ("", Code::ServerError),
        ] {
            assert_eq!(code_of(sqlstate), code, "{sqlstate}");
        }
    }
}
