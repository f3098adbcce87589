//! Check: whether a live database still holds what an archive holds. Only reads.

use super::request::CheckRequest;
use crate::fault::{Code, Fault, Result};
use crate::progress::Watch;
use crate::report::Report;

/// Compares the target with the archive.
pub fn check(request: &CheckRequest, watch: &dyn Watch) -> Result<Report> {
    let _ = (request, watch);
    Err(Fault::new(Code::Bug, "not there yet"))
}
