//! `annotations.csv`: the annotations of a folder, so that later runs find them. Its times are in UTC, and the program
//! reads it like any other file of annotations.

use std::path::Path;

use crate::analysis::annotations::{Annotation, Annotations};
use crate::files::{FileError, WholeFile};
use crate::folder::{Owned, Written};
use crate::text::csv::csv_field;
use crate::time::format_instant;

const ANNOTATIONS: &str = "annotations.csv";

/// The file in an output folder. A run replaces it only with other annotations.
pub(crate) const ANNOTATIONS_FILE: Owned = Owned::Single(ANNOTATIONS);

/// Writes the annotations into an output folder.
pub(crate) fn write_annotations(out: &Path, annotations: &Annotations) -> Result<Written, FileError> {
    let path = out.join(ANNOTATIONS);
    let rows: String = annotations.iter().map(row).collect();
    let stat = WholeFile::write(&path, format!("time,end,cluster,kind,text\n{rows}").as_bytes())?;
    Ok(Written::new(out, &path, annotations.iter().len() as u64, stat))
}

fn row(annotation: &Annotation) -> String {
    let fields = [
        format_instant(annotation.at_ms),
        annotation.end_ms.map(format_instant).unwrap_or_default(),
        csv_field(annotation.cluster.as_deref().unwrap_or_default()),
        annotation.kind.name().to_owned(),
        csv_field(&annotation.text),
    ];
    fields.join(",") + "\n"
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::analysis::annotations::{MOST_BYTES, read};
    use crate::scratch::Scratch;

    #[test]
    fn what_is_kept_is_read_back_whatever_the_time_zone() {
        let given = "time,cluster,text,end,kind\n2026-10-25 02:30,=c,'=a,2026-10-25T05:00:00.250Z,deploy\n\
                     1790856000.125,'c,\"a, \"\"b\"\"\nc\",,\n2026-10-01,,<b>,2026-10-02,planned_move\n";
        let parsed = |bytes: &[u8], zone: &str| {
            let mut all = read(Path::new("a.csv"), bytes, zone.parse().unwrap(), MOST_BYTES).unwrap();
            all.iter_mut().for_each(|one| one.line = 0);
            Annotations::new(all)
        };
        let all = parsed(given.as_bytes(), "Europe/Berlin");
        let folder = Scratch::new();
        let written = write_annotations(folder.path(), &all).unwrap();
        assert_eq!((written.path.as_str(), written.rows), (ANNOTATIONS, 3));
        let kept = std::fs::read(folder.path().join(ANNOTATIONS)).unwrap();
        assert_eq!(parsed(&kept, "Asia/Tokyo"), all);
        assert_eq!(parsed(&kept, "UTC"), all);
    }
}
