//! ARM functions on networks in CIDR form, of either family, and on zones.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::expression::Value;

/// A network as numbers.
struct Network {
    first: u128,
    /// Length of an address, in bits.
    width: u32,
    /// Length of the prefix, in bits.
    prefix: u32,
}

impl Network {
    fn of(arguments: &[Value]) -> Result<Self, String> {
        let text = arguments.first().and_then(Value::as_str).unwrap_or_default();
        let network: IpNet = text
            .parse()
            .map_err(|_| format!("`{text}` is no network, such as 10.0.0.0/16"))?;
        let first = match network.network() {
            IpAddr::V4(address) => u128::from(address.to_bits()),
            IpAddr::V6(address) => address.to_bits(),
        };
        Ok(Self {
            first,
            width: if first_is_v4(&network) { 32 } else { 128 },
            prefix: u32::from(network.prefix_len()),
        })
    }

    /// The distance from its first address to its last one.
    fn span(&self) -> u128 {
        match self.width - self.prefix {
            128 => u128::MAX,
            bits => (1 << bits) - 1,
        }
    }

    fn is_v4(&self) -> bool {
        self.width == 32
    }

    fn address(&self, number: u128) -> Value {
        let address = if self.is_v4() {
            IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(number).unwrap_or(u32::MAX)))
        } else {
            IpAddr::V6(Ipv6Addr::from_bits(number))
        };
        Value::from(address.to_string())
    }

    /// The distances from its first address to the first and the last one that a host may have.
    fn usable(&self) -> (u128, u128) {
        match (self.is_v4(), self.span()) {
            (true, span @ 2..) => (1, span - 1),
            (true, span @ (0 | 1)) | (false, span) => (0, span),
        }
    }
}

fn first_is_v4(network: &IpNet) -> bool {
    matches!(network, IpNet::V4(_))
}

fn number(arguments: &[Value], index: usize) -> Result<u128, String> {
    let number = arguments.get(index).and_then(Value::as_int);
    let number = number.and_then(|number| u128::try_from(number).ok());
    number.ok_or_else(|| format!("argument {} is no number from 0", index + 1))
}

/// `parseCidr('network')`.
pub(super) fn parse_cidr(arguments: &[Value]) -> Result<Value, String> {
    let network = Network::of(arguments)?;
    let (first, last) = network.usable();
    let netmask = match network.span() {
        span if network.is_v4() => u128::from(u32::MAX) & !span,
        span => !span,
    };
    let mut members = vec![
        ("network", network.address(network.first)),
        ("netmask", network.address(netmask)),
    ];
    if network.is_v4() {
        members.push(("broadcast", network.address(network.first + network.span())));
    }
    members.push(("firstUsable", network.address(network.first + first)));
    members.push(("lastUsable", network.address(network.first + last)));
    members.push(("cidr", Value::Int(i64::from(network.prefix))));
    Ok(Value::object(members))
}

/// `cidrSubnet('network', prefix, index)`.
pub(super) fn cidr_subnet(arguments: &[Value]) -> Result<Value, String> {
    let network = Network::of(arguments)?;
    let (prefix, index) = (number(arguments, 1)?, number(arguments, 2)?);
    let prefix = u32::try_from(prefix).ok();
    let prefix = prefix.filter(|prefix| (network.prefix..=network.width).contains(prefix));
    let prefix = prefix.ok_or_else(|| format!("the prefix is from {} to {}", network.prefix, network.width))?;
    let bits = network.width - prefix;
    let distance = index.checked_mul(1_u128.checked_shl(bits).unwrap_or(0));
    let distance = distance.filter(|distance| *distance <= network.span() && (index == 0 || bits < 128));
    let distance = distance.ok_or_else(|| format!("there is no subnet {index}"))?;
    let address = network.address(network.first + distance);
    Ok(Value::from(format!(
        "{}/{prefix}",
        address.as_str().unwrap_or_default()
    )))
}

/// `cidrHost('network', index)`.
pub(super) fn cidr_host(arguments: &[Value]) -> Result<Value, String> {
    let network = Network::of(arguments)?;
    let index = number(arguments, 1)?;
    // The first address of a network is no host's, of either family, where there are others.
    let first = u128::from(network.span() > 1);
    let (_, last) = network.usable();
    let distance = index.checked_add(first).filter(|distance| *distance <= last);
    let distance = distance.ok_or_else(|| format!("there is no host {index}"))?;
    Ok(network.address(network.first + distance))
}

/// `pickZones('Namespace', 'type', 'region', [count], [offset])`.
pub(super) fn pick_zones(arguments: &[Value]) -> Result<Value, String> {
    let optional = |index: usize, usual: u128| match arguments.get(index) {
        Some(_) => number(arguments, index),
        None => Ok(usual),
    };
    let (count, offset) = (optional(3, 1)?, optional(4, 0)?);
    if !(1..=3).contains(&count) || offset > 3 {
        return Err("picks one to three zones, with an offset of at most 3".to_owned());
    }
    let zones = (0..count).map(|index| Value::from(((offset + index) % 3 + 1).to_string()));
    Ok(Value::array(zones))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_network_does_not_hold_is_refused() {
        let texts = |network: &str, numbers: &[i64]| {
            let numbers = numbers.iter().map(|number| Value::Int(*number));
            [Value::from(network)].into_iter().chain(numbers).collect::<Vec<_>>()
        };
        assert!(cidr_subnet(&texts("10.0.0.0/30", &[32, 3])).is_ok());
        assert!(cidr_subnet(&texts("10.0.0.0/30", &[32, 4])).is_err());
        assert!(cidr_subnet(&texts("10.0.0.0/30", &[29, 0])).is_err());
        assert!(cidr_subnet(&texts("::/0", &[0, 0])).is_ok());
        assert!(cidr_subnet(&texts("::/0", &[0, 1])).is_err());
        assert!(cidr_host(&texts("10.0.0.0/30", &[1])).is_ok());
        assert!(cidr_host(&texts("10.0.0.0/30", &[2])).is_err());
        assert!(cidr_host(&texts("10.0.0.0/32", &[0])).is_ok());
        assert!(parse_cidr(&texts("::/0", &[])).is_ok());
        assert!(parse_cidr(&texts("10.0.0.0", &[])).is_err());
    }
}
