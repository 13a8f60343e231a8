//! The Lease that says which process writes statuses. Invariant: a process that could not renew its Lease in time stops
//! writing before another may begin, whatever its clock says: only its own waiting counts.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::PostParams;
use kube::{Api, Client};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long a Lease holds without renewal.
const DURATION: Duration = Duration::from_secs(15);
/// After how long without a renewal its holder stops writing.
const DEADLINE: Duration = Duration::from_secs(10);
/// How often it is looked at.
const PERIOD: Duration = Duration::from_secs(2);

/// Who wants to hold which Lease.
#[derive(Clone)]
pub struct Candidate {
    /// The API server.
    pub client: Client,
    /// Namespace of the Lease.
    pub namespace: String,
    /// Name of the Lease.
    pub name: String,
    /// The name of this process, different for each.
    pub identity: String,
}

/// What to do about a Lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Create,
    Take,
    Renew,
    Wait,
}

/// Decides from what the Lease says, and for how long it has said that.
fn decide(lease: Option<&LeaseSpec>, identity: &str, unchanged: Duration) -> Step {
    let Some(lease) = lease else {
        return Step::Create;
    };
    let seconds = lease
        .lease_duration_seconds
        .and_then(|seconds| u64::try_from(seconds).ok());
    let duration = seconds.map_or(DURATION, Duration::from_secs);
    match lease.holder_identity.as_deref() {
        Some(holder) if holder == identity => Step::Renew,
        None | Some("") => Step::Take,
        Some(_) if unchanged >= duration => Step::Take,
        Some(_) => Step::Wait,
    }
}

/// The Lease that this process wants to see; `None` in `before` for a new one.
fn held(before: Option<&LeaseSpec>, identity: &str, now: Timestamp) -> LeaseSpec {
    let is_mine = before.is_some_and(|before| before.holder_identity.as_deref() == Some(identity));
    let acquired = before
        .and_then(|before| before.acquire_time.clone())
        .filter(|_| is_mine);
    let transitions = before.and_then(|before| before.lease_transitions).unwrap_or_default();
    LeaseSpec {
        holder_identity: Some(identity.to_owned()),
        lease_duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
        acquire_time: Some(acquired.unwrap_or(MicroTime(now))),
        renew_time: Some(MicroTime(now)),
        lease_transitions: Some(if is_mine || before.is_none() {
            transitions
        } else {
            transitions.saturating_add(1)
        }),
        ..LeaseSpec::default()
    }
}

/// Holds the Lease whenever it can, tells so through `leading`, and lets it go when told to stop.
pub async fn hold(candidate: Candidate, leading: watch::Sender<bool>, stop: CancellationToken) {
    let mut holder = Holder::new(candidate);
    loop {
        let held = holder.look().await;
        if held != *leading.borrow() {
            tracing::info!(held, lease = holder.candidate.name, "the Lease changed hands");
            leading.send_replace(held);
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
    leading.send_replace(false);
    if let Err(error) = holder.release().await {
        tracing::warn!(%error, "the Lease could not be let go; it ends by itself");
    }
}

struct Holder {
    candidate: Candidate,
    api: Api<Lease>,
    /// Since when the Lease has had this version.
    seen: Option<(String, Instant)>,
    renewed: Option<Instant>,
}

impl Holder {
    fn new(candidate: Candidate) -> Self {
        let api = Api::namespaced(candidate.client.clone(), &candidate.namespace);
        Self {
            candidate,
            api,
            seen: None,
            renewed: None,
        }
    }

    /// Looks at the Lease once; whether this process holds it afterwards.
    async fn look(&mut self) -> bool {
        // The time before the answer: the Lease may have been renewed that early.
        let begin = Instant::now();
        match tokio::time::timeout(PERIOD * 2, self.step()).await {
            Ok(Ok(true)) => self.renewed = Some(begin),
            Ok(Ok(false)) => self.renewed = None,
            Ok(Err(error)) => tracing::warn!(%error, "the Lease cannot be renewed"),
            Err(_) => tracing::warn!("the Lease cannot be renewed: the API server is too slow"),
        }
        self.renewed.is_some_and(|renewed| renewed.elapsed() < DEADLINE)
    }

    async fn step(&mut self) -> Result<bool, kube::Error> {
        let lease = self.api.get_opt(&self.candidate.name).await?;
        let spec = lease.as_ref().and_then(|lease| lease.spec.as_ref());
        let unchanged = self.unchanged(lease.as_ref());
        let step = decide(
            lease.as_ref().map(|_| spec.unwrap_or(&NOBODY)),
            &self.candidate.identity,
            unchanged,
        );
        let spec = held(spec, &self.candidate.identity, Timestamp::now());
        let written = match (step, lease) {
            (Step::Wait, _) => return Ok(false),
            (Step::Create, _) | (_, None) => self.api.create(&PostParams::default(), &self.lease(spec)).await,
            (Step::Take | Step::Renew, Some(lease)) => self.replace(lease, spec).await,
        };
        match written {
            Ok(_) => Ok(true),
            // Somebody was faster.
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn unchanged(&mut self, lease: Option<&Lease>) -> Duration {
        let version = lease
            .and_then(|lease| lease.metadata.resource_version.clone())
            .unwrap_or_default();
        match &self.seen {
            Some((seen, since)) if *seen == version => since.elapsed(),
            Some(_) | None => {
                self.seen = Some((version, Instant::now()));
                Duration::ZERO
            }
        }
    }

    fn lease(&self, spec: LeaseSpec) -> Lease {
        Lease {
            metadata: ObjectMeta {
                name: Some(self.candidate.name.clone()),
                namespace: Some(self.candidate.namespace.clone()),
                ..ObjectMeta::default()
            },
            spec: Some(spec),
        }
    }

    /// Writes the Lease if nobody did since it was read.
    async fn replace(&self, mut lease: Lease, spec: LeaseSpec) -> Result<Lease, kube::Error> {
        lease.spec = Some(spec);
        let name = self.candidate.name.clone();
        self.api.replace(&name, &PostParams::default(), &lease).await
    }

    /// Lets the Lease go, so that the next process need not wait for its end.
    async fn release(&self) -> Result<(), kube::Error> {
        let Some(lease) = self.api.get_opt(&self.candidate.name).await? else {
            return Ok(());
        };
        let spec = lease.spec.clone().unwrap_or_default();
        if spec.holder_identity.as_deref() != Some(&self.candidate.identity) {
            return Ok(());
        }
        let free = LeaseSpec {
            holder_identity: None,
            lease_duration_seconds: Some(1),
            ..spec
        };
        self.replace(lease, free).await.map(drop)
    }
}

/// A Lease that says nothing.
static NOBODY: LeaseSpec = LeaseSpec {
    acquire_time: None,
    holder_identity: None,
    lease_duration_seconds: None,
    lease_transitions: None,
    preferred_holder: None,
    renew_time: None,
    strategy: None,
};

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(holder: &str) -> LeaseSpec {
        LeaseSpec {
            holder_identity: Some(holder.to_owned()),
            lease_duration_seconds: Some(15),
            lease_transitions: Some(3),
            ..LeaseSpec::default()
        }
    }

    #[test]
    fn only_a_lease_that_nobody_renews_changes_hands() {
        let (young, old) = (Duration::from_secs(14), Duration::from_secs(15));
        let cases = [
            (None, young, Step::Create),
            (Some(lease("me")), old, Step::Renew),
            (Some(lease("other")), young, Step::Wait),
            (Some(lease("other")), old, Step::Take),
            (Some(lease("")), Duration::ZERO, Step::Take),
            (Some(NOBODY.clone()), Duration::ZERO, Step::Take),
        ];
        for (lease, unchanged, expected) in cases {
            assert_eq!(decide(lease.as_ref(), "me", unchanged), expected, "{lease:?}");
        }
    }

    #[test]
    fn transitions_count_holders() {
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(held(None, "me", now).lease_transitions, Some(0));
        assert_eq!(held(Some(&lease("me")), "me", now).lease_transitions, Some(3));
        assert_eq!(held(Some(&lease("other")), "me", now).lease_transitions, Some(4));
    }
}
