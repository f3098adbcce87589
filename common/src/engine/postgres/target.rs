//! Staging, load, keys, check and switch.
