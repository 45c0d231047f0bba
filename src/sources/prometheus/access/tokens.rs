//! Tokens and keys that are fetched when a request needs one, and cached while they are valid.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::HeaderValue;
use tokio::sync::Mutex;

use super::command::TokenCommand;
use super::oauth2::TokenServer;
use crate::sources::prometheus::PromError;

/// Replace a credential this long before it expires, so that it is still valid when a request arrives.
const BEFORE_EXPIRY: Duration = Duration::from_secs(10);

/// A credential, and how long it is used.
#[derive(Clone)]
pub(super) struct Dated<T> {
    value: T,
    /// When to fetch the next one; `None` if only a refusal shows that it is no longer valid.
    renew_at: Option<Instant>,
}

impl<T> Dated<T> {
    /// A credential that is valid for `lifetime` from now on, or until it is refused.
    pub(super) fn new(value: T, lifetime: Option<Duration>) -> Self {
        let now = Instant::now();
        let used_for = lifetime.map(|lifetime| lifetime.saturating_sub(BEFORE_EXPIRY));
        Self { value, renew_at: used_for.and_then(|used_for| now.checked_add(used_for)) }
    }
}

/// Holds a credential while it is valid.
pub(super) struct Cache<T>(Mutex<Option<Dated<T>>>);

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone + PartialEq> Cache<T> {
    /// Returns the valid credential, or fetches another one; concurrent callers wait for the same one.
    pub(super) async fn get(&self, fetch: impl Future<Output = Result<Dated<T>, PromError>>) -> Result<T, PromError> {
        let mut held = self.0.lock().await;
        if let Some(Dated { value, renew_at }) = &*held
            && renew_at.is_none_or(|renew_at| Instant::now() < renew_at)
        {
            return Ok(value.clone());
        }
        let fetched = fetch.await?;
        Ok(held.insert(fetched).value.clone())
    }

    /// Drops the cached credential if it is the one that the server rejected.
    pub(super) async fn forget(&self, refused: &T) {
        let mut held = self.0.lock().await;
        if held.as_ref().is_some_and(|held| held.value == *refused) {
            *held = None;
        }
    }
}

/// Where tokens come from.
pub(super) enum Issuer {
    Server(Box<TokenServer>),
    Command(TokenCommand),
}

/// Gets tokens as values of the header `Authorization`, and caches them.
#[derive(Clone)]
pub(super) struct TokenKeeper(Arc<(Issuer, Cache<HeaderValue>)>);

impl TokenKeeper {
    pub(super) fn of(issuer: Issuer) -> Self {
        Self(Arc::new((issuer, Cache::default())))
    }

    /// Returns a valid token.
    pub(super) async fn token(&self) -> Result<HeaderValue, PromError> {
        let (issuer, cache) = &*self.0;
        let fetch = async {
            match issuer {
                Issuer::Server(server) => server.fetch().await,
                Issuer::Command(command) => command.fetch().await,
            }
        };
        cache.get(fetch).await
    }

    /// Drops the cached token if it is the one that the server rejected.
    pub(super) async fn forget(&self, refused: &HeaderValue) {
        self.0.1.forget(refused).await;
    }
}
