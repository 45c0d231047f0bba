//! `credentials_command`: a token that a program prints, such as `gcloud auth print-access-token`.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::HeaderValue;
use serde::Deserialize;
use tracing::debug;

use super::AccessError;
use super::fields::{Fields, beside};
use super::login::sensitive;
use super::program::Program;
use super::secret::Sent;
use super::tokens::Dated;
use crate::sources::prometheus::PromError;
use crate::text::terminal::terminal_message;

pub(super) const KEY: &str = "credentials_command";

/// How long the program may take. `az` takes some ten seconds on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// How long a token is used that does not show when it expires, unless the server refuses it before. `gcloud` may print a
/// token that is valid for a few minutes only.
const PLAIN_LIFETIME: Duration = Duration::from_secs(5 * 60);

/// The shortest time after which the program is run again, if no token is refused. A token that has expired already, perhaps
/// only by the clock of this machine, must not start a program for each query.
const MIN_LIFETIME: Duration = Duration::from_secs(60);

/// Reads `credentials_command` of a map; `example` is one, for errors. A program with a slash in its name is relative to the
/// config file.
pub(super) fn of(file: &Path, fields: &Fields<'_>, example: &str) -> Result<Option<Program>, AccessError> {
    if !fields.is_given(KEY) {
        return Ok(None);
    }
    let wrong = || fields.error(KEY, &format!("must be a list of the program and its arguments, such as {example}"));
    let words = fields.list(KEY).map_err(|_| wrong())?;
    let Some((program, arguments)) = words.split_first().filter(|(program, _)| !program.is_empty()) else {
        return Err(wrong());
    };
    let path = if program.contains('/') { beside(file, program) } else { program.into() };
    Ok(Some(Program::new(path, arguments)))
}

/// A program that prints credentials, and what is known about it.
pub(super) struct Printer {
    program: Program,
    sent: Sent,
    /// Whether the program has printed a credential before: if it fails later, a retry may succeed.
    has_worked: AtomicBool,
}

impl Printer {
    pub(super) fn new(program: &Program, sent: Sent) -> Self {
        Self { program: program.clone(), sent, has_worked: AtomicBool::new(false) }
    }

    /// Runs the program, and returns what `read` finds in its output. Its error follows the name of the program.
    pub(super) async fn print<T>(&self, read: impl Fn(&[u8]) -> Result<T, &'static str>) -> Result<T, PromError> {
        debug!(program = %self.program.name(), "running credentials_command");
        let printed = self.program.output(LIMIT).await.map_err(|error| self.error(&error.to_string()))?;
        let found = read(&printed).map_err(|cause| self.error(cause))?;
        self.has_worked.store(true, Ordering::Relaxed);
        Ok(found)
    }

    pub(super) fn error(&self, cause: &str) -> PromError {
        // Hide secrets before shortening the message: a truncated secret would no longer match.
        let cause = terminal_message(&self.sent.hide(cause));
        let passes = self.has_worked.load(Ordering::Relaxed);
        PromError::NoCredential { program: terminal_message(&self.program.name().to_string()), cause, passes }
    }
}

/// How long a printed credential is used.
pub(super) fn lifetime(expires: Option<DateTime<Utc>>) -> Duration {
    let left = expires.map(|expires| (expires - Utc::now()).to_std().unwrap_or_default());
    let lifetime = left.map_or(PLAIN_LIFETIME, |left| left.max(MIN_LIFETIME));
    debug!(seconds = lifetime.as_secs(), expires = ?expires, "got a credential");
    lifetime
}

/// Gets tokens from a program.
pub(super) struct TokenCommand {
    /// The type of the token, such as `Bearer`.
    kind: String,
    printer: Printer,
}

impl TokenCommand {
    pub(super) fn new(kind: &str, program: &Program, sent: Sent) -> Self {
        Self { kind: kind.to_owned(), printer: Printer::new(program, sent) }
    }

    /// Runs the program, and returns the token that it prints.
    pub(super) async fn fetch(&self) -> Result<Dated<HeaderValue>, PromError> {
        let Printed { token, expires } = self.printer.print(Printed::of).await?;
        self.printer.sent.learn(&token);
        let value = sensitive(&format!("{} {token}", self.kind));
        let value = value.ok_or_else(|| self.printer.error("printed a token that is not a valid header value"))?;
        Ok(Dated::new(value, Some(lifetime(expires))))
    }
}

/// The credential in the output of a program.
#[derive(PartialEq, Eq)]
struct Printed {
    token: String,
    expires: Option<DateTime<Utc>>,
}

/// The JSON that programs print: an ExecCredential of Kubernetes (`aws eks get-token`), the token of `az account
/// get-access-token`, or the answer of a token server, such as the metadata server of a machine at Google or Azure.
#[derive(Deserialize)]
struct TokenJson {
    status: Option<ExecStatus>,
    #[serde(rename = "accessToken")]
    azure_token: Option<String>,
    access_token: Option<String>,
    /// Seconds since 1970, as a number or as text.
    expires_on: Option<serde_json::Value>,
    /// Seconds from now on, as a number or as text.
    expires_in: Option<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExecStatus {
    token: String,
    expiration_timestamp: Option<DateTime<Utc>>,
}

impl TokenJson {
    fn printed(self) -> Option<(String, Option<DateTime<Utc>>)> {
        let seconds = |value: Option<serde_json::Value>| match value? {
            serde_json::Value::String(text) => text.parse().ok(),
            number => number.as_i64(),
        };
        if let Some(ExecStatus { token, expiration_timestamp }) = self.status {
            return Some((token, expiration_timestamp));
        }
        let at = seconds(self.expires_on).and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        let from_now = seconds(self.expires_in).and_then(TimeDelta::try_seconds);
        let expires = at.or_else(|| Utc::now().checked_add_signed(from_now?));
        Some((self.azure_token.or(self.access_token)?, expires))
    }
}

impl Printed {
    /// Reads a token alone, or one in JSON. The error follows the name of the program, and repeats nothing of the output.
    fn of(stdout: &[u8]) -> Result<Self, &'static str> {
        let text =
            std::str::from_utf8(stdout).map_err(|_| "printed something else than text: print the token alone")?;
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.starts_with('{') {
            let json = serde_json::from_str(text).ok().and_then(TokenJson::printed);
            let (token, expires) = json.ok_or(
                "printed JSON without a token (status.token, access_token or accessToken): print the token alone",
            )?;
            let token = Self::of(token.as_bytes())?;
            return Ok(Self { expires: expires.or(token.expires), ..token });
        }
        match text {
            "" => Err("printed nothing: it must print the token to standard output"),
            _ if text.contains(char::is_whitespace) => {
                Err("printed more than one word: it must print the token and nothing else")
            }
            token => Ok(Self { expires: expiry_of_jwt(token), token: token.to_owned() }),
        }
    }
}

/// When a token expires, if it is a JSON Web Token with that claim.
fn expiry_of_jwt(token: &str) -> Option<DateTime<Utc>> {
    #[derive(Deserialize)]
    struct Claims {
        exp: f64,
    }
    let [_, claims, _] = token.split('.').collect::<Vec<_>>()[..] else { return None };
    let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    let Claims { exp } = serde_json::from_slice(&claims).ok()?;
    DateTime::from_timestamp(exp as i64, 0)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(String, Option<i64>), &'static str> {
        let printed = Printed::of(text.as_bytes())?;
        Ok((printed.token, printed.expires.map(|expires| expires.timestamp())))
    }

    #[test]
    fn a_token_is_read_alone_or_from_json() {
        assert_eq!(read("ya29.a0Af_-\n"), Ok(("ya29.a0Af_-".to_owned(), None)));
        // Windows PowerShell adds a byte order mark.
        assert_eq!(read("\u{feff}t0ken\r\n"), Ok(("t0ken".to_owned(), None)));
        // From the documentation of Kubernetes, "client-go credential plugins".
        let credential = r#"{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
            "status": {"token": "my-bearer-token", "expirationTimestamp": "2018-03-05T17:30:20-08:00"}}"#;
        // date -d 2018-03-05T17:30:20-08:00 +%s
        assert_eq!(read(credential), Ok(("my-bearer-token".to_owned(), Some(1_520_299_820))));
        let endless = r#"{"status": {"token": "k8s-aws-v1.abc", "expirationTimestamp": null}}"#;
        assert_eq!(read(endless), Ok(("k8s-aws-v1.abc".to_owned(), None)));
        // From the documentation of `az account get-access-token`.
        let azure = r#"{"accessToken": "eyJ0", "expiresOn": "2023-10-31 21:59:10.000000", "expires_on": 1698760750,
            "subscription": "x", "tenant": "y", "tokenType": "Bearer"}"#;
        assert_eq!(read(azure), Ok(("eyJ0".to_owned(), Some(1_698_760_750))));
        // From the documentation of Azure's and Google's metadata servers.
        let azure = r#"{"access_token": "eyJ0", "refresh_token": "", "expires_in": "3599", "expires_on": "1506484173",
            "not_before": "1506480273", "resource": "https://management.azure.com/", "token_type": "Bearer"}"#;
        assert_eq!(read(azure), Ok(("eyJ0".to_owned(), Some(1_506_484_173))));
        let google = r#"{"access_token": "ya29.a", "expires_in": 3599, "token_type": "Bearer"}"#;
        let (token, expires) = read(google).unwrap();
        let left = expires.unwrap() - Utc::now().timestamp();
        assert!(token == "ya29.a" && (3590..=3599).contains(&left), "{left}");
    }

    #[test]
    fn a_json_web_token_shows_when_it_expires() {
        // PyJWT: jwt.encode({"sub": "1234567890", "exp": 1516239022}, "secret" * 6, "HS256")
        let jwt = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwiZXhwIjoxNTE2MjM5MDIyfQ.c2ln";
        assert_eq!(read(jwt).unwrap().1, Some(1_516_239_022));
        for opaque in ["a.b.c", "a.e30.c", "a.b", "ya29.x.y.z", "a..c"] {
            assert_eq!(read(opaque), Ok((opaque.to_owned(), None)));
        }
    }

    #[test]
    fn a_credential_is_used_until_it_expires_and_for_a_minute_at_least() {
        let seconds = |left: i64| lifetime(Some(Utc::now() + TimeDelta::seconds(left))).as_secs();
        assert!((3_598..=3_600).contains(&seconds(3_600)), "{}", seconds(3_600));
        assert_eq!((seconds(5), seconds(-3_600)), (60, 60));
        assert_eq!(lifetime(None).as_secs(), 300);
    }

    #[test]
    fn an_output_without_a_token_is_refused_without_repeating_it() {
        for (text, expected) in [
            ("", "printed nothing"),
            (" \n", "printed nothing"),
            ("PLANTED\nPLANTED", "printed more than one word"),
            ("Bearer PLANTED", "printed more than one word"),
            ("{\"password\": \"PLANTED\"}", "printed JSON without a token"),
            ("{\"access_token\": \"PLANTED", "printed JSON without a token"),
            ("{\"status\": {\"clientCertificateData\": \"PLANTED\"}}", "printed JSON without a token"),
            ("{\"status\": {\"token\": \"\"}}", "printed nothing"),
            ("{\"status\": {\"token\": \"a b\"}}", "printed more than one word"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.starts_with(expected) && !error.contains("PLANTED"), "{text}: {error}");
        }
        assert!(Printed::of(&[0xff, 0xfe]).is_err_and(|error| error.starts_with("printed something else than text")));
    }
}
