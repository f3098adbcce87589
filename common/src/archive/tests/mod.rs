//! Whole archives: what goes in comes out, and what was changed is refused.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "the archives here are small"
)]

mod damage;
mod forgery;
mod pipeline;
mod round_trip;
pub(super) mod sample;
