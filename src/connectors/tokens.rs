//! Bearer tokens of OAuth 2.0 client credentials: asked for once, kept until shortly before they expire.
//! Invariant: a kept token is given only to who knows the same client secret.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use url::Url;

use super::client::{Bounds, Client};
use super::connection::ClientCredentials;
use super::failure::Code;
use super::guard;
use super::request::HttpRequest;
use crate::api::SecretString;
use crate::engine::call::{Answer, CallError};
use crate::expression::Value;

/// Tokens are renewed this long before they expire.
const MARGIN: SignedDuration = SignedDuration::from_secs(60);
/// How long a token is kept whose end is not told, in seconds.
const UNTOLD: i64 = 300;
/// The longest that a token is kept, in seconds.
const LONGEST: i64 = 24 * 60 * 60;
const KEPT_TOKENS: usize = 1_000;

/// Tokens at hand; clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Tokens {
    kept: Arc<Mutex<HashMap<ClientCredentials, Token>>>,
}

#[derive(Clone, Debug)]
struct Token {
    value: SecretString,
    renew_at: Timestamp,
}

/// For whom a token is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asker<'a> {
    /// The ApiConnection; `None` for an action.
    pub(super) connection: Option<&'a str>,
    /// Private networks that the token endpoint may be in.
    pub(super) networks: &'a [IpNet],
}

impl fmt::Display for Asker<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.connection {
            Some(name) => write!(formatter, "ApiConnection '{name}'"),
            None => write!(formatter, "the action"),
        }
    }
}

impl Tokens {
    /// The token of a client, kept or new.
    ///
    /// # Errors
    /// The token endpoint is not reached, or refuses the client.
    pub(super) async fn token(
        &self,
        client: &Client,
        asker: Asker<'_>,
        credentials: &ClientCredentials,
        now: Timestamp,
        timeout: Duration,
    ) -> Result<SecretString, CallError> {
        if let Some(token) = self.lock().get(credentials).filter(|token| now < token.renew_at) {
            return Ok(token.value.clone());
        }
        let request = token_request(asker, credentials)?;
        let bounds = Bounds {
            hosts: Some(vec![guard::authority(&request.url)]),
            networks: asker.networks.to_vec(),
        };
        let answer = client.send(request, &bounds, timeout).await;
        // The service itself has seen nothing yet.
        let answer = answer.map_err(|error| CallError {
            reached: false,
            ..error
        })?;
        let token = token_of(asker, &answer, now)?;
        let mut kept = self.lock();
        if kept.len() >= KEPT_TOKENS {
            kept.clear();
        }
        kept.insert(credentials.clone(), token.clone());
        Ok(token.value)
    }

    /// Forgets a token that the service refused.
    pub(super) fn forget(&self, credentials: &ClientCredentials) {
        self.lock().remove(credentials);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ClientCredentials, Token>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn token_request(asker: Asker<'_>, credentials: &ClientCredentials) -> Result<HttpRequest, CallError> {
    let url = Url::parse(&credentials.token_url).ok().filter(Url::has_host);
    let url = url.ok_or_else(|| Code::InvalidRequest.refusal(format!("the token endpoint of {asker} is no URL")))?;
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials");
    form.append_pair("client_id", &credentials.client_id);
    form.append_pair("client_secret", credentials.client_secret.expose());
    if let Some(scope) = &credentials.scope {
        form.append_pair("scope", scope);
    }
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    if let Some(resource) = &credentials.resource {
        form.append_pair("resource", resource);
    }
    Ok(HttpRequest {
        method: "POST".to_owned(),
        url,
        headers: vec![
            header("Content-Type", "application/x-www-form-urlencoded"),
            header("Accept", "application/json"),
        ],
        credentials: Vec::new(),
        body: form.finish().into_bytes(),
    })
}

fn token_of(asker: Asker<'_>, answer: &Answer, now: Timestamp) -> Result<Token, CallError> {
    let field = |name: &str| answer.body.as_ref().and_then(|body| body.get(name));
    let value = field("access_token")
        .and_then(Value::as_str)
        .filter(|_| answer.status == 200);
    let Some(value) = value else {
        let reason = field("error")
            .and_then(Value::as_str)
            .filter(|reason| is_plain(reason))
            .unwrap_or("no token");
        let status = answer.status;
        let message = format!("the token endpoint of {asker} answered {status} ({reason}); check its client");
        return Err(Code::TokenRefused.error(message, status == 429 || status >= 500, false));
    };
    let told = match field("expires_in") {
        Some(Value::Int(seconds)) => *seconds,
        Some(Value::String(text)) => text.parse().unwrap_or(UNTOLD),
        Some(_) | None => UNTOLD,
    };
    let lifetime = SignedDuration::from_secs(told.clamp(0, LONGEST));
    Ok(Token {
        value: SecretString::from(value),
        renew_at: now.saturating_add(lifetime - MARGIN).unwrap_or(now),
    })
}

/// Whether a reason is one of OAuth's own words, not a text that may hold anything.
fn is_plain(reason: &str) -> bool {
    reason.len() <= 40 && reason.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}
