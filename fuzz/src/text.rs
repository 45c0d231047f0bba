//! What reads keys, names of enums, the nearest word, and what a terminal shows of them.

#[path = "../../src/text/characters.rs"]
pub mod characters;
#[path = "../../src/text/count.rs"]
mod count;
#[path = "../../src/text/key_file.rs"]
pub mod key_file;
#[path = "../../src/text/named.rs"]
pub mod named;
#[path = "../../src/text/nearest.rs"]
pub mod nearest;
#[path = "../../src/text/terminal.rs"]
pub mod terminal;

pub(crate) use count::count;
