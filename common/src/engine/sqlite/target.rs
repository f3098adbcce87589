//! A new SQLite file as a target: made beside its final place, renamed into it.
