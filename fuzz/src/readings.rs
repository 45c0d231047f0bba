//! The value with which the decoder of answers marks an idle reading.

#[path = "../../src/readings/idle.rs"]
mod idle;

pub use idle::IDLE;
