//! See docs/cli/analyze.md.

fn main() {}
