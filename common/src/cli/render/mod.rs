//! Turns reports and faults into what is shown: text for people, one JSON object for programs.

mod alike;
pub(super) mod json;
mod runs;
mod tables;
pub(super) mod text;
