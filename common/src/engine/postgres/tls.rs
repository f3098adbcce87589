//! TLS as libpq does it.
