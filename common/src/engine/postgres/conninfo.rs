//! Connection settings as libpq reads them.
