//! Parsing of SQLite statements: one CREATE, and what the pragmas do not tell.
