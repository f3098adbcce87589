//! The PostgreSQL target against real servers, driven through the seam.

#![expect(
    clippy::unwrap_used,
    reason = "the allowance for tests covers test functions only, not what they share"
)]

mod carried;
mod computed;
mod content;
mod conversion;
mod crowd;
mod lodging;
mod refusal;
pub(crate) mod replace;
pub(crate) mod sample;
mod sessions;
mod survival;

pub(crate) use sample::ask;
