"""``darkroom egress``: nothing by default, and everything that was, in three forms."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable

from pytest_httpserver import HTTPServer

from darkroom.egress import Egress
from darkroom.settings import Settings

Call = Callable[..., tuple[int, str, str]]


def test_usually_nothing(darkroom: Call) -> None:
    code, out, _ = darkroom("egress")
    assert code == 0
    assert "Nothing" in out


def test_what_was_sent_is_shown(darkroom: Call, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/in").respond_with_data(b"12345")
    Egress(Settings()).request("POST", httpserver.url_for("/in"), "webhook", content=b"abc", what="a test")
    code, out, _ = darkroom("egress")
    assert code == 0
    assert "webhook" in out
    assert "1 connections, 3 bytes sent, 5 bytes received" in out
    (entry,) = json.loads(darkroom("egress", "--json")[1])
    assert (entry["sent"], entry["received"], entry["what"], entry["outcome"]) == (3, 5, "a test", "done")
    (row,) = csv.DictReader(io.StringIO(darkroom("egress", "--csv")[1]))
    assert row["host"] == "127.0.0.1"


def test_filters(darkroom: Call, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/in").respond_with_data(b"")
    Egress(Settings()).request("GET", httpserver.url_for("/in"), "source")
    assert json.loads(darkroom("egress", "--json", "--purpose", "cloud")[1]) == []
    assert len(json.loads(darkroom("egress", "--json", "--since", "1h")[1])) == 1
    assert json.loads(darkroom("egress", "--json", "--since", "2199-01-01")[1]) == []
    assert darkroom("egress", "--since", "yesterday")[0] == 64
    assert darkroom("egress", "--purpose", "fun")[0] == 64
