//! The `Authorization` header of a request.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use reqwest::header::HeaderValue;
use url::Url;

use super::AccessError;
use super::oauth2::OAuth2;
use super::program::Program;
use super::secret::{Secret, SecretSource, Sent};
use super::sigv4::SigV4;

/// A login from `--url` or from `--http.config.file`, by the kind of authentication.
#[derive(Clone, Debug)]
pub(super) enum Login {
    Basic {
        user: Option<SecretSource>,
        password: Option<SecretSource>,
    },
    Authorization {
        kind: String,
        credentials: SecretSource,
    },
    /// A token that a program prints.
    Command {
        kind: String,
        program: Program,
    },
    OAuth2(Box<OAuth2>),
    SigV4(Box<SigV4>),
}

impl Login {
    /// The user and password in a URL, if any.
    pub(super) fn of_url(url: &Url) -> Option<Self> {
        if url.username().is_empty() && url.password().is_none() {
            return None;
        }
        let source = |text: &str| {
            let text = percent_decode_str(text).decode_utf8_lossy().into_owned();
            SecretSource::inline("the login of --url", Secret::new(text))
        };
        Some(Self::Basic { user: Some(source(url.username())), password: url.password().map(source) })
    }
}

/// The value `Basic …` for a user and password given in the config file.
pub(super) fn basic(
    user: Option<&SecretSource>,
    password: Option<&SecretSource>,
    sent: &Sent,
) -> Result<HeaderValue, AccessError> {
    let read = |source: Option<&SecretSource>| source.map_or(Ok(Secret::new("")), SecretSource::read);
    let (user, password) = (read(user)?, read(password)?);
    sent.learn(password.reveal());
    Ok(basic_value(user.reveal(), password.reveal(), sent))
}

/// The value `Basic …` for a user and password given as text.
pub(super) fn basic_value(user: &str, password: &str, sent: &Sent) -> HeaderValue {
    let encoded = STANDARD.encode(format!("{user}:{password}"));
    sent.learn(&encoded);
    sensitive(&format!("Basic {encoded}")).unwrap_or_else(|| HeaderValue::from_static(""))
}

/// The header value for a type such as `Bearer` and its credentials.
pub(super) fn authorization(kind: &str, credentials: &SecretSource, sent: &Sent) -> Result<HeaderValue, AccessError> {
    let secret = credentials.read()?;
    sent.learn(secret.reveal());
    sensitive(&format!("{kind} {}", secret.reveal())).ok_or_else(|| credentials.error("a token must be a single line"))
}

/// Makes a header value that `Debug` does not show; `None` if the text is not a valid header value.
pub(super) fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
