//! Opening a source so that nothing of it is changed.
