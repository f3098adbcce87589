//! Imports into PostgreSQL that are killed, stopped and cut off, and servers that crash under them.
//!
//! A short form runs with all other tests; `scripts/torture` runs the same for as long as one likes,
//! with other seeds. Whatever happens at whatever moment: a reader sees what was there before or what is
//! there afterwards, the same command again comes to the end, and nothing is done twice.

mod application;
mod chance;
mod content;
mod crash;
mod eyes;
mod full_disk;
mod kill;
mod phase;
mod replaced;
mod scene;
mod undo;
