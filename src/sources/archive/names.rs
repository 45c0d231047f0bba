//! What a file is, by its path.

/// Kinds of files that matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A file of a data directory: the folder that is the data directory, and the path in it.
    Data(String, String),
    /// A dump.
    Dump,
    /// An archive.
    Archive,
    /// Any other file.
    Other,
}

/// Suffixes of compressed files.
const COMPRESSED: [&str; 2] = [".gz", ".zst"];

/// Letters and digits of a ULID, which is the name of a block.
const ULID_CHARACTERS: &[u8] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Removes `/` and `./` at the start and `.` in between. Nothing if a component is `..`, which could lead anywhere.
pub(super) fn normalize(path: &str) -> Option<String> {
    let components = || path.split('/').filter(|part| !part.is_empty() && *part != ".");
    if components().any(|part| part == "..") {
        return None;
    }
    Some(components().collect::<Vec<_>>().join("/"))
}

/// The kind of a file with a normalized path.
pub(super) fn kind(path: &str) -> Kind {
    let components: Vec<&str> = path.split('/').collect();
    for start in 0..components.len() {
        if is_data(&components[start..]) {
            return Kind::Data(components[..start].join("/"), components[start..].join("/"));
        }
    }
    let name = components.last().copied().unwrap_or_default().to_ascii_lowercase();
    let plain = COMPRESSED.iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(&name);
    match () {
        () if plain.ends_with(".openmetrics") || plain.ends_with(".om") => Kind::Dump,
        () if plain.ends_with(".tar") || name.ends_with(".tgz") => Kind::Archive,
        () => Kind::Other,
    }
}

/// Whether this is the path of a file in a data directory that Prometheus reads.
fn is_data(components: &[&str]) -> bool {
    match components {
        [block, "meta.json" | "index" | "tombstones"] => is_block(block),
        [block, "chunks", segment] => is_block(block) && is_number(segment, 6),
        ["wal" | "wbl", segment] => is_number(segment, 8),
        ["wal", checkpoint, segment] => {
            checkpoint.strip_prefix("checkpoint.").is_some_and(|number| is_number(number, 8)) && is_number(segment, 8)
        }
        ["chunks_head", segment] => is_number(segment, 6),
        _ => false,
    }
}

/// Whether a folder has the name of a block.
pub(super) fn is_block(name: &str) -> bool {
    name.len() == 26 && name.bytes().all(|byte| ULID_CHARACTERS.contains(&byte))
}

fn is_number(name: &str, digits: usize) -> bool {
    name.len() >= digits && name.len() <= 10 && name.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: &str = "01HG7Y4Z3Q8W9X0V1T2S3R4Q5P";

    #[test]
    fn files_of_a_data_directory_are_recognized_at_any_depth() {
        let data = |root: &str, inside: &str| Kind::Data(root.to_owned(), inside.to_owned());
        for inside in [
            &format!("{BLOCK}/meta.json"),
            &format!("{BLOCK}/chunks/000001"),
            "wal/00000012",
            "wal/checkpoint.00000012/00000000",
            "wbl/00000000",
            "chunks_head/000003",
        ] {
            assert_eq!(kind(inside), data("", inside));
            assert_eq!(kind(&format!("a/prometheus/{inside}")), data("a/prometheus", inside));
        }
        for other in [
            &format!("{BLOCK}/other"),
            &format!("{BLOCK}.tmp-for-creation/meta.json"),
            &format!("{BLOCK}/chunks/1"),
            "wal/0000000000000001-0000000000000002.wal",
            "wal/checkpoint.00000012.tmp/00000000",
            "meta.json",
            "chunks_head/x",
        ] {
            assert_eq!(kind(other), Kind::Other, "{other}");
        }
    }

    #[test]
    fn dumps_and_archives_are_recognized_by_name() {
        for name in ["a/metrics.openmetrics", "b.OM", "c.openmetrics.gz", "d.om.zst"] {
            assert_eq!(kind(name), Kind::Dump, "{name}");
        }
        for name in ["a/prom_data.tar.gz", "b.tgz", "c.tar", "d.tar.zst"] {
            assert_eq!(kind(name), Kind::Archive, "{name}");
        }
        assert_eq!(kind("audit.log.gz"), Kind::Other);
    }

    #[test]
    fn paths_that_lead_out_have_no_normal_form() {
        assert_eq!(normalize("./a//b/./c").as_deref(), Some("a/b/c"));
        assert_eq!(normalize("/etc/x").as_deref(), Some("etc/x"));
        assert_eq!(normalize("a/../b"), None);
        assert_eq!(normalize(".."), None);
        assert_eq!(normalize("a/..b").as_deref(), Some("a/..b"));
    }
}
