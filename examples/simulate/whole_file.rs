//! Writes files that appear only when they are complete.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Writes a temporary file in the same folder and renames it; removes it on failure. Writes directly to a device or
/// pipe such as `/dev/stdout`, because a rename would replace it.
pub(crate) fn write_whole<T>(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<T>) -> Result<T, String> {
    if fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        let result = File::options().write(true).open(path).and_then(|mut device| write(&mut device));
        return result.map_err(|error| format!("{}: {error}", path.display()));
    }
    let partial = partial_name(path);
    let result = File::create(&partial).and_then(|mut file| {
        let result = write(&mut file)?;
        file.sync_all()?;
        fs::rename(&partial, path)?;
        Ok(result)
    });
    result.map_err(|error| {
        // The file may not exist; report the first error, not this one.
        let _ = fs::remove_file(&partial);
        format!("{}: {error}", path.display())
    })
}

fn partial_name(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".partial-{}", std::process::id()));
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_leaves_nothing() {
        let folder = std::env::temp_dir().join(format!("simulate-{}", std::process::id()));
        fs::create_dir(&folder).expect("a folder to write to");
        let path = folder.join("out.om");
        let failed = write_whole(&path, |out| {
            out.write_all(b"half")?;
            Err::<(), _>(io::Error::other("disk on fire"))
        });
        assert!(failed.expect_err("on fire").ends_with("out.om: disk on fire"));
        assert_eq!(fs::read_dir(&folder).expect("a folder to write to").count(), 0);
        write_whole(&path, |out| out.write_all(b"whole")).expect("a folder to write to");
        assert_eq!(fs::read(&path).expect("a folder to write to"), b"whole");
        write_whole(Path::new("/dev/null"), |out| out.write_all(b"gone")).expect("a device");
        assert!(!fs::metadata("/dev/null").expect("a device").is_file());
        fs::remove_dir_all(&folder).expect("a folder to write to");
    }
}
