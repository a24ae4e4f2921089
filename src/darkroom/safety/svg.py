"""Which SVGs are taken: drawings that neither run code nor fetch anything.

Read with expat from the standard library, which gives elements as it meets them and fetches nothing. The reading ends
at a document type, before any entity can be declared, so there is none to expand: what defusedxml would add. Encodings
in which this reader and the renderer's may see two documents are refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from xml.parsers import expat

SVG = "http://www.w3.org/2000/svg"
DEPTH = 500
"""Deepest nesting of elements."""
ELEMENTS = 500_000
"""Most elements; drawings of maps have a tenth of it."""

_DRAWN = frozenset(
    """
    svg g defs symbol use switch title desc metadata style a view cursor
    path rect circle ellipse line polyline polygon image text tspan tref textPath altGlyph altGlyphDef altGlyphItem
    glyph glyphRef hkern vkern font font-face font-face-format font-face-name font-face-src font-face-uri missing-glyph
    linearGradient radialGradient meshgradient meshpatch meshrow mesh stop solidcolor solidColor hatch hatchpath
    hatchPath pattern marker clipPath mask filter color-profile
    feBlend feColorMatrix feComponentTransfer feComposite feConvolveMatrix feDiffuseLighting feDisplacementMap
    feDistantLight feDropShadow feFlood feFuncA feFuncB feFuncG feFuncR feGaussianBlur feImage feMerge feMergeNode
    feMorphology feOffset fePointLight feSpecularLighting feSpotLight feTile feTurbulence
    flowRoot flowRegion flowPara flowSpan flowDiv
    """.split()  # noqa: SIM905
)
"""Elements of SVG 1.1, 2 and of Inkscape that draw or describe. Not among them: scripts, foreign objects, animation."""

_FOREIGN = re.compile(r"xhtml|XInclude|xml-events|mathml|XSL|smil", re.IGNORECASE)
"""Namespaces whose elements do things. Those that editors keep their own notes in do not."""
_ENCODINGS = {"utf-8", "us-ascii", "iso-8859-1", "utf-16", "utf-16le", "utf-16be"}
_REFERENCES = {"href", "src", "data", "action", "formaction", "poster", "srcset", "background", "ping", "base"}
_STYLED = re.compile(
    r"style|fill|stroke|mask(-image)?|filter|clip-path|cursor|color-profile|marker(-\w+)?|shape-(inside|subtract)"
)
"""Attributes that are read as CSS and may name an image or a part of a drawing."""
_EMBEDDED = re.compile(r"data:image/(?:png|jpe?g|gif|webp|avif)(?:;[\w-]+=[\w-]+)*;base64,[A-Za-z0-9+/=%\s]*", re.ASCII)
_CODE = re.compile(r"(?<![a-z])(?:(?:java|vb|live)script:|data:(?!image/))", re.IGNORECASE)
_FETCHING = re.compile(
    r"@import|-moz-binding|(?<![\w-])(?:behavior\s*:|(?:-webkit-)?(?:image-set|cross-fade|image|src|expression)\s*\()",
    re.IGNORECASE,
)
_URL = re.compile(r"url\s*\(\s*[\"']?([^\"')]*)", re.IGNORECASE)


class Unsafe(Exception):
    """The SVG is one that is not taken; the message is the end of a sentence that starts with its name."""


class Malformed(Exception):
    """The text is no XML; the message says where."""


@dataclass(slots=True)
class _Reading:
    """Where the reading stands."""

    names: list[str] = field(default_factory=list[str])
    count: int = 0
    root: dict[str, str] = field(default_factory=dict[str, str])
    styles: list[str] = field(default_factory=list[str])

    def start(self, name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        self.count += 1
        if not self.names:
            if local != "svg" or space not in ("", SVG):
                raise Unsafe(f"has a root that is not svg but {local}")
            self.root = attributes
        if space in ("", SVG) and local not in _DRAWN:
            raise Unsafe(f"holds an element {_short(local)}, which is not one that only draws")
        if _FOREIGN.search(space):
            raise Unsafe(f"holds an element {_short(local)} of {_short(space)}")
        if self.names and self.names[-1] == "style":
            raise Unsafe("has elements inside of a style")
        self.names.append(local if space in ("", SVG) else "")
        if len(self.names) > DEPTH:
            raise Unsafe(f"is nested deeper than {DEPTH} elements")
        if self.count > ELEMENTS:
            raise Unsafe(f"has more than {ELEMENTS} elements")
        for key, value in attributes.items():
            _check_attribute(key.rpartition(" ")[2], value)

    def end(self, _: str) -> None:
        if self.names.pop() == "style":
            _check_style("".join(self.styles))
            self.styles.clear()

    def text(self, data: str) -> None:
        if self.names and self.names[-1] == "style":
            self.styles.append(data)

    def instruction(self, target: str, _: str) -> None:
        if target != "xpacket":
            raise Unsafe(f"holds a processing instruction {_short(target)}")

    def declaration(self, _: str, encoding: str | None, __: int) -> None:
        if encoding is not None and encoding.lower() not in _ENCODINGS:
            raise Unsafe(f"is written in {_short(encoding)}; UTF-8 is taken")

    def doctype(self, *_: object) -> None:
        raise Unsafe("has a document type (DOCTYPE), in which entities may be declared")


def check_svg(text: bytes) -> tuple[float, float] | None:
    """Read a whole SVG; gives its width and height in pixels where the root states both as such.

    Raises:
        Unsafe: it can run code or fetch things.
        Malformed: it is no XML.
    """
    reading = _Reading()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    parser.CharacterDataHandler = reading.text
    parser.ProcessingInstructionHandler = reading.instruction
    parser.XmlDeclHandler = reading.declaration
    parser.StartDoctypeDeclHandler = reading.doctype
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise Malformed(str(error)) from error
    except (ValueError, LookupError) as error:
        # An encoding that Python does not know, or one of several bytes.
        raise Unsafe(f"is written in an encoding that is not taken ({error}); UTF-8 is") from error
    width, height = _pixels(reading.root.get("width")), _pixels(reading.root.get("height"))
    return (width, height) if width is not None and height is not None else None


def _check_attribute(name: str, value: str) -> None:
    lower, value = name.lower(), value.strip()
    if lower.startswith("on"):
        raise Unsafe(f"holds an event handler {_short(name)}")
    if _CODE.search(re.sub(r"[\x00-\x20]", "", value)):
        raise Unsafe(f"holds code in an attribute {_short(name)}")
    if lower in _REFERENCES and not _is_inside(value):
        raise Unsafe(f"refers to something outside of itself: {_short(name)}={_short(value)}")
    if _STYLED.fullmatch(lower):
        _check_style(value)
    _check_addresses(value)


def _check_style(text: str) -> None:
    """Refuse styles that fetch. An escape could spell any of it, so that none is taken."""
    if "\\" in text:
        raise Unsafe("has an escape (\\) in a style, which may hide what it does")
    if found := _FETCHING.search(text):
        raise Unsafe(f"has a style that fetches or runs something: {_short(found[0])}")
    _check_addresses(text)


def _check_addresses(text: str) -> None:
    for found in _URL.finditer(text):
        if not _is_inside(found[1].strip()):
            raise Unsafe(f"refers to something outside of itself: url({_short(found[1])})")


def _is_inside(address: str) -> bool:
    """Whether an address is a part of the drawing, a picture written out in it, or nothing."""
    return address == "" or address.startswith("#") or _EMBEDDED.fullmatch(address) is not None


def _pixels(length: str | None) -> float | None:
    found = re.fullmatch(r"\s*(\d{1,9}(?:\.\d{1,9})?)(?:px)?\s*", length or "", re.ASCII)
    return float(found[1]) if found is not None else None


def _short(text: str) -> str:
    text = "".join(character if character.isprintable() else "?" for character in text)
    return text if len(text) <= 60 else f"{text[:60]}..."
