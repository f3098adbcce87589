//! See docs/cli/verify.md.

fn main() {}
