//! See docs/cli/export.md.

fn main() {}
