//! Equality of keys.
