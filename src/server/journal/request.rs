//! A request to the aggregated API as Kubernetes reads it: which verb on which resource of which namespace. Pure.
//! Invariant: what is not understood is refused here by name, so nothing behind it sees an unknown path.

use axum::http::Method;

use super::objects::OBJECTS;
use super::status::Failure;
use crate::api::{GROUP as OBJECT_GROUP, Kind, VERSION};

/// The group of the aggregated API.
pub const GROUP: &str = "journal.riposte.dev";
/// The resource of brakes, and its one object.
const BRAKES: &str = "brakes";
const ACTIONS: &str = "actions";
/// The longest name of an object.
const NAME_MAX: usize = 253;

/// What RBAC decides on: the attributes of a request, as a SubjectAccessReview has them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Attributes {
    /// The verb, such as `get`.
    pub verb: &'static str,
    /// The API group.
    pub group: &'static str,
    /// The resource, in the plural.
    pub resource: &'static str,
    /// The part of the resource, such as `log`.
    pub subresource: Option<&'static str>,
    /// The namespace; `None` means all.
    pub namespace: Option<String>,
    /// The object; `None` means all.
    pub name: Option<String>,
}

impl Attributes {
    fn of(verb: &'static str, collection: Collection, part: Option<&'static str>, place: &Place) -> Self {
        Self {
            verb,
            group: collection.group(),
            resource: collection.plural(),
            subresource: part,
            namespace: Some(place.namespace.clone()),
            name: Some(place.name.clone()),
        }
    }
}

/// Things that can be listed and looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Collection {
    /// Runs of playbooks.
    Runs,
    /// Incidents.
    Incidents,
    /// What people are asked.
    Approvals,
    /// Objects of the group `riposte.dev`, where no API server holds them.
    Objects(Kind),
}

impl Collection {
    /// The name in paths.
    pub(super) fn plural(self) -> &'static str {
        match self {
            Self::Runs => "runs",
            Self::Incidents => "incidents",
            Self::Approvals => "approvals",
            Self::Objects(kind) => OBJECTS
                .iter()
                .find(|(known, _)| *known == kind)
                .map_or("", |(_, plural)| plural),
        }
    }

    /// The kind of one.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Runs => "Run",
            Self::Incidents => "Incident",
            Self::Approvals => "Approval",
            Self::Objects(kind) => kind.as_str(),
        }
    }

    /// The API group.
    pub(super) fn group(self) -> &'static str {
        match self {
            Self::Runs | Self::Incidents | Self::Approvals => GROUP,
            Self::Objects(_) => OBJECT_GROUP,
        }
    }
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// The groups that are served.
    Groups,
    /// One group.
    Group(&'static str),
    /// The resources of a group.
    Resources(&'static str),
    /// A list, of one namespace or of all.
    List(Collection, Option<String>),
    /// One thing.
    One(Collection, Place),
    /// What happened in a run, as text.
    Log(Place),
    /// The actions of a run with inputs and outputs.
    Actions(Place),
    /// The links of those who are asked.
    Links(Place),
    /// That something changes.
    Change(Change),
}

/// What a request changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// The end of a run, before its time.
    Cancel(Place),
    /// A new run that repeats one.
    Resubmit(Place),
    /// That a run and all that belongs to it is forgotten.
    Delete(Place),
    /// A decision on what a run asks.
    Approve(Place),
    /// That a call goes on which brakes hold.
    Release(Place),
    /// That actions wait, of a namespace or of all, or go on.
    Pause(Option<String>, Wish),
    /// A new run of a playbook.
    Start(Place),
}

/// What becomes of actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// They wait.
    Pause,
    /// They go on.
    Unpause,
}

impl Wish {
    /// The part of the resource.
    fn part(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Unpause => "unpause",
        }
    }

    fn of(part: &str) -> Option<Self> {
        [Self::Pause, Self::Unpause]
            .into_iter()
            .find(|wish| wish.part() == part)
    }
}

/// Where a thing is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Asked {
    /// Reads method and path. `with_objects`: whether the objects of `riposte.dev` are served too.
    pub(super) fn read(method: &Method, path: &str, with_objects: bool) -> Result<Self, Failure> {
        let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
        let group = |name: &str| match name {
            GROUP => Ok(GROUP),
            OBJECT_GROUP if with_objects => Ok(OBJECT_GROUP),
            _ => Err(Failure::no_path()),
        };
        let (asked, allowed) = match segments.as_slice() {
            ["apis"] => (Self::Groups, Method::GET),
            ["apis", name] => (Self::Group(group(name)?), Method::GET),
            ["apis", name, VERSION] => (Self::Resources(group(name)?), Method::GET),
            ["apis", name, VERSION, plural] => (Self::List(collection(group(name)?, plural)?, None), Method::GET),
            ["apis", GROUP, VERSION, BRAKES, ACTIONS, part] => {
                let wish = Wish::of(part).ok_or_else(Failure::no_path)?;
                (Self::Change(Change::Pause(None, wish)), Method::POST)
            }
            ["apis", name, VERSION, "namespaces", namespace, rest @ ..] => {
                in_namespace(group(name)?, &checked(namespace)?, rest)?
            }
            _ => return Err(Failure::no_path()),
        };
        match asked {
            asked if *method == allowed => Ok(asked),
            Self::One(Collection::Runs, place) if *method == Method::DELETE => Ok(Self::Change(Change::Delete(place))),
            _ => Err(Failure::method(method, &allowed)),
        }
    }

    /// What RBAC decides on; discovery is open to everyone who is known.
    pub(super) fn attributes(&self) -> Option<Attributes> {
        Some(match self {
            Self::Groups | Self::Group(_) | Self::Resources(_) => return None,
            Self::List(collection, namespace) => Attributes {
                verb: "list",
                group: collection.group(),
                resource: collection.plural(),
                namespace: namespace.clone(),
                ..Attributes::default()
            },
            Self::One(collection, place) => Attributes::of("get", *collection, None, place),
            Self::Log(place) => Attributes::of("get", Collection::Runs, Some("log"), place),
            Self::Actions(place) => Attributes::of("get", Collection::Runs, Some("actions"), place),
            Self::Links(place) => Attributes::of("get", Collection::Approvals, Some("links"), place),
            Self::Change(change) => change.attributes(),
        })
    }
}

impl Change {
    fn attributes(&self) -> Attributes {
        let create = |part, place| Attributes::of("create", Collection::Runs, Some(part), place);
        match self {
            Self::Cancel(place) => create("cancel", place),
            Self::Resubmit(place) => create("resubmit", place),
            Self::Delete(place) => Attributes::of("delete", Collection::Runs, None, place),
            Self::Approve(place) => create("approve", place),
            Self::Release(place) => create("release", place),
            Self::Pause(namespace, wish) => Attributes {
                verb: "create",
                group: GROUP,
                resource: BRAKES,
                subresource: Some(wish.part()),
                namespace: namespace.clone(),
                name: Some(ACTIONS.to_owned()),
            },
            Self::Start(place) => Attributes {
                resource: "playbooks",
                ..create("start", place)
            },
        }
    }
}

fn in_namespace(group: &'static str, namespace: &str, rest: &[&str]) -> Result<(Asked, Method), Failure> {
    let place = |name: &str| {
        Ok::<_, Failure>(Place {
            namespace: namespace.to_owned(),
            name: checked(name)?,
        })
    };
    Ok(match (group, rest) {
        (_, [plural]) => (
            Asked::List(collection(group, plural)?, Some(namespace.to_owned())),
            Method::GET,
        ),
        (_, [plural, name]) => (Asked::One(collection(group, plural)?, place(name)?), Method::GET),
        (GROUP, ["runs", name, "log"]) => (Asked::Log(place(name)?), Method::GET),
        (GROUP, ["runs", name, "actions"]) => (Asked::Actions(place(name)?), Method::GET),
        (GROUP, ["runs", name, "cancel"]) => (Asked::Change(Change::Cancel(place(name)?)), Method::POST),
        (GROUP, ["runs", name, "resubmit"]) => (Asked::Change(Change::Resubmit(place(name)?)), Method::POST),
        (GROUP, ["runs", name, "approve"]) => (Asked::Change(Change::Approve(place(name)?)), Method::POST),
        (GROUP, ["approvals", name, "links"]) => (Asked::Links(place(name)?), Method::GET),
        (GROUP, ["runs", name, "release"]) => (Asked::Change(Change::Release(place(name)?)), Method::POST),
        (GROUP, [BRAKES, ACTIONS, part]) => {
            let wish = Wish::of(part).ok_or_else(Failure::no_path)?;
            (
                Asked::Change(Change::Pause(Some(namespace.to_owned()), wish)),
                Method::POST,
            )
        }
        (GROUP, ["playbooks", name, "start"]) => (Asked::Change(Change::Start(place(name)?)), Method::POST),
        _ => return Err(Failure::no_path()),
    })
}

fn collection(group: &str, plural: &str) -> Result<Collection, Failure> {
    let objects = OBJECTS.iter().map(|(kind, _)| Collection::Objects(*kind));
    [Collection::Runs, Collection::Incidents, Collection::Approvals]
        .into_iter()
        .chain(objects)
        .find(|collection| collection.group() == group && collection.plural() == plural)
        .ok_or_else(Failure::no_path)
}

/// A name as Kubernetes allows it, so that nothing else reaches a query or a message.
fn checked(name: &str) -> Result<String, Failure> {
    let is_ordinary = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    if name.is_empty() || name.len() > NAME_MAX || !name.bytes().all(is_ordinary) {
        return Err(Failure::malformed(
            "a name in the path must consist of lower case letters, digits, `-` and `.`",
        ));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "/apis/journal.riposte.dev/v1alpha1";

    fn read(method: &Method, path: &str) -> Result<Asked, u16> {
        Asked::read(method, path, false).map_err(|failure| failure.code())
    }

    #[test]
    fn every_path_has_its_attributes() {
        let cases = [
            ("GET", "/runs", "list runs -/-/-"),
            ("GET", "/namespaces/soc/runs", "list runs -/soc/-"),
            ("GET", "/namespaces/soc/runs/r1", "get runs -/soc/r1"),
            ("GET", "/namespaces/soc/runs/r1/log", "get runs log/soc/r1"),
            ("GET", "/namespaces/soc/runs/r1/actions", "get runs actions/soc/r1"),
            ("POST", "/namespaces/soc/runs/r1/cancel", "create runs cancel/soc/r1"),
            (
                "POST",
                "/namespaces/soc/runs/r1/resubmit",
                "create runs resubmit/soc/r1",
            ),
            ("DELETE", "/namespaces/soc/runs/r1", "delete runs -/soc/r1"),
            ("POST", "/namespaces/soc/runs/r1/approve", "create runs approve/soc/r1"),
            ("GET", "/approvals", "list approvals -/-/-"),
            ("GET", "/namespaces/soc/approvals/r1.0-1", "get approvals -/soc/r1.0-1"),
            (
                "GET",
                "/namespaces/soc/approvals/r1.0-1/links",
                "get approvals links/soc/r1.0-1",
            ),
            ("POST", "/namespaces/soc/runs/r1/release", "create runs release/soc/r1"),
            (
                "POST",
                "/namespaces/soc/brakes/actions/pause",
                "create brakes pause/soc/actions",
            ),
            ("POST", "/brakes/actions/unpause", "create brakes unpause/-/actions"),
            ("GET", "/namespaces/soc/incidents/7", "get incidents -/soc/7"),
            (
                "POST",
                "/namespaces/soc/playbooks/p/start",
                "create playbooks start/soc/p",
            ),
        ];
        for (method, path, expected) in cases {
            let asked = read(&method.parse().unwrap(), &format!("{BASE}{path}")).unwrap();
            let attributes = asked.attributes().unwrap();
            let or = |text: Option<&str>| text.unwrap_or("-").to_owned();
            let shown = format!(
                "{} {} {}/{}/{}",
                attributes.verb,
                attributes.resource,
                or(attributes.subresource),
                or(attributes.namespace.as_deref()),
                or(attributes.name.as_deref()),
            );
            assert_eq!(shown, expected);
            assert_eq!(attributes.group, GROUP);
        }
    }

    #[test]
    fn discovery_needs_no_permission() {
        for path in ["/apis", "/apis/journal.riposte.dev", BASE] {
            assert_eq!(read(&Method::GET, path).unwrap().attributes(), None);
        }
    }

    #[test]
    fn what_is_not_served_is_refused() {
        let cases = [
            ("GET", "/apis/riposte.dev/v1alpha1/playbooks", 404),
            ("GET", "/apis/journal.riposte.dev/v1/runs", 404),
            (
                "GET",
                "/apis/journal.riposte.dev/v1alpha1/namespaces/soc/runs/r1/secrets",
                404,
            ),
            (
                "GET",
                "/apis/journal.riposte.dev/v1alpha1/namespaces/soc/playbooks/p",
                404,
            ),
            ("GET", "/apis/journal.riposte.dev/v1alpha1/namespaces/a%2Fb/runs", 400),
            (
                "DELETE",
                "/apis/journal.riposte.dev/v1alpha1/namespaces/soc/incidents/1",
                405,
            ),
            (
                "GET",
                "/apis/journal.riposte.dev/v1alpha1/namespaces/soc/runs/r1/cancel",
                405,
            ),
        ];
        for (method, path, code) in cases {
            assert_eq!(read(&method.parse().unwrap(), path), Err(code), "{method} {path}");
        }
        let objects = Asked::read(&Method::GET, "/apis/riposte.dev/v1alpha1/playbooks", true);
        assert_eq!(objects.unwrap(), Asked::List(Collection::Objects(Kind::Playbook), None));
    }
}
