//! Whole runs: files put in place, taken away and brought back.
