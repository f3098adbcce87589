//! Turns reports and faults into what is shown: text for people, one JSON object for programs.

pub mod json;
pub mod text;
