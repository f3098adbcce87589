//! Staging, load, keys, check and switch.

mod encode;
mod tuples;
