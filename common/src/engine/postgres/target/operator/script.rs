//! Runs a file of the operator's SQL, and tells the line at which the server stopped.

use crate::engine::postgres::session::Session;
use crate::fault::Result;
use crate::mapping::operator::Script;

/// Runs all statements of the file in the transaction that is open.
pub(super) fn run(session: &mut Session, file: &Script) -> Result<()> {
    session.execute(&file.sql.0).map_err(|fault| {
        let position = super::server_message(&fault).and_then(|message| message.position);
        let what = match position.map(|position| line(&file.sql.0, position)) {
            Some(line) => format!("cannot run `{}`, line {line}", file.name),
            None => format!("cannot run `{}`", file.name),
        };
        super::failed(fault, what)
    })
}

/// The line of a character, both counted from one.
fn line(sql: &str, position: u32) -> usize {
    let before = sql.chars().take(position.saturating_sub(1) as usize);
    before.filter(|c| *c == '\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn lines_are_counted_from_one() {
        assert_eq!(line("SELECT x", 8), 1);
        assert_eq!(line("ü\nSELECT\n x", 11), 3);
        assert_eq!(line("a\n", 9), 2);
    }
}
