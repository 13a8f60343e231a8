//! Checks of content repositories: one revision, an address without credentials.

use url::Url;

use crate::api::cel;
use crate::api::content_repository::ContentRepositorySpec;
use crate::api::finding::Finding;

/// Checks a content repository.
pub(in crate::api) fn content_repository(spec: &ContentRepositorySpec) -> Vec<Finding> {
    let mut findings = Vec::new();
    let wrong = match Url::parse(&spec.url) {
        Err(_) => Some(cel::NO_ADDRESS),
        Ok(url) if !url.has_host() => Some(cel::NO_ADDRESS),
        Ok(url) if url.password().is_some() || url.scheme() != "ssh" && !url.username().is_empty() => {
            Some("the address holds credentials; use `secretRef`")
        }
        Ok(_) => None,
    };
    findings.extend(wrong.map(|message| Finding::new("/spec/url", "InvalidUrl", message)));
    if let Some(reference) = &spec.reference {
        let set = [&reference.branch, &reference.tag, &reference.semver, &reference.commit];
        if set.into_iter().flatten().count() > 1 {
            findings.push(Finding::new("/spec/ref", "ExactlyOne", cel::ONE_REVISION));
        }
    }
    findings
}
