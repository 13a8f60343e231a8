//! Performs the calls of runs: finds connection and operation, then either asks Riposte's own incidents or sends a
//! guarded request. Invariant: a connection's credentials go only to its pinned hosts.

use std::borrow::Cow;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use url::Url;

use super::client::{Bounds, Client};
use super::connection::{ClientCredentials, Connections, ResolvedAuthentication, ResolvedConnection};
use super::failure::Code;
use super::pages::Pages;
use super::request::HttpRequest;
use super::sentinel::Performer;
use super::throttle::Throttle;
use super::tokens::{Asker, Tokens};
use super::upload::Upload;
use super::{approval, authentication, brakes, by_id, guard, request};
use crate::engine::call::{Admission, Answer, Brake, Call, CallError, Services, Target};
use crate::engine::callback::Links;
use crate::incidents::Desk;
use crate::store::Millis;

/// What stands for the operation of a call to a location that the service named.
const LOCATED: &str = "";
const REPEATABLE: &[&str] = &["GET", "HEAD", "OPTIONS", "PUT", "DELETE"];

/// As whom an action asks for a token: the client, and the ApiConnection that it comes from, if any.
type Actor = (ClientCredentials, Option<String>);

/// The outside world of runs, over connectors.
#[derive(Clone)]
pub struct ConnectorServices {
    connections: Arc<dyn Connections>,
    client: Client,
    incidents: Performer,
    tokens: Tokens,
    links: Arc<Links>,
    throttle: Throttle,
}

impl ConnectorServices {
    /// Services over these connections, this client, and these incidents.
    pub fn new(connections: Arc<dyn Connections>, client: Client, desk: Desk) -> Self {
        Self {
            incidents: Performer::new(desk, connections.clone()),
            connections,
            client,
            tokens: Tokens::default(),
            links: Arc::new(Links::new("", &[])),
            throttle: Throttle::default(),
        }
    }

    /// The same, which makes links to approvals for those who are asked.
    #[must_use]
    pub fn with_links(mut self, links: Links) -> Self {
        self.links = Arc::new(links);
        self
    }

    fn connection(&self, call: &Call, name: &str) -> Result<ResolvedConnection, CallError> {
        let found = self.connections.connection(&call.namespace, name);
        found.map_err(|reason| Code::ConnectionNotFound.refusal(reason))
    }

    /// Looks at a call that would change something outside, with its address and the id of its operation; `None` if it
    /// changes nothing, or cannot be made.
    fn change<T>(&self, call: &Call, name: &str, look: impl FnOnce(&Call, &str) -> T) -> Option<T> {
        if request::is_located(call) {
            return brakes::changes(&call.method).then(|| look(call, LOCATED));
        }
        let connection = self.connection(call, name).ok()?;
        let (call, found) = by_id::find(&connection.connector, call).ok()?;
        let operation = found.operation;
        let is_ours = operation.native.is_some() || operation.translation.is_some() || operation.approval.is_some();
        (!is_ours && brakes::changes(&operation.real.method)).then(|| look(&call, &operation.id))
    }

    async fn call_connection(&self, call: &Call, name: &str) -> Result<Answer, CallError> {
        let connection = self.connection(call, name)?;
        let now = Timestamp::now();
        if request::is_located(call) {
            return self
                .send(call, connection, now, |connection| {
                    request::located(call, connection, now)
                })
                .await;
        }
        let connector = connection.connector.clone();
        let (call, found) = by_id::find(&connector, call)?;
        if let Some(form) = found.operation.approval {
            return self.ask(form, &call, &connection).await;
        }
        reachable(&call)?;
        if let Some(translation) = found.operation.translation {
            let asked = translation.call(&call)?;
            let found = connector.find(&asked.method, &asked.path).ok_or_else(|| {
                let message = format!("connector '{}' does not describe '{}'", connector.name, asked.path);
                Code::OperationNotFound.refusal(message)
            })?;
            let build = |connection: &_| request::operation(&asked, &found, connection, now);
            return Ok(translation.answer(self.send(&asked, connection, now, build).await?));
        }
        match found.operation.native {
            Some(native) => self.incidents.perform(native, &found, &call, now).await,
            None => {
                let build = |connection: &_| request::operation(&call, &found, connection, now);
                self.send(&call, connection, now, build).await
            }
        }
    }

    /// Asks people: what the call asks goes into the store with the event that says so.
    async fn ask(
        &self,
        form: approval::Form,
        call: &Call,
        connection: &ResolvedConnection,
    ) -> Result<Answer, CallError> {
        let Some(callback) = &call.callback else {
            let message = format!(
                "action '{}' does not wait: an approval needs a webhook action",
                call.action
            );
            return Err(Code::InvalidRequest.refusal(message));
        };
        let asked = match form.read(call, connection) {
            Ok(asked) => asked,
            Err(unfit) => return Ok(approval::refused(&unfit)),
        };
        if let Some(text) = connection
            .parameter(approval::WEBHOOK_URL)
            .filter(|text| !text.is_empty())
        {
            let url = Url::parse(text).map_err(|_| {
                let message = format!("the webhookUrl of connection '{}' is no URL", connection.name);
                Code::InvalidRequest.refusal(message)
            })?;
            let bounds = Bounds {
                hosts: Some(match connection.hosts.as_slice() {
                    [] => vec![guard::authority(&url)],
                    hosts => hosts.to_vec(),
                }),
                networks: connection.allowed_networks.clone(),
            };
            let notice = approval::notice(url, &asked, (call, callback), &self.links);
            let told = self.client.send(notice, &bounds, call.timeout).await?;
            if !(200..300).contains(&told.status) {
                return Ok(told);
            }
        }
        Ok(Answer {
            status: 200,
            asks: Some(Box::new(asked)),
            ..Answer::default()
        })
    }

    /// Sends what `build` makes, with a token in place of client credentials.
    async fn send(
        &self,
        call: &Call,
        mut connection: ResolvedConnection,
        now: Timestamp,
        build: impl Fn(&ResolvedConnection) -> Result<HttpRequest, CallError>,
    ) -> Result<Answer, CallError> {
        let hosts = match connection.hosts.as_slice() {
            [] => vec![guard::authority(&request::base_url(&connection)?)],
            hosts => hosts.to_vec(),
        };
        let credentials = match &connection.authentication {
            Some(ResolvedAuthentication::ClientCredentials(credentials)) => Some(credentials.clone()),
            Some(_) | None => None,
        };
        if let Some(credentials) = &credentials {
            let asker = Asker {
                connection: Some(&connection.name),
                networks: &connection.allowed_networks,
            };
            let token = self.tokens.token(&self.client, asker, credentials, now, call.timeout);
            connection.authentication = Some(ResolvedAuthentication::Bearer(token.await?));
        }
        let bounds = Bounds {
            hosts: Some(hosts),
            networks: connection.allowed_networks.clone(),
        };
        let page = |url: &Url| request::located(&page_of(call, url), &connection, now);
        let answer = self.pages(call, build(&connection)?, &bounds, page).await?;
        if let Some(credentials) = credentials.filter(|_| answer.status == 401) {
            self.tokens.forget(&credentials);
        }
        Ok(answer)
    }

    /// Calls a URI, with a token where the action asks for one.
    async fn call_uri(&self, call: &Call) -> Result<Answer, CallError> {
        let now = Timestamp::now();
        let (client, bounds) = self.client_of(call)?;
        let mut call = Cow::Borrowed(call);
        if let Some((client, identity)) = &client {
            let asker = Asker {
                connection: identity.as_deref(),
                networks: &bounds.networks,
            };
            let token = self
                .tokens
                .token(&self.client, asker, client, now, call.timeout)
                .await?;
            call.to_mut().authentication = Some(authentication::bearer(&token));
        }
        let request = request::http(&call)?;
        let origin = request.url.origin();
        let page = |url: &Url| {
            if url.origin() == origin {
                return request::http(&page_of(&call, url));
            }
            let message = format!("the next page is at another host, '{}'", guard::authority(url));
            Err(Code::EgressDenied.refusal(message))
        };
        let answer = if call.chunked && !request.body.is_empty() {
            self.upload(&call, request, &bounds).await?
        } else {
            self.pages(&call, request, &bounds, page).await?
        };
        if let Some((client, _)) = client.filter(|_| answer.status == 401) {
            self.tokens.forget(&client);
        }
        Ok(answer)
    }

    /// The client whose token an Http action sends, with the ApiConnection that stands for it, and where it may be sent.
    fn client_of(&self, call: &Call) -> Result<(Option<Actor>, Bounds), CallError> {
        let Some(given) = &call.authentication else {
            return Ok((None, Bounds::default()));
        };
        let Some(identity) = authentication::identity_of_action(given) else {
            let client = authentication::client_of_action(given)?;
            return Ok((client.map(|client| (client, None)), Bounds::default()));
        };
        let found = self.connections.identity((&call.namespace, &call.playbook), &identity);
        let connection = found.map_err(|reason| Code::ConnectionNotFound.refusal(reason))?;
        let (client, hosts) = authentication::client_of_identity(&connection, given)?;
        let bounds = Bounds {
            hosts: Some(hosts),
            networks: connection.allowed_networks,
        };
        Ok((Some((client, Some(connection.name))), bounds))
    }

    /// Sends the content of a request in parts; the answer is the one to the last part, or to the one that failed.
    async fn upload(&self, call: &Call, request: HttpRequest, bounds: &Bounds) -> Result<Answer, CallError> {
        let mut upload = Upload::new(request);
        let mut answer = self.client.send(upload.announcement(), bounds, call.timeout).await?;
        if !(200..300).contains(&answer.status) {
            return Ok(answer);
        }
        upload.announced(&answer)?;
        while let Some(part) = upload.next() {
            let before = answer.traffic;
            answer = self.client.send(part, bounds, call.timeout).await?;
            answer.traffic += before;
            if !(200..300).contains(&answer.status) {
                return Ok(answer);
            }
            upload.took(&answer)?;
        }
        Ok(answer)
    }

    /// Sends a request and, where the call wants more items than its answer has, those of the pages that follow.
    async fn pages(
        &self,
        call: &Call,
        request: HttpRequest,
        bounds: &Bounds,
        page: impl Fn(&Url) -> Result<HttpRequest, CallError>,
    ) -> Result<Answer, CallError> {
        let (is_get, mut url) = (request.method == "GET", request.url.clone());
        let first = self.client.send(request, bounds, call.timeout).await?;
        let Some(wanted) = call.minimum_items.filter(|_| is_get && first.status == 200) else {
            return Ok(first);
        };
        let mut pages = Pages::new(first, wanted, self.client.max_response_bytes());
        while let Some(link) = pages.next() {
            let next = url.join(link).map_err(|_| {
                let message = format!("'{}' names a next page that is no URL", guard::authority(&url));
                Code::InvalidRequest.error(message, false, true)
            })?;
            let answer = self.client.send(page(&next)?, bounds, call.timeout).await?;
            if answer.status != 200 {
                return Ok(answer);
            }
            pages.add(&answer)?;
            url = next;
        }
        Ok(pages.merged())
    }
}

/// Refuses a call that hands a callback URL to a service which cannot reach it.
fn reachable(call: &Call) -> Result<(), CallError> {
    match &call.callback {
        Some(callback) if !callback.is_reachable => {
            let message = format!(
                "action '{}' waits to be called back, but nothing outside reaches this Riposte: give its address with \
                 `--public-url` (the chart's `publicUrl`)",
                call.action
            );
            Err(Code::CallbackUrlUnavailable.refusal(message))
        }
        Some(_) | None => Ok(()),
    }
}

/// The call that fetches the page at a URL, whose query is all that it needs.
fn page_of(call: &Call, url: &Url) -> Call {
    Call {
        method: "GET".to_owned(),
        path: url.to_string(),
        queries: Vec::new(),
        body: None,
        ..call.clone()
    }
}

#[async_trait]
impl Services for ConnectorServices {
    async fn call(&self, call: &Call) -> Result<Answer, CallError> {
        match &call.target {
            Target::Http => self.call_uri(call).await,
            Target::Connection(name) | Target::Operation { connection: name, .. } => {
                let answered = self.call_connection(call, name).await;
                if let Ok(answer) = &answered {
                    let now = Timestamp::now().as_millisecond();
                    self.throttle.heard((&call.namespace, name), answer, now);
                }
                answered
            }
            Target::Playbook(_) | Target::Batch { .. } | Target::Script { .. } => {
                let message = format!("no connector performs the action '{}'", call.action);
                Err(Code::OperationNotFound.refusal(message))
            }
        }
    }

    fn admit(&self, call: &Call, now: Millis) -> Admission {
        match &call.target {
            Target::Connection(name) | Target::Operation { connection: name, .. } => {
                let limits = self.connections.connection_limits(&call.namespace, name);
                let connection = (call.namespace.as_str(), name.as_str());
                self.throttle.admit(connection, limits, &call.idempotency_key, now)
            }
            Target::Http | Target::Playbook(_) | Target::Batch { .. } | Target::Script { .. } => Admission::Go(None),
        }
    }

    fn changes(&self, call: &Call) -> bool {
        match &call.target {
            Target::Http => brakes::changes(&call.method),
            Target::Connection(name) | Target::Operation { connection: name, .. } => {
                self.change(call, name, |_, _| ()).is_some()
            }
            Target::Playbook(_) | Target::Batch { .. } | Target::Script { .. } => false,
        }
    }

    fn brakes(&self, call: &Call) -> Vec<Brake> {
        let (Target::Connection(name) | Target::Operation { connection: name, .. }) = &call.target else {
            return Vec::new();
        };
        let Some(own) = self.connections.brakes(&call.namespace, name) else {
            return Vec::new();
        };
        let found = self.change(call, name, |call, operation| brakes::of(name, &own, operation, call));
        found.unwrap_or_default()
    }

    fn safe_to_repeat(&self, call: &Call) -> bool {
        match &call.target {
            _ if request::is_located(call) => true,
            Target::Http => REPEATABLE.contains(&call.method.to_ascii_uppercase().as_str()),
            // What cannot be found now may have been there when the call was made.
            Target::Connection(name) | Target::Operation { connection: name, .. } => self
                .connection(call, name)
                .and_then(|connection| Ok(by_id::find(&connection.connector, call)?.1.operation.safe_to_repeat))
                .unwrap_or(false),
            Target::Playbook(_) | Target::Batch { .. } | Target::Script { .. } => false,
        }
    }
}
