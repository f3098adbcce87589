//! What the four Waybill programs share. The modules stand in layer order: each uses only those
//! above it here, and engines, the archive, `flow` and `cli` do not use their neighbours
//! (`docs/architecture.md`; a test reads the sources and holds it).

// Blank lines keep rustfmt from sorting the layers.

pub mod fault;

pub mod digest;

pub mod progress;

pub mod model;

pub mod location;

pub mod profile;

pub mod report;

pub mod mapping;

pub mod codec;

pub mod difference;

pub mod seam;

pub mod archive;

pub mod engine;

pub mod flow;

pub mod cli;
