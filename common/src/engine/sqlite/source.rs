//! An SQLite file as a source: one read-only connection, one snapshot.
