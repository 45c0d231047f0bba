//! Who asks: the `Authorization` of a request.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use reqwest::header::HeaderValue;
use url::Url;

use super::AccessError;
use super::oauth2::OAuth2;
use super::secret::{Secret, SecretSource, Sent};

/// A way to log in.
#[derive(Clone, Debug)]
pub(super) enum Login {
    Basic { user: Option<SecretSource>, password: Option<SecretSource> },
    Authorization { kind: String, credentials: SecretSource },
    OAuth2(Box<OAuth2>),
}

impl Login {
    /// The login of a URL.
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

/// `Basic …` of a user and a password.
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

/// `Basic …` of two texts.
pub(super) fn basic_value(user: &str, password: &str, sent: &Sent) -> HeaderValue {
    let encoded = STANDARD.encode(format!("{user}:{password}"));
    sent.learn(&encoded);
    sensitive(&format!("Basic {encoded}")).unwrap_or_else(|| HeaderValue::from_static(""))
}

/// A kind of authorization and what proves it.
pub(super) fn authorization(kind: &str, credentials: &SecretSource, sent: &Sent) -> Result<HeaderValue, AccessError> {
    let secret = credentials.read()?;
    sent.learn(secret.reveal());
    sensitive(&format!("{kind} {}", secret.reveal()))
        .ok_or_else(|| credentials.error("it is no single line, as a token must be"))
}

/// A value that `Debug` does not show; `None` where it is none.
pub(super) fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
