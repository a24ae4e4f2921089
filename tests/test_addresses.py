"""The guard: what is of the public network may be contacted, all else not, however it is written."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.addresses import REFUSED_4, allowed, check_spelling, literal, why_refused
from darkroom.errors import AddressRefused

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "93.184.216.34",
    "11.0.0.1",
    "9.255.255.255",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.1",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2a00:1450:4001:81b::200e",
    "2001:4860:4860::8888",
    "64:ff9b::101:101",
    "2002:101:101::1",
    "::ffff:8.8.8.8",
]
REFUSED = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.255.255",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::2",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "64:ff9b:1::808:808",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:a00:1::1",
    "2002:c0a8:101::",
    "2002:a9fe:a9fe::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "febf::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "2001:db8::5efe:7f00:1",
    "2606:4700::5efe:127.0.0.1",
    "2606:4700::200:5efe:10.0.0.1",
    "4000::1",
]
ODD = [
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "127.1",
    "127.0.1",
    "10.1",
    "0xa9fea9fe",
    "2852039166",
    "0251.0376.0251.0376",
    "169.254.43518",
    "127.0.0.1.",
    "127\u30020\u30020\u30021",
    "\uff11\uff12\uff17.0.0.1",
    "\u2460\u2461\u2466.0.0.1",
    "0",
    "0x0",
    "134744072",
    "010.8.8.8",
    "8.8.8.8.",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "0:0:0:0:0:0:0:1",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "a.localhost",
    "printer.local",
    "metadata.google.internal",
    "router.lan",
    "nas.home.arpa",
    "256.1.1.1",
    "1.2.3.4.5",
    "99999999999",
    "::g",
]


@pytest.mark.parametrize("host", PUBLIC)
def test_public_addresses_pass(host: str) -> None:
    assert why_refused(ipaddress.ip_address(host)) is None
    if host == str(ipaddress.ip_address(host)):
        assert allowed(host, 443) == [host]


@pytest.mark.parametrize("host", REFUSED)
def test_others_do_not(host: str) -> None:
    with pytest.raises(AddressRefused, match=r"not contacted"):
        allowed(host, 80)
    with pytest.raises(AddressRefused, match=r"example\.org \("):
        allowed("example.org", 80, lambda name, port: ["1.1.1.1", host])


@pytest.mark.parametrize("host", ODD)
def test_odd_spellings_do_not(host: str) -> None:
    with pytest.raises(AddressRefused):
        allowed(host, 80, lambda name, port: pytest.fail("looked up"))
    with pytest.raises(AddressRefused):
        check_spelling(host)


def test_the_table_is_long_enough() -> None:
    assert len(PUBLIC) + len(REFUSED) + len(ODD) >= 80


def test_names_are_looked_up_and_all_their_addresses_count() -> None:
    assert allowed("example.org", 443, lambda name, port: ["1.1.1.1", "2606:4700::1"]) == ["1.1.1.1", "2606:4700::1"]
    assert check_spelling("example.org") is None
    with pytest.raises(AddressRefused, match="has no address"):
        allowed("nowhere.example", 443, lambda name, port: [])
    assert literal("example.org") is None
    assert literal("0xcafe.example.org") is None


@given(st.integers(0, 2**32 - 1))
def test_every_form_that_carries_an_address_is_judged_by_it(value: int) -> None:
    inside = ipaddress.IPv4Address(value)
    verdict = why_refused(inside) is None
    forms = [
        ipaddress.IPv6Address(f"::ffff:{inside}"),
        ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b::")) + value),
        ipaddress.IPv6Address((0x2002 << 112) + (value << 80) + 1),
        ipaddress.IPv6Address(int(ipaddress.IPv6Address("2606:4700:0:1:0:5efe::")) + value),
    ]
    assert [why_refused(form) is None for form in forms] == [verdict] * 4


@given(st.integers(0, 2**32 - 1))
def test_what_python_calls_private_is_refused(value: int) -> None:
    address = ipaddress.IPv4Address(value)
    if why_refused(address) is None:
        assert address.is_global
    elif address.is_global:
        assert any(address in network for network in REFUSED_4)


@given(st.integers(0, 2**128 - 1))
def test_no_address_breaks_it(value: int) -> None:
    why_refused(ipaddress.IPv6Address(value))
