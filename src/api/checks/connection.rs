//! Checks of API connections: addresses, hosts and networks must parse, because they are the limit of what a run
//! may reach.

use ipnet::IpNet;
use url::Url;

use crate::api::api_connection::{ApiConnectionSpec, Authentication};
use crate::api::cel;
use crate::api::finding::Finding;

use super::named_values;

/// Checks an API connection.
pub(in crate::api) fn api_connection(spec: &ApiConnectionSpec) -> Vec<Finding> {
    let mut findings = Vec::new();
    named_values("/spec/parameters", &spec.parameters, &mut findings);
    if let Some(address) = &spec.base_url {
        findings.extend(wrong_address(address).map(|message| Finding::new("/spec/baseUrl", "InvalidUrl", message)));
    }
    if let Some(Authentication::ClientCredentials(credentials)) = &spec.authentication {
        let wrong = wrong_address(&credentials.token_url);
        let pointer = "/spec/authentication/clientCredentials/tokenUrl";
        findings.extend(wrong.map(|message| Finding::new(pointer, "InvalidUrl", message)));
    }
    for (index, host) in spec.hosts.iter().enumerate() {
        if !is_host(host) {
            findings.push(Finding::new(
                format!("/spec/hosts/{index}"),
                "InvalidHost",
                cel::NO_HOST,
            ));
        }
    }
    for (index, network) in spec.allowed_networks.iter().enumerate() {
        if network.parse::<IpNet>().is_err() {
            findings.push(Finding::new(
                format!("/spec/allowedNetworks/{index}"),
                "InvalidNetwork",
                cel::NO_NETWORK,
            ));
        }
    }
    findings
}

/// What is wrong with the address of a service.
fn wrong_address(address: &str) -> Option<&'static str> {
    match Url::parse(address) {
        Err(_) => Some(cel::NO_ADDRESS),
        Ok(url) if !url.has_host() => Some("the address has no host"),
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            Some("the address holds a user name or password; use `authentication` with a Secret")
        }
        Ok(url) if url.query().is_some() || url.fragment().is_some() => Some("the address must end with the path"),
        Ok(_) => None,
    }
}

/// Whether a text is `host` or `host:port`; IPv6 in brackets.
fn is_host(text: &str) -> bool {
    let Ok(url) = Url::parse(&format!("https://{text}/")) else {
        return false;
    };
    let Some(host) = url.host_str() else {
        return false;
    };
    let rest = text.get(host.len()..).unwrap_or("/");
    let port = rest.strip_prefix(':').map(str::parse::<u16>);
    text.to_lowercase().starts_with(host) && (rest.is_empty() || matches!(port, Some(Ok(1..))))
}
