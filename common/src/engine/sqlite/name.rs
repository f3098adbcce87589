//! Quoting of names and literals.
