//! The evidence as data. It stands in an archive's manifest and is recomputed by verify.

/// Evidence of one table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TableEvidence {
    /// Number of rows.
    pub rows: u64,
    /// One per stored column, in row order (a hidden rowid has none).
    pub columns: Vec<ColumnEvidence>,
}

/// Evidence of one column. The counts of the six classes add up to the table's rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ColumnEvidence {
    /// NULLs.
    pub nulls: u64,
    /// Integers.
    pub integers: u64,
    /// Reals.
    pub reals: u64,
    /// Unicode texts.
    pub texts: u64,
    /// Texts that are not valid in the database's encoding.
    pub raw_texts: u64,
    /// Blobs.
    pub blobs: u64,
    /// Smallest and largest integer.
    pub integer_range: Option<(i64, i64)>,
    /// Smallest and largest real.
    pub real_range: Option<RealRange>,
    /// Length of the longest Unicode text, in bytes of UTF-8.
    pub longest_text: u64,
    /// Length of the longest blob or raw text, in bytes.
    pub longest_blob: u64,
    /// The forms that at least one value has, in the order of `Form::ALL`.
    pub forms: Vec<FormEvidence>,
}

/// The ends of some reals, which may be infinite but not NaN; -0.0 is below 0.0. They are told apart bit
/// by bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RealRange {
    least: u64,
    most: u64,
}

impl RealRange {
    /// From the smallest to the largest; `None` where one is NaN, or they are the wrong way round.
    #[must_use]
    pub fn new(least: f64, most: f64) -> Option<RealRange> {
        let ordered = !least.is_nan() && !most.is_nan() && least.total_cmp(&most).is_le();
        ordered.then(|| RealRange {
            least: least.to_bits(),
            most: most.to_bits(),
        })
    }

    /// The smallest real.
    #[must_use]
    pub fn least(self) -> f64 {
        f64::from_bits(self.least)
    }

    /// The largest real.
    #[must_use]
    pub fn most(self) -> f64 {
        f64::from_bits(self.most)
    }

    /// The range of both.
    #[must_use]
    pub fn with(self, other: RealRange) -> RealRange {
        RealRange {
            least: if other.least().total_cmp(&self.least()).is_lt() {
                other.least
            } else {
                self.least
            },
            most: if other.most().total_cmp(&self.most()).is_gt() {
                other.most
            } else {
                self.most
            },
        }
    }
}

impl ColumnEvidence {
    /// The evidence for `form`; a form that no value has is not listed.
    #[must_use]
    pub fn form(&self, form: Form) -> Option<&FormEvidence> {
        self.forms.iter().find(|evidence| evidence.form == form)
    }

    /// How many values have `form`.
    #[must_use]
    pub fn count(&self, form: Form) -> u64 {
        self.form(form).map_or(0, |evidence| evidence.matches)
    }

    /// Values that are not NULL.
    #[must_use]
    pub fn present(&self) -> u64 {
        self.integers + self.reals + self.texts + self.raw_texts + self.blobs
    }
}

/// How many values have a form, and which do and do not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormEvidence {
    /// The form.
    pub form: Form,
    /// How many values have it; never 0.
    pub matches: u64,
    /// Key of the first row whose value has it.
    pub first: RowRef,
    /// Key of the first row whose value is not NULL and does not have it.
    pub first_other: Option<RowRef>,
}

/// A row, for people: its number and its key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowRef {
    /// Number of the row within its table, from 1, in archive order.
    pub number: u64,
    /// Its key, as `id=7`, shortened.
    pub key: String,
}

/// Declares the forms with their permanent names.
macro_rules! forms {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)*) => {
        /// A form that a value may have beyond its storage class.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Form { $($(#[$doc])* $variant,)* }

        impl Form {
            /// Every form, in the order of the documentation.
            pub const ALL: &'static [Form] = &[$(Form::$variant,)*];

            /// The permanent name, as it stands in the manifest.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Form::$variant => $name,)* }
            }
        }
    };
}

// Each form is judged value by value; a value may have several. `first` and `first_other` of the
// class forms name the first row of a class and the first row of any other, for reports.
forms! {
    /// Any integer; `matches` is `ColumnEvidence::integers`.
    IntegerValue = "integer";
    /// Any real; `matches` is `ColumnEvidence::reals`.
    RealValue = "real";
    /// Any Unicode text; `matches` is `ColumnEvidence::texts`.
    TextValue = "text";
    /// Any text that is not valid in the database's encoding; `matches` is `ColumnEvidence::raw_texts`.
    RawText = "raw_text";
    /// Any blob; `matches` is `ColumnEvidence::blobs`.
    BlobValue = "blob";
    /// Integer below -2^53 or above 2^53, which a double does not always hold.
    WideInteger = "wide_integer";
    /// Real that is -0.0, infinite or NaN: every real is this or a `DecimalReal`.
    SpecialReal = "special_real";
    /// Text with a NUL character.
    NulText = "nul_text";
    /// Text that is exactly what an integer or a real of this archive would print as: `7`, `1.0`,
    /// `1e+16`, `-0.0`; also the words `Infinity`, `-Infinity` and `NaN`.
    NumberText = "number_text";
    /// Text that is a decimal number in any other spelling: `007`, `1e5`, `+49`, `1.50`, `.5`, `5.`.
    /// A sign or none, digits with at most one point, an exponent or none; no blanks, no words.
    DecimalText = "decimal_text";
    /// Integer 0 or 1.
    ZeroOne = "zero_one";
    /// Text that is one of true, false, yes, no, t, f, y, n, on, off in any case.
    BooleanWord = "boolean_word";
    /// A real that a decimal number gives back bit for bit: finite and not -0.0.
    DecimalReal = "decimal_real";
    /// Text of 8-4-4-4-12 hexadecimal digits, lower case.
    Uuid = "uuid";
    /// The same with at least one upper-case digit; mixed case counts.
    UuidUpper = "uuid_upper";
    /// Text of 32 hexadecimal digits, in any case.
    UuidHex = "uuid_hex";
    /// Blob of 16 bytes.
    UuidBlob = "uuid_blob";
    /// Text `YYYY-MM-DD`, a real day of the years 0001 to 9999.
    Date = "date";
    /// Text `HH:MM:SS`, with up to six digits of fraction; 24:00:00 and leap seconds do not count.
    Time = "time";
    /// Text of a date, one `T` or blank, and a time as above; no offset.
    Timestamp = "timestamp";
    /// The same with an offset right behind it: `Z`, `+02`, `+02:00` or `+0200`, of less than 16
    /// hours; the instant is in the years 0001 to 9999 in UTC.
    TimestampOffset = "timestamp_offset";
    /// A `Time` or `Timestamp` spelled as PostgreSQL prints it: a blank, no `T`, and a fraction that
    /// is absent or does not end in 0 (`model::forms::is_plain_time`).
    PlainTime = "plain_time";
    /// Text of an IPv4 or IPv6 address, perhaps with a prefix length, in the form PostgreSQL's inet
    /// prints: lower case, zeros shortened, no full prefix length (`/32`, `/128`).
    Inet = "inet";
    /// Text that is a JSON object or array (RFC 8259), no deeper than 1000; blanks around it count.
    Json = "json";
    /// The same, and jsonb gives every value back: no repeated key in an object, no `\u0000`, no
    /// lone surrogate, numbers written without exponent, without `-0` and in at most 1000 bytes,
    /// and less than 256 MiB in all.
    JsonPlain = "json_plain";
    /// Integer that as seconds since 1970 is in the years 1990 to 2100, both included.
    EpochSeconds = "epoch_seconds";
    /// The same in milliseconds.
    EpochMillis = "epoch_millis";
    /// The same in microseconds.
    EpochMicros = "epoch_micros";
    /// Blob, or base64 text on one line (either alphabet, padded or not), of at least 16 bytes whose
    /// first 4 KiB look random: encrypted, compressed, a digest or a token. A rule of thumb in
    /// integers (`profile/random.rs`), the same on every machine.
    Opaque = "opaque";
}

/// What an offline check of one constraint found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyEvidence {
    /// Position of the table in the schema.
    pub table: usize,
    /// Which constraint of it.
    pub constraint: Constraint,
    /// Why it could not be checked offline, in words; then the counts mean nothing.
    pub unchecked: Option<String>,
    /// Rows that break it: for keys all rows that share a key with an earlier one.
    pub violations: u64,
    /// The first of them in row order, by key and value: `id=7 (customer_id=99)`.
    pub samples: Vec<String>,
}

/// A constraint of a table, by its position in the schema's lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Constraint {
    /// The primary key.
    PrimaryKey,
    /// A UNIQUE constraint, by position in `Table::unique`.
    Unique(usize),
    /// A unique index, by position in `Table::indexes`.
    Index(usize),
    /// NOT NULL of a column, by position in `Table::columns`.
    NotNull(usize),
    /// A foreign key, by position in `Table::foreign_keys`.
    ForeignKey(usize),
    /// The same foreign key with texts compared by their bytes, where the source compares otherwise:
    /// PostgreSQL compares bytes.
    ForeignKeyBytes(usize),
}
