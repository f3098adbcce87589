//! What the programs share towards their caller, on the real programs: wording, streams, exit codes.

mod output;
mod overwrite;
mod report;
mod usage;
