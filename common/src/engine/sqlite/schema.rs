//! Reading a schema from an open connection.
