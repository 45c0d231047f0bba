//! Finds the error types of the crate and their variants in its source files.

use std::fs;
use std::path::{Path, PathBuf};

/// An enum or struct that derives `thiserror::Error`.
pub(super) struct ErrorType {
    pub(super) name: String,
    /// The file that declares it.
    pub(super) file: PathBuf,
    /// Variants in the order of declaration; a struct counts as one variant with its own name.
    pub(super) variants: Vec<Variant>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Variant {
    pub(super) name: String,
    /// The type of the inner error for `#[error(transparent)]`; `None` for a variant with a message of its own.
    pub(super) shown_as: Option<String>,
}

/// All error types below a folder, except those of this module.
pub(super) fn declared(folder: &Path) -> Vec<ErrorType> {
    let mut files = Vec::new();
    collect(folder, &mut files);
    files.sort();
    let mut types = Vec::new();
    for file in files.into_iter().filter(|file| !file.to_string_lossy().contains("every_error")) {
        let text = fs::read_to_string(&file).expect("a source file is readable");
        types.extend(types_in(&file, &text));
    }
    types
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder of the sources is readable") {
        let path = entry.expect("the folder of the sources is readable").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The error types that a file declares. Relies on the layout of rustfmt: a declaration begins in column 0,
/// a variant in column 4.
fn types_in(file: &Path, text: &str) -> Vec<ErrorType> {
    let mut types = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let code = line.trim_start();
        let is_manual = code.starts_with("impl") && [" Error for ", "::Error for "].iter().any(|of| code.contains(of));
        assert!(!is_manual, "{}: derive thiserror::Error, so that this type has samples: {line}", file.display());
        if !code.contains("thiserror") || code.starts_with("//") {
            continue;
        }
        assert!(
            line.starts_with("#[derive(") && line.contains("thiserror::Error"),
            "{}: write thiserror::Error in a derive on one line, outside of any module: {line}",
            file.display()
        );
        let mut is_transparent = false;
        let (keyword, name) = lines
            .by_ref()
            .find_map(|line| {
                is_transparent |= line.starts_with("#[error(transparent)]");
                declaration(line)
            })
            .expect("a derive stands before a type");
        let variants = match keyword {
            "enum" => variants(&mut lines),
            _ => vec![Variant { name: name.clone(), shown_as: is_transparent.then(|| "its field".to_owned()) }],
        };
        types.push(ErrorType { name, file: file.to_owned(), variants });
    }
    types
}

/// The keyword and the name of an enum or a struct that is declared on this line.
fn declaration(line: &str) -> Option<(&'static str, String)> {
    let unscoped = line.strip_prefix("pub").map_or(line, |rest| match rest.strip_prefix('(') {
        Some(scope) => scope.split_once(')').map_or(rest, |(_, rest)| rest),
        None => rest,
    });
    let code = unscoped.trim_start();
    ["enum", "struct"].into_iter().find_map(|keyword| {
        let rest = code.strip_prefix(keyword)?.strip_prefix(' ')?;
        Some((keyword, identifier(rest)))
    })
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The variants up to the end of the enum.
fn variants<'a>(lines: &mut impl Iterator<Item = &'a str>) -> Vec<Variant> {
    let (mut variants, mut messages) = (Vec::new(), 0);
    let mut is_transparent = false;
    for line in lines.take_while(|line| *line != "}") {
        let Some(code) = line.strip_prefix("    ") else { continue };
        if code.starts_with("#[error(") {
            messages += 1;
            is_transparent = code.starts_with("#[error(transparent)]");
        } else if code.starts_with(char::is_uppercase) {
            let name = identifier(code);
            let inner = code[name.len()..].trim_start_matches('(').trim_end_matches([',', ')']);
            let inner = inner.trim_start_matches("#[from] ");
            // Drop the module path of a plain type; `Box<dyn a::B>` stays as it is.
            let inner = if inner.contains('<') { inner } else { inner.rsplit("::").next().unwrap_or(inner) };
            variants.push(Variant { name, shown_as: is_transparent.then(|| inner.to_owned()) });
        }
    }
    assert_eq!(variants.len(), messages, "one #[error] for each variant, in the layout of rustfmt: {variants:?}");
    variants
}

#[test]
fn variants_are_found_in_any_shape() {
    let text = r#"
/// A type that is not an error.
#[derive(Debug)]
enum Other {
    Nothing,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum FirstError {
    /// A variant without any fields.
    #[error("none")]
    Unit,
    #[error(transparent)]
    Inner(#[from] show::ShowError),
    #[error(
        "{} and
    {other}", .0.display()
    )]
    Tuple(PathBuf),
    #[error("{a}")]
    Fields {
        /// A field with a doc comment.
        a: String,
    },
    #[error(transparent)]
    Boxed(Box<dyn Error + Send>),
}

#[derive(Debug, thiserror::Error)]
#[error("cannot write: {0}")]
pub struct SecondError(io::Error);
"#;
    let found = types_in(Path::new("a.rs"), text);
    let variant =
        |name: &str, shown_as: Option<&str>| Variant { name: name.to_owned(), shown_as: shown_as.map(str::to_owned) };
    assert_eq!(found.iter().map(|error| &*error.name).collect::<Vec<_>>(), ["FirstError", "SecondError"]);
    assert_eq!(
        found[0].variants,
        [
            variant("Unit", None),
            variant("Inner", Some("ShowError")),
            variant("Tuple", None),
            variant("Fields", None),
            variant("Boxed", Some("Box<dyn Error + Send>"))
        ]
    );
    assert_eq!(found[1].variants, [variant("SecondError", None)]);
}
