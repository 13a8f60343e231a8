//! The egress guard: which hosts, schemes and addresses a call may reach. Pure; the resolver and the client ask it for
//! every address and every redirect. Invariant: an address that is not public is refused unless a network names it, and
//! a cloud metadata address unless a network names exactly it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use ipnet::IpNet;
use url::{Host, Url};

/// Why a call may not go there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The host is not one of the connection's.
    #[error("host '{0}' is not among the hosts that the connection may reach; add it to its hosts")]
    Host(String),
    /// Neither http nor https.
    #[error("scheme '{0}' is not allowed; use https")]
    Scheme(String),
    /// Plain http to a public address.
    #[error("plain http to '{0}' is not allowed outside allowed networks; use https")]
    PlainHttp(String),
    /// An address that is not public.
    #[error("host '{host}' has {kind} address {address}; add its network to allowedNetworks if calls may go there")]
    Address {
        /// The host, as the call names it.
        host: String,
        /// What is wrong with the address.
        kind: &'static str,
        /// The address.
        address: IpAddr,
    },
    /// No address at all.
    #[error("the URL names no host")]
    NoHost,
}

/// What one kind of call may reach. Equal reaches may share connections.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reach {
    /// Networks that may be reached although they are not public.
    pub networks: Vec<IpNet>,
    /// Whether only these networks may be reached: so for plain http.
    pub listed_only: bool,
}

const METADATA: &[IpAddr] = &[
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254)),
];

/// The blocks that are not public, most telling name first.
const BLOCKS: &[(&str, &str)] = &[
    ("0.0.0.0/8", "unspecified"),
    ("127.0.0.0/8", "loopback"),
    ("10.0.0.0/8", "private"),
    ("172.16.0.0/12", "private"),
    ("192.168.0.0/16", "private"),
    ("169.254.0.0/16", "link-local"),
    ("100.64.0.0/10", "carrier-grade NAT"),
    ("192.0.0.0/24", "protocol"),
    ("192.0.2.0/24", "documentation"),
    ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("fc00::/7", "private"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
    ("100::/64", "discard"),
    ("2001:db8::/32", "documentation"),
    ("2001::/32", "Teredo"),
    ("64:ff9b:1::/48", "local NAT64"),
];

static NETWORKS: LazyLock<Vec<(IpNet, &str)>> = LazyLock::new(|| {
    let read = BLOCKS
        .iter()
        .map(|(block, kind)| block.parse().map(|network| (network, *kind)));
    read.collect::<Result<_, _>>()
        .expect("the blocks are constants, and a test reads them all")
});

impl Reach {
    /// Whether this address may be reached.
    ///
    /// # Errors
    /// The address is not public and no network allows it.
    pub fn check(&self, host: &str, address: IpAddr) -> Result<(), Denied> {
        let actual = embedded(address);
        let listed = self.networks.iter().any(|network| network.contains(&actual));
        let exact = self
            .networks
            .iter()
            .any(|network| network.contains(&actual) && network.prefix_len() == network.max_prefix_len());
        let denied = |kind| {
            Err(Denied::Address {
                host: host.to_owned(),
                kind,
                address,
            })
        };
        match kind_of(actual) {
            Some(kind) if METADATA.contains(&actual) && !exact => denied(kind),
            Some(kind) if !listed => denied(kind),
            None if self.listed_only && !listed => Err(Denied::PlainHttp(host.to_owned())),
            Some(_) | None => Ok(()),
        }
    }

    /// Checks what a URL alone tells: its scheme, and its host where that is an address. Names are checked when resolved.
    ///
    /// # Errors
    /// A scheme other than http and https, no host, or an address that may not be reached.
    pub fn check_url(&self, url: &Url) -> Result<(), Denied> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Denied::Scheme(url.scheme().to_owned()));
        }
        match url.host() {
            None => Err(Denied::NoHost),
            Some(Host::Domain(_)) => Ok(()),
            Some(Host::Ipv4(address)) => self.check(&address.to_string(), address.into()),
            Some(Host::Ipv6(address)) => self.check(&address.to_string(), address.into()),
        }
    }
}

/// What kind of address this is, if it is not public.
pub fn kind_of(address: IpAddr) -> Option<&'static str> {
    let address = embedded(address);
    if METADATA.contains(&address) {
        return Some("metadata service");
    }
    let block = NETWORKS.iter().find(|(network, _)| network.contains(&address));
    block.map(|(_, kind)| *kind)
}

/// The IPv4 address that an IPv6 address really stands for: mapped, compatible, NAT64 or 6to4.
fn embedded(address: IpAddr) -> IpAddr {
    let IpAddr::V6(long) = address else { return address };
    let [a, b, c, d, e, f, g, h] = long.segments();
    let of = |high: u16, low: u16| {
        let ([p, q], [r, s]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(p, q, r, s))
    };
    match [a, b, c, d, e, f] {
        [0, 0, 0, 0, 0, 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0] => of(g, h),
        [0, 0, 0, 0, 0xffff, 0] => of(g, h),
        [0, 0, 0, 0, 0, 0] if (g, h) != (0, 0) && (g, h) != (0, 1) => of(g, h),
        [0x2002, high, low, _, _, _] => of(high, low),
        _ => address,
    }
}

/// Whether a URL goes to one of the pinned hosts: `host` is any port that the scheme has by default, `host:port` this one.
///
/// # Errors
/// It does not.
pub fn check_pinned(url: &Url, hosts: &[String]) -> Result<(), Denied> {
    let host = url.host_str().ok_or(Denied::NoHost)?;
    let port = url.port_or_known_default();
    let is_default = url.port().is_none();
    let fits = |pin: &String| {
        let pin = pin.trim().trim_end_matches('.').to_ascii_lowercase();
        let with_port = port.is_some_and(|port| pin == format!("{host}:{port}"));
        with_port || (is_default && pin == host)
    };
    if hosts.iter().any(fits) {
        Ok(())
    } else {
        Err(Denied::Host(authority(url)))
    }
}

/// The pin that a URL itself makes: its host, with its port where that is not the scheme's.
pub fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(networks: &[&str]) -> Reach {
        Reach {
            networks: networks.iter().map(|text| text.parse().unwrap()).collect(),
            listed_only: false,
        }
    }

    #[test]
    fn addresses_that_are_not_public_are_refused() {
        let refused = [
            "0.0.0.0",
            "0.1.2.3",
            "127.0.0.1",
            "127.255.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "169.254.1.1",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "100::1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "2002:7f00:1::1",
            "2002:a9fe:a9fe::",
            "::ffff:0:10.0.0.1",
        ];
        for text in refused {
            let address: IpAddr = text.parse().unwrap();
            assert!(reach(&[]).check("h", address).is_err(), "{text}");
        }
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "172.32.0.1",
            "100.128.0.1",
            "2606:4700::1111",
            "::ffff:8.8.8.8",
        ] {
            assert_eq!(reach(&[]).check("h", text.parse().unwrap()), Ok(()), "{text}");
        }
    }

    #[test]
    fn networks_allow_and_metadata_needs_its_own() {
        let check = |networks: &[&str], address: &str| reach(networks).check("h", address.parse().unwrap()).is_ok();
        assert!(check(&["10.0.0.0/8"], "10.1.2.3"));
        assert!(check(&["10.0.0.0/8"], "::ffff:10.1.2.3"));
        assert!(!check(&["10.0.0.0/8"], "127.0.0.1"));
        assert!(!check(&["0.0.0.0/0"], "169.254.169.254"));
        assert!(!check(&["100.64.0.0/10"], "100.100.100.200"));
        assert!(check(&["169.254.169.254/32"], "169.254.169.254"));
        let plain = Reach {
            listed_only: true,
            ..reach(&["127.0.0.0/8"])
        };
        assert_eq!(plain.check("h", "127.0.0.1".parse().unwrap()), Ok(()));
        assert_eq!(
            plain.check("h", "1.1.1.1".parse().unwrap()),
            Err(Denied::PlainHttp("h".to_owned()))
        );
    }

    #[test]
    fn hosts_are_pinned_with_their_port() {
        let check = |url: &str, pin: &str| check_pinned(&Url::parse(url).unwrap(), &[pin.to_owned()]).is_ok();
        assert!(check("https://api.example.com/x", "API.example.com"));
        assert!(check("https://api.example.com/x", "api.example.com:443"));
        assert!(check("http://127.0.0.1:8080/x", "127.0.0.1:8080"));
        assert!(!check("https://api.example.com:8443/x", "api.example.com"));
        assert!(!check("https://evil.example.com/x", "example.com"));
        assert!(!check("https://api.example.com.evil.net/x", "api.example.com"));
        assert!(!check("https://api.example.com@evil.net/x", "api.example.com"));
    }

    #[test]
    fn addresses_in_urls_are_read_as_the_client_reads_them() {
        for url in [
            "http://2130706433/",
            "http://0x7f.1/",
            "http://127.1/",
            "https://[::ffff:127.0.0.1]/",
            "ftp://h/",
        ] {
            assert!(reach(&[]).check_url(&Url::parse(url).unwrap()).is_err(), "{url}");
        }
    }
}
