//! What reads keys, what suggests the nearest one, and what shows both.

#[path = "../../src/text/characters.rs"]
pub mod characters;
#[path = "../../src/text/key_file.rs"]
pub mod key_file;
#[path = "../../src/text/nearest.rs"]
pub mod nearest;
#[path = "../../src/text/terminal.rs"]
pub mod terminal;
