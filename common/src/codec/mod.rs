//! Canonical bytes of a value and a row; strict decoding.
