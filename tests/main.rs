//! The integration tests: the real programs, real files, real servers. One binary, so that it links once.

mod independent;
mod support;
