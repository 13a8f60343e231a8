//! Proves who calls: with a connection's own authentication, its connector's, or the `authentication` of an Http action.
//! Invariant: a message names connection and parameter, never a value.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use url::Url;

use super::connection::{ClientCredentials, ResolvedAuthentication, ResolvedConnection};
use super::failure::Code;
use super::guard;
use super::request::{HttpRequest, base_url};
use super::shared_key::{self, Signed};
use super::spec::encode_component;
use crate::api::SecretString;
use crate::api::connector::{ConnectorAuthentication, SharedKeyTemplate};
use crate::api::identity::{IDENTITY_CONNECTOR, MANAGED_IDENTITY, identity_name};
use crate::engine::call::CallError;
use crate::expression::Value;

/// Where Microsoft Entra gives tokens, unless the action says otherwise.
const AUTHORITY: &str = "https://login.windows.net";
/// The audience of a managed identity's token, unless the action says otherwise.
const AZURE: &str = "https://management.azure.com/";

/// Authenticates a request through a connection.
pub(super) fn of_connection(
    request: &mut HttpRequest,
    connection: &ResolvedConnection,
    now: Timestamp,
) -> Result<(), CallError> {
    match (&connection.authentication, &connection.connector.authentication) {
        (Some(ResolvedAuthentication::Basic { username, password }), _) => {
            request.set_credential("Authorization", basic(username, password.expose()));
        }
        (Some(ResolvedAuthentication::Header { name, value }), _) => request.set_credential(name, value.expose()),
        (Some(ResolvedAuthentication::Bearer(token)), _) => {
            request.set_credential("Authorization", format!("Bearer {}", token.expose()));
        }
        (Some(ResolvedAuthentication::ClientCredentials(_)), _) => {
            let name = &connection.name;
            return Err(Code::TokenRefused.refusal(format!("ApiConnection '{name}' has no token yet; call again")));
        }
        (None, Some(ConnectorAuthentication::Header(template) | ConnectorAuthentication::Query(template)))
            if is_left_out(&template.value, connection) => {}
        (None, Some(ConnectorAuthentication::Header(template))) => {
            request.set_credential(&template.name, fill(&template.value, connection)?);
        }
        (None, Some(ConnectorAuthentication::Query(template))) => {
            let value = fill(&template.value, connection)?;
            request.add_query(&template.name, &value);
        }
        (None, Some(ConnectorAuthentication::Basic(template))) => {
            let username = required(connection, &template.username)?;
            let value = basic(username, required(connection, &template.password)?);
            request.set_credential("Authorization", value);
        }
        (None, Some(ConnectorAuthentication::SharedKey(template))) => sign(request, connection, template, now)?,
        (None, None) => {}
    }
    Ok(())
}

/// The client whose token an action's `ActiveDirectoryOAuth` asks for; `None` for other types.
pub(super) fn client_of_action(given: &Value) -> Result<Option<ClientCredentials>, CallError> {
    let text = |name: &str| given.get(name).and_then(Value::as_str);
    let kind = text("type").filter(|kind| kind.eq_ignore_ascii_case("ActiveDirectoryOAuth"));
    let Some(kind) = kind else { return Ok(None) };
    if text("secret").is_none() && text("pfx").is_some() {
        return Err(not_supported(kind));
    }
    let authority = text("authority").filter(|authority| !authority.is_empty());
    let authority = authority.unwrap_or(AUTHORITY).trim_end_matches('/');
    let tenant = encode_component(field(given, "tenant")?);
    Ok(Some(ClientCredentials {
        token_url: format!("{authority}/{tenant}/oauth2/token"),
        client_id: field(given, "clientId")?.to_owned(),
        client_secret: SecretString::from(field(given, "secret")?),
        scope: None,
        resource: Some(field(given, "audience")?.to_owned()),
    }))
}

/// The name of the managed identity that an action wants to be; `None` for other types of authentication.
pub(super) fn identity_of_action(given: &Value) -> Option<String> {
    let text = |name: &str| given.get(name).and_then(Value::as_str);
    let is_identity = text("type")?.eq_ignore_ascii_case(MANAGED_IDENTITY);
    is_identity.then(|| identity_name(text("identity")))
}

/// The client that stands for a managed identity, and the hosts that its token for the audience of an action may be sent
/// to: those that the connection pins, else the audience's own.
pub(super) fn client_of_identity(
    connection: &ResolvedConnection,
    given: &Value,
) -> Result<(ClientCredentials, Vec<String>), CallError> {
    if !connection.connector.name.eq_ignore_ascii_case(IDENTITY_CONNECTOR) {
        let message = format!(
            "ApiConnection '{}' is no identity: it must be of connector `{IDENTITY_CONNECTOR}`",
            connection.name
        );
        return Err(Code::AuthenticationNotSupported.refusal(message));
    }
    let audience = given
        .get("audience")
        .and_then(Value::as_str)
        .unwrap_or(AZURE)
        .trim_end_matches('/');
    let hosts = match (
        connection.hosts.as_slice(),
        Url::parse(audience).ok().filter(Url::has_host),
    ) {
        ([], Some(url)) => vec![guard::authority(&url)],
        ([], None) => {
            let message = format!(
                "ApiConnection '{}' must say in `spec.hosts` where tokens for '{audience}' may be sent",
                connection.name
            );
            return Err(Code::EgressDenied.refusal(message));
        }
        (hosts, _) => hosts.to_vec(),
    };
    let authority = base_url(connection)?;
    let authority = authority.as_str().trim_end_matches('/');
    let tenant = encode_component(required(connection, "tenantId")?);
    let client = ClientCredentials {
        token_url: format!("{authority}/{tenant}/oauth2/v2.0/token"),
        client_id: required(connection, "clientId")?.to_owned(),
        client_secret: SecretString::from(required(connection, "clientSecret")?),
        scope: Some(format!("{audience}/.default")),
        resource: None,
    };
    Ok((client, hosts))
}

/// The authentication of an action that sends this token.
pub(super) fn bearer(token: &SecretString) -> Value {
    Value::object([
        ("type", "Raw".to_owned()),
        ("value", format!("Bearer {}", token.expose())),
    ])
}

fn field<'g>(given: &'g Value, name: &str) -> Result<&'g str, CallError> {
    given
        .get(name)
        .and_then(Value::as_str)
        .ok_or_else(|| Code::InvalidRequest.refusal(format!("the authentication of the action has no text '{name}'")))
}

/// Authenticates the request of an Http action.
pub(super) fn of_action(request: &mut HttpRequest, given: &Value) -> Result<(), CallError> {
    let field = |name: &str| field(given, name);
    match field("type")?.to_ascii_lowercase().as_str() {
        "none" => {}
        "basic" => {
            let value = basic(field("username")?, field("password")?);
            request.set_credential("Authorization", value);
        }
        "raw" => {
            let value = field("value")?.to_owned();
            request.set_credential("Authorization", value);
        }
        _ => return Err(not_supported(field("type")?)),
    }
    Ok(())
}

/// Whether a text needs a parameter that is optional and that the connection does not give: then there is nothing to
/// prove.
fn is_left_out(template: &str, connection: &ResolvedConnection) -> bool {
    let mut optional = connection
        .connector
        .parameters
        .iter()
        .filter(|parameter| parameter.optional);
    optional.any(|parameter| {
        let is_named = template.contains(&format!("{{{}}}", parameter.name));
        is_named && connection.parameter(&parameter.name).is_none_or(str::is_empty)
    })
}

/// A text with each `{parameter}` replaced by the connection's value.
pub(super) fn fill(template: &str, connection: &ResolvedConnection) -> Result<String, CallError> {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, tail)) = rest.split_once('{') {
        let Some((name, after)) = tail.split_once('}') else {
            break;
        };
        text.push_str(before);
        text.push_str(required(connection, name)?);
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

fn required<'c>(connection: &'c ResolvedConnection, name: &str) -> Result<&'c str, CallError> {
    connection
        .parameter(name)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| {
            let ResolvedConnection {
                name: own, connector, ..
            } = connection;
            let kind = &connector.name;
            let message = format!("ApiConnection '{own}' gives no value for parameter '{name}' of connector '{kind}'");
            Code::ConnectionParameterMissing.refusal(message)
        })
}

fn sign(
    request: &mut HttpRequest,
    connection: &ResolvedConnection,
    template: &SharedKeyTemplate,
    now: Timestamp,
) -> Result<(), CallError> {
    let date = shared_key::date(now);
    // The service compares this type literally with what was signed.
    request.set_header("Content-Type", "application/json");
    let signed = Signed {
        method: &request.method,
        content_length: request.body.len(),
        content_type: "application/json",
        date: &date,
        path: request.url.path(),
    };
    let account = required(connection, &template.account)?;
    let value = shared_key::authorization(account, required(connection, &template.key)?, &signed).ok_or_else(|| {
        let (name, key) = (&connection.name, &template.key);
        Code::InvalidRequest.refusal(format!("parameter '{key}' of ApiConnection '{name}' is not base64"))
    })?;
    request.set_header("x-ms-date", date.clone());
    request.set_credential("Authorization", value);
    Ok(())
}

fn basic(username: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{username}:{password}")))
}

fn not_supported(kind: &str) -> CallError {
    let advice = match kind.to_ascii_lowercase().as_str() {
        "clientcertificate" => "call through a gateway that holds the certificate, or use another type",
        "activedirectoryoauth" => "only a credential of type Secret is; use `secret` in place of `pfx`",
        _ => {
            "use Basic, Raw, ActiveDirectoryOAuth or ManagedServiceIdentity, or an ApiConnection that holds the credential"
        }
    };
    Code::AuthenticationNotSupported.refusal(format!("authentication '{kind}' is not supported: {advice}"))
}
