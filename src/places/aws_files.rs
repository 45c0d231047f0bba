//! The files of the AWS command line, `~/.aws/credentials` and `~/.aws/config`: keys and region of a profile.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use configparser::ini::Ini;

/// Access keys of AWS. `Debug` shows no secrets.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct AwsKeys {
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
    /// The token of temporary keys.
    pub(crate) session_token: Option<String>,
}

impl fmt::Debug for AwsKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsKeys").finish_non_exhaustive()
    }
}

/// What the files have about a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AwsProfile {
    pub(crate) region: Option<String>,
    /// `None` if the profile has none, as one that only sets a region.
    pub(crate) keys: Option<AwsKeys>,
}

/// A profile cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum AwsFileError {
    #[error("cannot read {}: {reason}", .path.display())]
    Unreadable { path: PathBuf, reason: String },
    /// The file is not in the format of the AWS command line. The reason begins with the line.
    #[error("{}, {reason}", .path.display())]
    Invalid { path: PathBuf, reason: String },
    #[error("neither {} nor {} has the profile '{name}': run `aws configure --profile {name}`, or name another profile", .credentials.display(), .config.display())]
    NoProfile { name: String, credentials: PathBuf, config: PathBuf },
    #[error("profile '{name}' in {} has {has} without {lacks}: add it, or remove both", .path.display())]
    HalfKeys { name: String, path: PathBuf, has: &'static str, lacks: &'static str },
    #[error("profile '{name}' has no keys: run `aws configure --profile {name}`, or name another profile")]
    NoKeys { name: String },
    /// The profile's keys come from something that only the AWS command line can use.
    #[error(
        "profile '{name}' has no keys but {key}, which only the AWS command line can use: run `eval \"$(aws configure export-credentials --profile {name} --format env)\"` first, and name no profile"
    )]
    OnlyForTheCommandLine { name: String, key: &'static str },
}

/// Keys of profiles that lead to credentials by other ways.
const OTHER_WAYS: [&str; 6] =
    ["role_arn", "credential_process", "sso_session", "sso_start_url", "web_identity_token_file", "login_session"];

/// Where the files are.
#[derive(Clone, Debug)]
pub(crate) struct AwsFiles {
    credentials: PathBuf,
    config: PathBuf,
}

type Section = BTreeMap<String, String>;

impl AwsFiles {
    /// The paths in `AWS_SHARED_CREDENTIALS_FILE` and `AWS_CONFIG_FILE`, or the usual ones; `None` without a home.
    pub(crate) fn of_environment() -> Option<Self> {
        let named = |variable: &str| std::env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from);
        let usual = |name: &str| std::env::home_dir().map(|home| home.join(".aws").join(name));
        Some(Self {
            credentials: named("AWS_SHARED_CREDENTIALS_FILE").or_else(|| usual("credentials"))?,
            config: named("AWS_CONFIG_FILE").or_else(|| usual("config"))?,
        })
    }

    /// Reads a profile; `None` if neither file has it. If both files have keys, those of `credentials` are used.
    pub(crate) fn profile(&self, name: &str) -> Result<Option<AwsProfile>, AwsFileError> {
        let credentials = section(&self.credentials, &[name.to_owned()])?;
        let mut names = vec![format!("profile {name}")];
        names.extend((name == "default").then(|| name.to_owned()));
        let config = section(&self.config, &names)?;
        let both = [(&self.credentials, credentials.as_ref()), (&self.config, config.as_ref())];
        let sections = || both.iter().filter_map(|(path, section)| Some((*path, (*section)?)));
        if sections().next().is_none() {
            return Ok(None);
        }
        let mut keys = None;
        for (path, section) in sections() {
            keys = keys.or(keys_of(name, path, section)?);
        }
        let has = |key: &str| sections().any(|(_, section)| section.contains_key(key));
        // A role takes precedence over the keys, which are those that may assume it.
        let other_way = OTHER_WAYS.into_iter().find(|key| has(key) && (keys.is_none() || *key == "role_arn"));
        if let Some(key) = other_way {
            return Err(AwsFileError::OnlyForTheCommandLine { name: name.to_owned(), key });
        }
        let region = sections().find_map(|(_, section)| section.get("region").cloned());
        Ok(Some(AwsProfile { region, keys }))
    }

    /// The region of a profile, whatever its keys; `None` if there is none or the files cannot be read.
    pub(crate) fn region(&self, name: &str) -> Option<String> {
        let names = [format!("profile {name}"), name.to_owned()];
        let region = |path: &Path, names: &[String]| section(path, names).ok()??.get("region").cloned();
        region(&self.credentials, &names[1..]).or_else(|| match name {
            "default" => region(&self.config, &names),
            _ => region(&self.config, &names[..1]),
        })
    }

    /// The error for a profile that neither file has.
    pub(crate) fn no_profile(&self, name: &str) -> AwsFileError {
        let (credentials, config) = (self.credentials.clone(), self.config.clone());
        AwsFileError::NoProfile { name: name.to_owned(), credentials, config }
    }
}

/// The first of these sections of a file, with its values that are not empty. `None` if the file or the section is missing.
fn section(path: &Path, names: &[String]) -> Result<Option<Section>, AwsFileError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => {
            return Err(AwsFileError::Unreadable { path: path.to_owned(), reason: error.to_string() });
        }
    };
    let mut ini = Ini::new_cs();
    // Keys before the first section belong to none.
    ini.set_default_section("");
    // The reason names the line and repeats nothing of it.
    let invalid = |reason: String| AwsFileError::Invalid { path: path.to_owned(), reason };
    let sections = ini.read(text).map_err(invalid)?;
    let named = |wanted: &str| sections.iter().find(|(name, _)| same_words(name, wanted)).map(|(_, keys)| keys);
    let found = names.iter().find_map(|name| named(name));
    let is_set = |(key, value): (&String, &Option<String>)| {
        let value = value.as_deref().filter(|value| !value.is_empty())?;
        Some((key.to_lowercase(), value.to_owned()))
    };
    Ok(found.map(|keys| keys.iter().filter_map(is_set).collect()))
}

/// Whether two names are equal but for the number of spaces, as in `[profile  prod]`.
fn same_words(a: &str, b: &str) -> bool {
    a.split_whitespace().eq(b.split_whitespace())
}

fn keys_of(name: &str, path: &Path, section: &Section) -> Result<Option<AwsKeys>, AwsFileError> {
    const NAMES: [&str; 2] = ["aws_access_key_id", "aws_secret_access_key"];
    let half = |has, lacks| AwsFileError::HalfKeys { name: name.to_owned(), path: path.to_owned(), has, lacks };
    match NAMES.map(|key| section.get(key)) {
        [Some(access_key), Some(secret_key)] => Ok(Some(AwsKeys {
            access_key: access_key.clone(),
            secret_key: secret_key.clone(),
            session_token: section.get("aws_session_token").cloned(),
        })),
        [Some(_), None] => Err(half(NAMES[0], NAMES[1])),
        [None, Some(_)] => Err(half(NAMES[1], NAMES[0])),
        [None, None] => Ok(None),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    /// Two files with these texts.
    fn files(credentials: &str, config: &str) -> (Scratch, AwsFiles) {
        let folder = Scratch::new();
        let path = |name: &str| folder.path().join(name);
        let files = AwsFiles { credentials: path("credentials"), config: path("config") };
        fs::write(&files.credentials, credentials).unwrap();
        fs::write(&files.config, config).unwrap();
        (folder, files)
    }

    fn keys(access_key: &str, secret_key: &str, session_token: Option<&str>) -> Option<AwsKeys> {
        let text = str::to_owned;
        Some(AwsKeys {
            access_key: text(access_key),
            secret_key: text(secret_key),
            session_token: session_token.map(text),
        })
    }

    #[test]
    fn keys_and_region_of_a_profile_are_read_from_both_files() {
        let credentials = "# of the command line\n[default]\naws_access_key_id = AKIA1\n\
                           aws_secret_access_key = a/b+c=\n\n[prod]\naws_access_key_id=ASIA2\n\
                           AWS_SECRET_ACCESS_KEY=x:y=\naws_session_token = FwoG//t==\n";
        let config = "[default]\nregion = eu-central-1\ns3 =\n  addressing_style = path\n\
                      [profile prod]\nregion=us-east-2\naws_access_key_id=other\naws_secret_access_key=other\n\
                      [ profile  dev ]\nregion = eu-west-1\n[prod]\nregion = wrong\n";
        let (_folder, files) = files(credentials, config);
        let profile = |name: &str| files.profile(name).unwrap();
        let of = |region: &str, keys| Some(AwsProfile { region: Some(region.to_owned()), keys });
        assert_eq!(profile("default"), of("eu-central-1", keys("AKIA1", "a/b+c=", None)));
        assert_eq!(profile("prod"), of("us-east-2", keys("ASIA2", "x:y=", Some("FwoG//t=="))));
        assert_eq!(profile("dev"), of("eu-west-1", None));
        assert_eq!(profile("none"), None);
        assert_eq!(files.region("prod").as_deref(), Some("us-east-2"));
        assert_eq!(files.region("none"), None);
    }

    #[test]
    fn missing_files_have_no_profiles() {
        let folder = Scratch::new();
        let files = AwsFiles { credentials: folder.path().join("a/b"), config: folder.path().join("c") };
        assert_eq!(files.profile("default").unwrap(), None);
        let error = files.no_profile("prod").to_string();
        assert!(error.starts_with("neither /") && error.contains("has the profile 'prod': run"), "{error}");
    }

    #[test]
    fn profiles_that_only_the_command_line_can_use_are_refused_and_so_are_half_keys() {
        let half = "[a]\naws_access_key_id = x\n[b]\naws_secret_access_key = PLANTED\n";
        let config = "[profile sso]\nsso_session = corp\n[profile role]\nrole_arn = arn:aws:iam::1:role/x\n\
                      source_profile = default\n[profile process]\ncredential_process = /bin/x\n\
                      [profile both]\nrole_arn = arn:aws:iam::1:role/x\naws_access_key_id=a\naws_secret_access_key=b\n";
        let (_folder, files) = files(half, config);
        for (name, words) in [
            ("a", "has aws_access_key_id without aws_secret_access_key"),
            ("b", "has aws_secret_access_key without aws_access_key_id"),
            ("sso", "has no keys but sso_session"),
            ("role", "has no keys but role_arn"),
            ("process", "has no keys but credential_process"),
            ("both", "role_arn"),
        ] {
            let error = files.profile(name).unwrap_err().to_string();
            assert!(error.contains(words) && !error.contains("PLANTED"), "{error}");
        }
    }

    #[test]
    fn an_invalid_file_is_named_with_the_line() {
        let (_folder, files) = files("[default]\n[PLANTED\n", "");
        let error = files.profile("default").unwrap_err().to_string();
        assert!(error.contains("credentials, line 2") && !error.contains("PLANTED"), "{error}");
    }
}
