//! See docs/cli/import.md.

fn main() {}
