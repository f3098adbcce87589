//! What can go wrong, said once: a closed list of codes, each with a help text and an exit code.
//!
//! Knows no database, no archive and no terminal. A `Fault` is built where the failure happens and
//! gains its place on the way up: the codec knows nothing, the reader adds the entry, the flow adds
//! table and row, the program adds the file. There is no `From<io::Error>` on purpose: each caller
//! says what it was doing, and to what.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

/// The result of everything that can end a job.
pub type Result<T, E = Fault> = std::result::Result<T, E>;

/// How a program ends; the numbers are documented in `--help` and never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, nothing to report at the level asked for.
    Ok = 0,
    /// Could not be completed; the target is as it was.
    Failed = 1,
    /// The command line, a locator or a mapping file is wrong; nothing was touched.
    Usage = 2,
    /// Completed, and found what you asked to be told.
    Findings = 3,
    /// A safety rule stopped it before any change.
    Refused = 4,
    /// Temporary: try again.
    Retry = 5,
}

impl Exit {
    /// The word that stands in `--json` beside the number.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Exit::Ok => "ok",
            Exit::Failed => "failed",
            Exit::Usage => "usage",
            Exit::Findings => "findings",
            Exit::Refused => "refused",
            Exit::Retry => "retry",
        }
    }
}

/// Declares the closed list: variant, permanent name, exit code, help line.
macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $exit:ident, $help:literal;)*) => {
        /// A class of failure or finding. Its name is permanent and has a section in `docs/errors.md`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($(#[$doc])* $variant,)* }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            /// The permanent name, as printed in `error[name]` and in `--json`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Code::$variant => $name,)* }
            }

            /// What the reader of the message can do about it.
            #[must_use]
            pub fn help(self) -> &'static str {
                match self { $(Code::$variant => $help,)* }
            }

            /// The exit code of a program that ends with a fault of this class.
            #[must_use]
            pub fn exit(self) -> Exit {
                match self { $(Code::$variant => Exit::$exit,)* }
            }
        }
    };
}

codes! {
    /// The command line does not say what to do.
    Usage = "usage", Usage, "run the program with --help to see what it takes";
    /// A source or target is written in a form that is not understood.
    Locator = "locator", Usage, "write sqlite:PATH, postgresql://HOST/DATABASE or pg:KEY=VALUE";
    /// A connection setting is unknown or cannot be honoured.
    ConnectionSetting = "connection-setting", Usage, "remove the setting or choose a value that docs/guide.md lists";
    /// The mapping file does not say what to do.
    MappingInvalid = "mapping-invalid", Usage, "docs/mapping.md lists the keys of a mapping file and what each takes";

    /// The source file is not there.
    SourceMissing = "source-missing", Failed, "check the path; a relative path starts at the current folder";
    /// The source is not a database that can be read.
    SourceForeign = "source-foreign", Failed, "name an SQLite database file; an encrypted one must be decrypted first";
    /// The source is a database, but its pages contradict each other.
    SourceDamaged = "source-damaged", Failed, "run `PRAGMA integrity_check`, or recover a copy with the `.recover` command of the sqlite3 shell";
    /// The source may not or cannot be read.
    SourceUnreadable = "source-unreadable", Failed, "check the permissions of the file and its folder";
    /// The source is locked by somebody else.
    SourceBusy = "source-busy", Retry, "wait until the other program has finished, then run the same command again";
    /// The source changed while it was read.
    SourceChanged = "source-changed", Retry, "run the same command again when nobody writes to the source";
    /// The source holds something the archive's limits do not allow.
    SourceLimit = "source-limit", Refused, "docs/format.md lists the limits; leave out or split what exceeds them";
    /// An object of the source is of a kind that cannot be carried, and is left out.
    ObjectUnsupported = "object-unsupported", Findings, "recreate it by hand in the target if it is needed there; `waybill-verify --schema ARCHIVE` shows its SQL";

    /// A file that would be written exists already.
    OutputExists = "output-exists", Refused, "choose another name, or pass --force to replace it";
    /// A file could not be written.
    OutputUnwritable = "output-unwritable", Failed, "check the folder, its permissions and the free space";
    /// A temporary file could not be written or read.
    Spool = "spool", Failed, "set TMPDIR to a folder on a disk with enough free space";

    /// The archive file is not there or cannot be opened.
    ArchiveMissing = "archive-missing", Failed, "check the path; a relative path starts at the current folder";
    /// The file is not a Waybill archive.
    ArchiveForeign = "archive-foreign", Findings, "name a file that waybill-export has written";
    /// The archive needs a newer program.
    ArchiveTooNew = "archive-too-new", Refused, "install a newer version of Waybill";
    /// The archive is not whole: bytes are missing, changed or added.
    ArchiveDamaged = "archive-damaged", Findings, "fetch another copy of the archive, or export again";
    /// The archive exceeds a limit of this program.
    ArchiveLimit = "archive-limit", Findings, "docs/format.md lists the limits";
    /// The archive is whole but not the one that was expected.
    ArchiveUnexpected = "archive-unexpected", Findings, "compare the root with the one the sender gave you over another channel";
    /// What the archive says about its rows is not what its rows say.
    ArchiveInconsistent = "archive-inconsistent", Findings, "the archive was not made by an unchanged waybill-export; do not trust it";

    /// A primary or unique key occurs twice.
    KeyDuplicate = "key-duplicate", Findings, "mend the source and export again";
    /// A column that must not be NULL holds NULL.
    NotNullViolated = "not-null-violated", Findings, "mend the source and export again";
    /// A foreign key points at a row that does not exist.
    ForeignKeyOrphan = "foreign-key-orphan", Findings, "insert the missing parent rows or remove the orphans in the source; the rows are carried all the same, into PostgreSQL with the constraint NOT VALID";
    /// A key could not be checked offline.
    KeyUnchecked = "key-unchecked", Findings, "a target that takes the key over checks it when an import builds it";

    /// The server cannot be reached.
    ServerUnreachable = "server-unreachable", Retry, "check host, port and that the server accepts connections";
    /// The server refused the login.
    LoginRefused = "login-refused", Failed, "check user, password, ~/.pgpass and pg_hba.conf";
    /// The server has no database of that name.
    DatabaseMissing = "database-missing", Failed, "create the database, or name another one: `psql -l` lists them";
    /// The TLS connection could not be established as asked.
    Tls = "tls", Failed, "check sslmode, sslrootcert and the server's certificate";
    /// The server is out of connections, memory slots or shutting down.
    ServerBusy = "server-busy", Retry, "run the same command again later";
    /// The connection was lost.
    ConnectionLost = "connection-lost", Retry, "check the server's log, then run the same command again";
    /// The role lacks a right.
    RightMissing = "right-missing", Refused, "grant the right to the role, or connect as the owner of the database";
    /// The server's version, encoding or settings do not fit.
    ServerUnfit = "server-unfit", Refused, "docs/guide.md lists the versions and settings that are supported";
    /// The server reported an error that is not one of the above.
    ServerError = "server-error", Failed, "read the server's message above; its log may say more";
    /// A lock could not be had in time.
    LockTimeout = "lock-timeout", Retry, "run the same command again when the tables are less busy";
    /// A disk has no room for what is to be written to it.
    SpaceMissing = "space-missing", Refused, "make room, or import fewer tables at a time with -t";
    /// Another import runs into the same schema.
    ImportRunning = "import-running", Retry, "wait until the other import has finished";
    /// The run was ended by another process that worked on it.
    RunEnded = "run-ended", Failed, "see what that process has reported; the target is as it was";
    /// An import of something else into the same schema was interrupted.
    RunUnfinished = "run-unfinished", Refused, "run the command of that import again to finish it, or give it up with --new-run";

    /// The target has a table or another object of the same name.
    TargetExists = "target-exists", Refused, "drop or rename the object, or import into another schema with --into-schema";
    /// The target has no table for one of the archive.
    TargetTableMissing = "target-table-missing", Refused, "run the application's migrations first, or leave out the table with -T";
    /// The target's table has no column for one of the archive.
    TargetColumnMissing = "target-column-missing", Refused, "add the column to the target's table; it can be dropped after the import";
    /// A column of the target must not be NULL and gets no value.
    TargetColumnUnfilled = "target-column-unfilled", Refused, "give the column a default for the time of the import";
    /// A table that is to be filled holds rows.
    TargetNotEmpty = "target-not-empty", Refused, "empty the table, leave it out with -T, or import into another schema with --into-schema";
    /// A table has no key by which rows can be merged.
    MergeKeyMissing = "merge-key-missing", Refused, "name a unique key of the table with --on-key TABLE=COLUMN,…, add one to the table, or leave the table out with -T";
    /// A row of the target has the key of one of the archive, and other values.
    MergeConflict = "merge-conflict", Refused, "--on-conflict skip keeps the rows of the target, --on-conflict update gives them the values of the archive";
    /// A trigger, rule, row security or computed column would change or keep out what is inserted.
    TargetInterferes = "target-interferes", Refused, "switch it off for the time of the import; docs/guide.md says what is looked at";
    /// The schema to import into does not exist.
    TargetSchemaMissing = "target-schema-missing", Refused, "create the schema, or name another one with --into-schema";
    /// An extension that the mapping file asks for is not there.
    ExtensionMissing = "extension-missing", Refused, "run CREATE EXTENSION in the database, or set create-extensions = true in the mapping file";
    /// The operator's own SQL has failed.
    ScriptFailed = "script-failed", Failed, "mend the SQL in the mapping file or in the file that it names; the tables of the target are as they were";
    /// An earlier import was interrupted; what it left was removed.
    StagingRemoved = "staging-removed", Ok, "nothing to do: none of it was visible";
    /// A target file exists already.
    TargetFileExists = "target-file-exists", Refused, "choose another name, or pass --mode replace, which puts the file aside";
    /// The target could not be written.
    TargetUnwritable = "target-unwritable", Failed, "check the folder, its permissions and the free space";
    /// Something in the target points at a table that is replaced, and cannot follow.
    TargetDependent = "target-dependent", Refused, "drop it for the import, and make it again after it";
    /// Sessions use the tables that an import changes.
    TargetInUse = "target-in-use", Refused, "wait until they have ended, or end them: SELECT pg_terminate_backend(…); without --require-idle the import waits for their locks by itself";
    /// The target is not what an earlier run left there.
    TargetChanged = "target-changed", Refused, "pass --yes to go on nevertheless: what is taken away is kept, and can be brought back";
    /// Nobody has agreed to what was asked for.
    NotConfirmed = "not-confirmed", Refused, "pass --yes to agree where nobody can be asked";
    /// There is no such run, or nothing is left to bring back.
    RunMissing = "run-missing", Refused, "`waybill-import status TARGET` lists the runs and what can be undone";
    /// The record of earlier runs cannot be read.
    HistoryUnreadable = "history-unreadable", Refused, "put the record back from a copy, or move it away: the target then has no history";
    /// A value does not fit into any type of the target.
    ValueRefused = "value-refused", Refused, "mend the value in the source, or import with the mapping file that `waybill-analyze --map-out FILE` writes, which has a form for it; -T leaves out the table";
    /// Values are stored as others, because the mapping asks for it.
    ValueConverted = "value-converted", Ok, "nothing to do when it is what you meant; the mapping file says what becomes of the values of each column";
    /// A name does not fit into the target.
    NameRefused = "name-refused", Refused, "choose another name";
    /// A table, column, index or constraint has another name in the target than in the source.
    NameChanged = "name-changed", Ok, "use the new name in queries, or rename the object in the source";
    /// After the load the target did not hold what the archive holds.
    ContentDiffers = "content-differs", Failed, "report this with the log: the target is as it was";
    /// A live database does not hold what the archive holds.
    TargetDiffers = "target-differs", Findings, "look at the rows that are named; the application may have changed them since the import";
    /// An object of the archive does not match what the archive's own schema says of it.
    ObjectMismatch = "object-mismatch", Refused, "the archive was not made by an unchanged waybill-export; do not trust it";

    /// A value is kept exactly in another type than the declared one suggests.
    Recast = "recast", Ok, "nothing to do: the value is kept exactly; `type` in a mapping file asks for another type";
    /// Another spelling of an equal value: blanks in JSON, case of a UUID, written offset.
    SpellingLost = "spelling-lost", Ok, "values are equal; the way they were written is not kept";
    /// Something is other than in the source because the mapping file says so.
    MappingApplied = "mapping-applied", Ok, "nothing to do, if the mapping file says what you want";
    /// A part of the structure has another form in the target, and means the same.
    StructureTranslated = "structure-translated", Ok, "queries that rely on a collation may have to say lower() or rtrim() themselves";
    /// A part of the structure is weaker in the target.
    StructureWeakened = "structure-weakened", Ok, "let the application see to what is lost; docs/types.md says what is carried over and how";
    /// A part of the structure is left out in the target.
    StructureLeftOut = "structure-left-out", Ok, "recreate it by hand in the target if it is needed there; `waybill-verify --schema ARCHIVE` shows its SQL";

    /// A signal asked the program to stop.
    Interrupted = "interrupted", Failed, "nothing was changed; run the same command again";
    /// Reading standard input or writing standard output failed.
    Stream = "stream", Failed, "check the other end of the pipe";
    /// An invariant of this program does not hold.
    Bug = "bug", Failed, "this is a defect of Waybill; please report it with the command line";
}

/// Where it happened, filled from the inside out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// A file, database or server, as the user named it, without any password.
    pub location: Option<String>,
    /// A member of the archive.
    pub entry: Option<String>,
    /// What belongs to no table, with its kind: `PRAGMA user_version`, `server`, `role shop`.
    pub object: Option<String>,
    /// A table, or another named object of a schema.
    pub table: Option<String>,
    /// A column, or several.
    pub column: Option<String>,
    /// The key of a row, as `id=7` or `row 12`.
    pub row: Option<String>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            ("", &self.location),
            ("entry ", &self.entry),
            ("", &self.object),
            ("table ", &self.table),
            ("column ", &self.column),
            ("row ", &self.row),
        ];
        let mut separator = "";
        for (label, part) in parts {
            if let Some(part) = part {
                write!(f, "{separator}{label}`{part}`")?;
                separator = ", ";
            }
        }
        Ok(())
    }
}

/// One failure: its class, what happened, where, and the cause below it.
pub struct Fault(Box<Inner>);

struct Inner {
    code: Code,
    what: Cow<'static, str>,
    place: Place,
    hint: Option<String>,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

impl Fault {
    /// A failure of class `code`; `what` is a fragment in lower case without full stop.
    pub fn new(code: Code, what: impl Into<Cow<'static, str>>) -> Self {
        Fault(Box::new(Inner {
            code,
            what: what.into(),
            place: Place::default(),
            hint: None,
            cause: None,
        }))
    }

    /// The end of a job that a signal asked to stop.
    #[must_use]
    pub fn interrupted() -> Self {
        Fault::new(Code::Interrupted, "stopped by a signal")
    }

    /// Keeps the cause; its text is never pasted into `what`.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// Replaces the code's help line by a more specific one.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Names the file, database or server, unless an inner layer has done so.
    #[must_use]
    pub fn at(mut self, location: impl fmt::Display) -> Self {
        self.0
            .place
            .location
            .get_or_insert_with(|| location.to_string());
        self
    }

    /// Names the archive member, unless an inner layer has done so.
    #[must_use]
    pub fn in_entry(mut self, entry: impl fmt::Display) -> Self {
        self.0.place.entry.get_or_insert_with(|| entry.to_string());
        self
    }

    /// Names what belongs to no table, with its kind, unless an inner layer has done so.
    #[must_use]
    pub fn on(mut self, object: impl fmt::Display) -> Self {
        self.0
            .place
            .object
            .get_or_insert_with(|| object.to_string());
        self
    }

    /// Names the table, unless an inner layer has done so.
    #[must_use]
    pub fn in_table(mut self, table: impl fmt::Display) -> Self {
        self.0.place.table.get_or_insert_with(|| table.to_string());
        self
    }

    /// Names the column, unless an inner layer has done so.
    #[must_use]
    pub fn in_column(mut self, column: impl fmt::Display) -> Self {
        self.0
            .place
            .column
            .get_or_insert_with(|| column.to_string());
        self
    }

    /// Names the row by its key, unless an inner layer has done so.
    #[must_use]
    pub fn in_row(mut self, row: impl fmt::Display) -> Self {
        self.0.place.row.get_or_insert_with(|| row.to_string());
        self
    }

    /// Tells the same in other words: what happened, the advice, and the names of object and table.
    #[must_use]
    pub fn reworded(mut self, word: &dyn Fn(&str) -> String) -> Self {
        self.0.what = word(&self.0.what).into();
        let place = &mut self.0.place;
        for text in [&mut self.0.hint, &mut place.object, &mut place.table] {
            *text = text.take().map(|text| word(&text));
        }
        self
    }

    /// The class of this failure.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// What happened, without place and cause.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.0.what
    }

    /// Where it happened.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.0.place
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> &str {
        self.own_hint().unwrap_or_else(|| self.0.code.help())
    }

    /// The help line given to this failure alone, if any.
    #[must_use]
    pub fn own_hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The same failure as seen by an import, which refuses what verify finds.
    #[must_use]
    pub fn exit_as_refusal(&self) -> Exit {
        match self.code().exit() {
            Exit::Findings => Exit::Refused,
            other => other,
        }
    }

    /// What happened and why, in one line.
    #[must_use]
    pub fn in_short(&self) -> String {
        let causes = self.causes();
        std::iter::once(self.what().to_owned())
            .chain(causes)
            .collect::<Vec<_>>()
            .join(": ")
    }

    /// The texts of the causes, outermost first.
    #[must_use]
    pub fn causes(&self) -> Vec<String> {
        let mut texts: Vec<String> = Vec::new();
        let mut next = self.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            // Libraries repeat the outer text behind a number of their own.
            if !texts
                .last()
                .is_some_and(|last| text.ends_with(last.as_str()))
            {
                texts.push(text);
            }
            next = cause.source();
        }
        texts
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.what)
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "[{}] {} ({})",
            self.code().name(),
            self.what(),
            self.place()
        )?;
        self.causes()
            .iter()
            .try_for_each(|cause| write!(f, ": {cause}"))
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0
            .cause
            .as_deref()
            .map(|cause| cause as &(dyn Error + 'static))
    }
}

/// Two values that should be equal, shown side by side as a cause.
#[derive(Debug)]
pub struct Mismatch {
    /// What the archive or catalogue says.
    pub recorded: String,
    /// What is really there.
    pub found: String,
}

impl Mismatch {
    /// Both values as they print.
    pub fn new(recorded: impl fmt::Display, found: impl fmt::Display) -> Self {
        Mismatch {
            recorded: recorded.to_string(),
            found: found.to_string(),
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "recorded {}, found {}", self.recorded, self.found)
    }
}

impl Error for Mismatch {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_names_are_unique_and_kebab_case() {
        let mut names: Vec<_> = Code::ALL.iter().map(|code| code.name()).collect();
        assert!(
            names
                .iter()
                .all(|n| n.chars().all(|c| c.is_ascii_lowercase() || c == '-'))
        );
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Code::ALL.len());
    }

    #[test]
    fn a_cause_that_only_repeats_the_one_before_is_not_told() {
        let inner = Fault::new(Code::Bug, "Error code 5: database is locked")
            .because(Fault::new(Code::Bug, "another program"));
        let outer = Fault::new(Code::Bug, "x")
            .because(Fault::new(Code::Bug, "database is locked").because(inner));
        assert_eq!(outer.causes(), ["database is locked", "another program"]);
    }

    #[test]
    fn an_inner_place_is_not_overwritten_by_an_outer_layer() {
        let fault = Fault::new(Code::Bug, "x")
            .in_table("inner")
            .in_table("outer")
            .at("file");
        assert_eq!(fault.place().to_string(), "`file`, table `inner`");
    }
}
