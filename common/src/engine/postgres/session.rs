//! One connection, blocking.
