"""Secrets of the service: made once, whoever asks first."""

from __future__ import annotations

import itertools
import threading

import pytest

from darkroom.database.connection import Database
from darkroom.database.secrets import kept_secret


@pytest.fixture
def database(database_url: str) -> Database:
    made = Database(database_url)
    made.migrate()
    return made


def test_a_secret_stays_the_same_and_each_name_has_its_own(database: Database) -> None:
    numbers = itertools.count()
    make = lambda: f"secret {next(numbers)}"  # noqa: E731
    assert kept_secret(database, "addresses", make) == "secret 0"
    assert kept_secret(database, "webhooks", make) == "secret 1"
    assert kept_secret(Database(str(database.url)), "addresses", make) == "secret 0"


def test_several_servers_that_start_at_once_have_the_same(database: Database) -> None:
    together = threading.Barrier(8)
    given: list[str] = []

    def server(number: int) -> None:
        own = Database(str(database.url))
        together.wait()
        given.append(kept_secret(own, "webhooks", lambda: f"of {number}"))
        own.close()

    threads = [threading.Thread(target=server, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(given) == 8
    assert len(set(given)) == 1
