//! What reads keys, what suggests the nearest one, and names of enums.

#[path = "../../src/text/key_file.rs"]
pub mod key_file;
#[path = "../../src/text/named.rs"]
pub mod named;
#[path = "../../src/text/nearest.rs"]
pub mod nearest;
