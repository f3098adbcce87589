//! The integration tests: the real programs, real files, real servers. One binary, so that it links once.

mod bad_input;
mod connection;
mod corrupt;
mod dependencies;
mod independent;
mod kill;
mod layers;
mod properties;
mod round_trip;
mod signals;
mod stages;
mod standard_tools;
mod support;
mod values;
