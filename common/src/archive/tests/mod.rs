//! Whole archives: what goes in comes out, and what was changed is refused.

mod damage;
mod forgery;
mod pipeline;
mod round_trip;
pub(super) mod sample;
