//! The integration tests: the real programs, real files, real servers. One binary, so that it links once.

mod connection;
mod dependencies;
mod layers;
mod support;
