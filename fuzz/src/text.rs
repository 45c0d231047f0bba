//! What reads keys, and what suggests the nearest one.

#[path = "../../src/text/key_file.rs"]
pub mod key_file;
#[path = "../../src/text/nearest.rs"]
pub mod nearest;
