//! The PostgreSQL target against real servers, driven through the seam.

mod content;
mod refusal;
mod sample;
mod survival;
