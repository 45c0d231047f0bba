//! The content of a request.

use reqwest::{Method, RequestBuilder};
use url::Url;

use super::connection::Connection;

/// What is sent with a request.
#[derive(Clone, Copy)]
pub(super) enum Content<'a> {
    Nothing,
    Form(&'a [(&'a str, String)]),
    Text(&'a str),
    /// A body with its own headers.
    Bytes(&'a [u8], &'static [(&'static str, &'static str)]),
}

impl Content<'_> {
    pub(super) fn method(self) -> Method {
        if matches!(self, Self::Nothing) { Method::GET } else { Method::POST }
    }

    /// Prepares a request with this content.
    pub(super) fn request(self, connection: &Connection, at: &Url) -> RequestBuilder {
        let request = connection.request(self.method(), at);
        match self {
            Self::Nothing => request,
            Self::Form(form) => request.form(form),
            Self::Text(text) => request.body(text.to_owned()),
            Self::Bytes(bytes, headers) => {
                let request = request.body(bytes.to_vec());
                headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
            }
        }
    }
}
