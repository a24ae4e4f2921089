"""Which network addresses may be contacted: the guard against server-side request forgery.

An address that somebody else chose (a picture's URL, a webhook) must not reach into the network that this machine
stands in: loopback, private and link-local networks, the metadata services of clouds, and all the forms of IPv6 that
carry such an IPv4 address inside. The networks are those of IANA's special-purpose registries (RFC 6890) that are not
globally reachable, and those of the transition mechanisms.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import unicodedata
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from darkroom.errors import AddressRefused, NameUnknown

Address = IPv4Address | IPv6Address

REFUSED_4 = {
    IPv4Network("0.0.0.0/8"): "this network",
    IPv4Network("10.0.0.0/8"): "private",
    IPv4Network("100.64.0.0/10"): "shared by a carrier (CGNAT)",
    IPv4Network("127.0.0.0/8"): "loopback",
    IPv4Network("168.63.129.16/32"): "a cloud's own service",
    IPv4Network("169.254.0.0/16"): "link-local, where clouds keep their metadata",
    IPv4Network("172.16.0.0/12"): "private",
    IPv4Network("192.0.0.0/24"): "for protocols",
    IPv4Network("192.0.2.0/24"): "for documentation",
    IPv4Network("192.88.99.0/24"): "a 6to4 relay",
    IPv4Network("192.168.0.0/16"): "private",
    IPv4Network("198.18.0.0/15"): "for measurements",
    IPv4Network("198.51.100.0/24"): "for documentation",
    IPv4Network("203.0.113.0/24"): "for documentation",
    IPv4Network("224.0.0.0/4"): "multicast",
    IPv4Network("240.0.0.0/4"): "reserved",
}
REFUSED_6 = {
    IPv6Network("::/128"): "unspecified",
    IPv6Network("::1/128"): "loopback",
    IPv6Network("64:ff9b:1::/48"): "a local translation (NAT64)",
    IPv6Network("100::/64"): "discarded",
    IPv6Network("2001::/32"): "a tunnel (Teredo)",
    IPv6Network("2001:2::/48"): "for measurements",
    IPv6Network("2001:10::/28"): "for identifiers",
    IPv6Network("2001:20::/28"): "for identifiers",
    IPv6Network("2001:db8::/32"): "for documentation",
    IPv6Network("3fff::/20"): "for documentation",
    IPv6Network("5f00::/16"): "for segment routing",
    IPv6Network("fc00::/7"): "private",
    IPv6Network("fe80::/10"): "link-local",
    IPv6Network("fec0::/10"): "site-local",
    IPv6Network("ff00::/8"): "multicast",
}
NAMES = ("localhost", "local", "internal", "localdomain", "home.arpa", "lan", "intranet", "corp")
"""Ends of names that are not of the public network."""
ISATAP = (0x00005EFE, 0x02005EFE)
"""The third quarter of an address that carries an IPv4 address in the fourth (RFC 5214)."""

_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+", re.IGNORECASE)

Resolve = Callable[[str, int], Sequence[str]]


def why_refused(address: Address) -> str | None:
    """What kind of address this is, in words, where it must not be contacted; else None."""
    if isinstance(address, IPv4Address):
        return next((why for network, why in REFUSED_4.items() if address in network), None)
    inside = _carried(address)
    if inside is not None:
        why = why_refused(inside)
        return f"{inside} inside of it is {why}" if why else None
    found = next((why for network, why in REFUSED_6.items() if address in network), None)
    if found is None and address not in IPv6Network("2000::/3"):
        return "not of the public network"
    return found


def literal(host: str) -> Address | None:
    """The address that a host is written as, also oddly: ``2130706433``, ``0x7f.1``, ``0177.0.0.1``; None for a name.

    Raises AddressRefused for numbers that are no address.
    """
    plain = _plain(host)
    if plain.startswith("[") or ":" in plain:
        try:
            return IPv6Address(plain.strip("[]").split("%", 1)[0])
        except ValueError as error:
            raise AddressRefused(f"{host} is not an address.", cure="Correct the address.") from error
    parts = plain.split(".")
    if not all(_NUMBER.fullmatch(part) for part in parts):
        return None
    try:
        return IPv4Address(socket.inet_aton(plain))
    except OSError as error:
        raise AddressRefused(f"{host} is not an address.", cure="Correct the address.") from error


def check_spelling(host: str) -> Address | None:
    """The address that a host is written as, None for a name; looks nothing up.

    Raises AddressRefused for what is not of the public network, in whatever spelling: addresses, and names that end as
    those of the own network do.
    """
    address = literal(host)
    if address is not None:
        why = why_refused(address)
        if why is not None:
            raise _refused(host, str(address), why)
        if str(address) != host.strip("[]").lower():
            raise AddressRefused(
                f"{host} is another spelling of {address}: addresses are not written so with good intent.",
                cure=f"Write {address}.",
            )
        return address
    plain = _plain(host)
    end = next((end for end in NAMES if plain == end or plain.endswith(f".{end}")), None)
    if end is not None:
        raise _refused(host, plain, "a name of the own network")
    return None


def allowed(host: str, port: int, resolve: Resolve | None = None) -> list[str]:
    """The addresses of a host that may be contacted; all that it has, for one that is refused refuses the host.

    Args:
        host: as written in a URL.
        port: that is wanted.
        resolve: gives the addresses of a name, by default the system's.

    Raises:
        AddressRefused: for what is not of the public network, in whatever spelling.
        NameUnknown: for names without an address.
    """
    address = check_spelling(host)
    if address is not None:
        return [str(address)]
    plain = _plain(host)
    found = list((resolve or system_resolve)(plain, port))
    if not found:
        raise NameUnknown(
            f"{host} has no address.",
            cure="Check the name, and the network: while this machine is not connected, no name has an address.",
        )
    for text in found:
        why = why_refused(ipaddress.ip_address(text.split("%", 1)[0]))
        if why is not None:
            raise _refused(host, text, why)
    return found


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its spelling: no name is looked up for that."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def system_resolve(host: str, port: int) -> list[str]:
    """The addresses that the system knows for a name, in its order; none where it knows none."""
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


def _plain(host: str) -> str:
    """A host as the resolver would read it: full-width digits and dots made plain, no dot at the end."""
    return unicodedata.normalize("NFKC", host).replace("\u3002", ".").strip().lower().rstrip(".")


def _carried(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for: mapped, compatible, 6to4, NAT64 or ISATAP."""
    value = int(address)
    low = IPv4Address(value & 0xFFFFFFFF)
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in IPv6Network("64:ff9b::/96") or address in IPv6Network("::ffff:0:0:0/96"):
        return low
    if (value >> 32) & 0xFFFFFFFF in ISATAP:
        return low
    if value >> 32 == 0 and value > 1:
        return low
    return None


def _refused(host: str, address: str, why: str) -> AddressRefused:
    shown = host if host == address else f"{host} ({address})"
    return AddressRefused(
        f"{shown} was not contacted: it is {why}.",
        cure="If it is yours and meant, add the host to egress.private_hosts.",
    )
