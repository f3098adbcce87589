//! The integration tests: the real programs, real files, real servers. One binary, so that it links once.
#![expect(clippy::print_stderr, reason = "a test that cannot run here says so")]

mod bad_input;
mod check_live;
mod cli;
mod codes;
mod collations;
mod connection;
mod corrupt;
mod dependencies;
mod docs;
mod dry_run;
mod expressions;
mod fill;
mod help;
mod independent;
mod kill;
mod layers;
mod map_out;
mod mapping_file;
mod merge;
mod names;
mod others;
mod plan;
mod postgres_target;
mod properties;
mod quirks;
mod replace;
mod round_trip;
mod run_files;
mod signals;
mod space;
mod stages;
mod standard_tools;
mod support;
mod torture;
mod values;
