//! A quirk as data: how its database is made, and what must become of it. Knows no Waybill.

use rusqlite::Connection;
use std::path::Path;

/// One database with one peculiarity, and all that is expected of it.
pub(super) struct Quirk {
    /// Its name, which no other quirk has; fit to name a schema.
    pub(super) name: &'static str,
    pub(super) make: Make,
    pub(super) expected: Expected,
    /// SQL that gives an SQLite file the names that PostgreSQL is to have.
    pub(super) renamed: &'static str,
}

/// How the file is made.
pub(super) enum Make {
    /// This SQL, in a new file.
    Sql(&'static str),
    /// SQL that is made up first.
    Text(String),
    /// By this function, at this path.
    File(fn(&Path)),
}

/// What must become of it.
///
/// A finding is one line, `severity code table.column ×count: phrase`, in which the column, `×1` and
/// the phrase may be missing; the phrase is a piece of the message.
pub(super) enum Expected {
    /// The export, and the analysis, end with a fault or finding of this code.
    Unreadable(&'static str),
    /// It goes into an archive.
    Readable {
        /// Findings of the export.
        exported: Vec<&'static str>,
        sqlite: Sqlite,
        postgres: Postgres,
        /// Tables whose rows no archive holds.
        without: Vec<&'static str>,
    },
}

/// What the import into SQLite makes of it.
pub(super) enum Sqlite {
    /// The same database; or, with an error among the findings, nothing.
    Findings(Vec<&'static str>),
    /// The import ends with a fault of this code in this table, and nothing is left.
    Stopped(&'static str, &'static str),
}

/// What PostgreSQL makes of it.
pub(super) enum Postgres {
    /// Every value is equal. The note that texts compare by bytes is not among the findings: the
    /// columns of the target tell how often it must be there.
    Equal(Vec<&'static str>),
    /// Nothing is written, because of these findings.
    Refused(Vec<&'static str>),
    /// The import ends with a fault of this code in this table, and nothing is left.
    Stopped(&'static str, &'static str),
}

impl Quirk {
    fn made(name: &'static str, make: Make) -> Quirk {
        Quirk {
            name,
            make,
            renamed: "",
            expected: Expected::Readable {
                exported: Vec::new(),
                sqlite: Sqlite::Findings(Vec::new()),
                postgres: Postgres::Equal(Vec::new()),
                without: Vec::new(),
            },
        }
    }

    /// A database that PostgreSQL holds with these findings.
    pub(super) fn equal(name: &'static str, sql: &'static str, findings: &[&'static str]) -> Quirk {
        Quirk::made(name, Make::Sql(sql)).into_postgres(Postgres::Equal(findings.to_vec()))
    }

    /// The same, of SQL that is made up.
    pub(super) fn equal_to(name: &'static str, sql: String, findings: &[&'static str]) -> Quirk {
        Quirk::made(name, Make::Text(sql)).into_postgres(Postgres::Equal(findings.to_vec()))
    }

    /// The same, of a file that `make` makes.
    pub(super) fn file(name: &'static str, make: fn(&Path), findings: &[&'static str]) -> Quirk {
        Quirk::made(name, Make::File(make)).into_postgres(Postgres::Equal(findings.to_vec()))
    }

    /// A database that PostgreSQL does not hold.
    pub(super) fn refused(
        name: &'static str,
        sql: &'static str,
        findings: &[&'static str],
    ) -> Quirk {
        Quirk::made(name, Make::Sql(sql)).refuses(findings)
    }

    /// A file that cannot be read.
    pub(super) fn unreadable(name: &'static str, make: fn(&Path), code: &'static str) -> Quirk {
        Quirk {
            expected: Expected::Unreadable(code),
            ..Quirk::made(name, Make::File(make))
        }
    }

    /// Names are others in PostgreSQL: those that this SQL gives.
    pub(super) fn renamed(mut self, sql: &'static str) -> Quirk {
        self.renamed = sql;
        self
    }

    /// PostgreSQL does not hold it.
    pub(super) fn refuses(self, findings: &[&'static str]) -> Quirk {
        self.into_postgres(Postgres::Refused(findings.to_vec()))
    }

    /// What becomes of it in PostgreSQL.
    pub(super) fn into_postgres(mut self, becomes: Postgres) -> Quirk {
        if let Expected::Readable { postgres, .. } = &mut self.expected {
            *postgres = becomes;
        }
        self
    }

    /// Findings of its export.
    pub(super) fn exporting(mut self, findings: &[&'static str]) -> Quirk {
        if let Expected::Readable { exported, .. } = &mut self.expected {
            *exported = findings.to_vec();
        }
        self
    }

    /// Findings of its import into SQLite.
    pub(super) fn into_sqlite(mut self, findings: &[&'static str]) -> Quirk {
        if let Expected::Readable { sqlite, .. } = &mut self.expected {
            *sqlite = Sqlite::Findings(findings.to_vec());
        }
        self
    }

    /// SQLite itself would not take it from us.
    pub(super) fn stopped_in_sqlite(mut self, code: &'static str, table: &'static str) -> Quirk {
        if let Expected::Readable { sqlite, .. } = &mut self.expected {
            *sqlite = Sqlite::Stopped(code, table);
        }
        self
    }

    /// Tables whose rows no archive holds, because their module does not give them.
    pub(super) fn without(mut self, tables: &[&'static str]) -> Quirk {
        if let Expected::Readable { without, .. } = &mut self.expected {
            *without = tables.to_vec();
        }
        self
    }

    /// The codes that are expected of it.
    pub(super) fn codes(&self) -> Vec<&'static str> {
        let (mut codes, mut lines) = (Vec::new(), Vec::new());
        match &self.expected {
            Expected::Unreadable(code) => codes.push(*code),
            Expected::Readable {
                exported,
                sqlite,
                postgres,
                ..
            } => {
                lines.extend(exported);
                match sqlite {
                    Sqlite::Findings(findings) => lines.extend(findings),
                    Sqlite::Stopped(code, _) => codes.push(*code),
                }
                match postgres {
                    Postgres::Equal(findings) | Postgres::Refused(findings) => {
                        lines.extend(findings);
                    }
                    Postgres::Stopped(code, _) => codes.push(*code),
                }
            }
        }
        let second = |line: &'static str| line.split([' ', ':']).nth(1);
        codes.extend(lines.into_iter().copied().filter_map(second));
        codes
    }

    /// Makes its file.
    pub(super) fn write(&self, path: &Path) {
        match &self.make {
            Make::Sql(sql) => database(path, sql),
            Make::Text(sql) => database(path, sql),
            Make::File(make) => make(path),
        }
    }
}

/// Makes a database with SQL.
pub(super) fn database(path: &Path, sql: &str) {
    let connection = open(path);
    connection
        .execute_batch(sql)
        .unwrap_or_else(|error| panic!("SQLite does not make it: {error}"));
    connection.close().expect("the database is complete");
}

/// A new database, which need not survive the machine.
pub(super) fn open(path: &Path) -> Connection {
    let connection = Connection::open(path).expect("a new file");
    connection
        .execute_batch("PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF")
        .expect("settings");
    connection
}
