"""API keys: random, kept as hashes, good until they are revoked or their time is over. Three seconds."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from darkroom.database.connection import Database
from darkroom.database.schema import KeyRow, now
from darkroom.errors import InvalidParameters, KeyNotFound
from darkroom.server import keys
from darkroom.server.keys import LOCAL, SCOPES, KeyStore, Principal


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    made.migrate()
    yield made
    made.close()


@pytest.fixture
def store(database: Database) -> KeyStore:
    return KeyStore(database)


def change(database: Database, row: KeyRow, **values: object) -> None:
    with database.session() as session:
        for name, value in values.items():
            setattr(session.get_one(KeyRow, row.id), name, value)


def kept(database: Database, row: KeyRow) -> KeyRow:
    with database.session(reading=True) as session:
        return session.get_one(KeyRow, row.id)


def test_a_key_is_256_random_bits_of_which_only_a_hash_is_kept(store: KeyStore, database: Database) -> None:
    made = [store.create("shop", ["read"]) for _ in range(20)]
    texts = {key for key, _ in made}
    assert len(texts) == 20
    key, row = made[0]
    assert re.fullmatch(r"dk_[A-Za-z0-9_-]{43}", key)
    assert row.shown == key[:7]
    assert row.hash == hashlib.sha256(key.encode()).hexdigest()
    with database.engine.connect() as connection:
        everything = str(connection.execute(text("SELECT * FROM keys")).all())
    assert not any(key in everything or key[3:] in everything for key in texts)


def test_whose_key_it_is(store: KeyStore) -> None:
    key, row = store.create(" the shop ", ["write", "read"])
    assert store.verify(key) == Principal(row.id, "the shop", frozenset({"read", "write"}))
    assert row.scopes == ["read", "write"]


@pytest.mark.parametrize("wrong", ["", "dk_", "x" * 46, "dk_" + "a" * 42, "dk_" + "a" * 44, "dk_" + "ä" * 43, "\ud800"])
def test_what_is_no_key(store: KeyStore, wrong: str) -> None:
    store.create("shop", ["read"])
    assert store.verify(wrong) is None


def test_a_key_that_nobody_made(store: KeyStore) -> None:
    key, _ = store.create("shop", ["read"])
    assert store.verify(key[:-1] + ("A" if key[-1] != "A" else "B")) is None


def test_scopes() -> None:
    reader = Principal("1", "reader", frozenset({"read"}))
    assert reader.allows("read")
    assert not reader.allows("write")
    assert not reader.allows("admin")
    admin = Principal("2", "admin", frozenset({"admin"}))
    assert all(admin.allows(scope) for scope in SCOPES)
    assert all(LOCAL.allows(scope) for scope in SCOPES)


@pytest.mark.parametrize(
    ("name", "scopes", "days", "field"),
    [
        ("", ["read"], None, "name"),
        ("x" * 201, ["read"], None, "name"),
        ("shop", [], None, "scopes"),
        ("shop", ["read", "root"], None, "scopes"),
        ("shop", ["read"], 0, "expires"),
    ],
)
def test_what_is_not_made(store: KeyStore, name: str, scopes: list[str], days: int | None, field: str) -> None:
    with pytest.raises(InvalidParameters) as caught:
        store.create(name, scopes, None if days is None else now() + timedelta(days=days))
    assert caught.value.field == field
    assert store.listed() == []


def test_a_time_without_a_zone_is_not_taken(store: KeyStore) -> None:
    with pytest.raises(InvalidParameters):
        store.create("shop", ["read"], (now() + timedelta(days=1)).replace(tzinfo=None))


def test_a_key_whose_time_is_over(store: KeyStore, database: Database) -> None:
    key, row = store.create("shop", ["read"], now() + timedelta(days=1))
    assert KeyStore(database).verify(key) is not None
    change(database, row, expires=now() - timedelta(seconds=1))
    assert KeyStore(database).verify(key) is None
    assert not store.any()


def test_a_key_is_not_remembered_beyond_its_time(store: KeyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = 1000.0
    monkeypatch.setattr(keys.time, "monotonic", lambda: moment)
    key, _ = store.create("shop", ["read"], now() + timedelta(seconds=1))
    assert store.verify(key) is not None
    monkeypatch.setattr(keys, "now", lambda: now() + timedelta(seconds=2))
    moment += 2
    assert store.verify(key) is None


class TestRevoking:
    def test_takes_effect_at_once_here(self, store: KeyStore) -> None:
        key, row = store.create("shop", ["read"])
        assert store.verify(key)
        assert store.revoke(row.id).revoked is not None
        assert store.verify(key) is None
        assert not store.any()

    def test_and_within_seconds_in_other_servers(
        self, store: KeyStore, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        moment = 1000.0
        monkeypatch.setattr(keys.time, "monotonic", lambda: moment)
        other = KeyStore(database)
        key, row = store.create("shop", ["read"])
        assert other.verify(key)
        store.revoke(row.id)
        moment += keys.CACHE_SECONDS - 0.1
        assert other.verify(key), "it is remembered"
        moment += 0.2
        assert other.verify(key) is None

    def test_by_what_is_shown_or_by_the_key_itself(self, store: KeyStore) -> None:
        key, row = store.create("shop", ["read"])
        assert store.revoke(row.shown).id == row.id
        assert store.revoke(key).id == row.id, "one that was revoked before stays as it is"

    def test_one_that_is_none(self, store: KeyStore) -> None:
        store.create("shop", ["read"])
        for name in ("", "dk_", "nobody"):
            with pytest.raises(KeyNotFound):
                store.revoke(name)

    def test_nothing_where_several_begin_so(self, store: KeyStore, database: Database) -> None:
        rows = [store.create("shop", ["read"])[1] for _ in range(2)]
        for row in rows:
            change(database, row, shown="dk_same")
        with pytest.raises(InvalidParameters, match=rows[0].id):
            store.revoke("dk_same")
        store.revoke(rows[0].id)
        assert store.revoke("dk_same").id == rows[1].id, "only one of them is good now"

    def test_the_time_stays(self, store: KeyStore) -> None:
        _, row = store.create("shop", ["read"])
        assert store.revoke(row.id).revoked == store.revoke(row.id).revoked


def test_listed_the_newest_first(store: KeyStore) -> None:
    assert not store.any()
    first, second = store.create("first", ["read"])[1], store.create("second", ["admin"])[1]
    store.revoke(first.id)
    assert [row.id for row in store.listed()] == [second.id, first.id]
    assert store.any()


class TestUse:
    def test_is_written_down_once_a_minute(
        self, store: KeyStore, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(keys, "CACHE_SECONDS", 0.0)
        key, row = store.create("shop", ["read"])
        assert kept(database, row).used is None
        store.verify(key)
        first = kept(database, row).used
        assert first is not None
        store.verify(key)
        assert kept(database, row).used == first
        change(database, row, used=first - timedelta(seconds=61))
        store.verify(key)
        assert (kept(database, row).used or first) >= first

    def test_of_a_remembered_key_costs_no_look_into_the_database(self, store: KeyStore, database: Database) -> None:
        key, _ = store.create("shop", ["read"])
        store.verify(key)
        with database.session() as session:
            session.execute(text("DROP TABLE keys"))
        assert store.verify(key)

    def test_does_not_depend_on_its_being_written(self, store: KeyStore, database: Database) -> None:
        key, _ = store.create("shop", ["read"])
        with database.session() as session:
            session.execute(text("ALTER TABLE keys RENAME TO kept"))
            columns = "id, name, hash, shown, scopes, created, expires, revoked, nullif(used, used) AS used"
            session.execute(text(f"CREATE VIEW keys AS SELECT {columns} FROM kept"))
        assert store.verify(key)

    def test_of_many_keys_takes_no_more_memory(self, store: KeyStore, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(keys, "CACHED", 3)
        for _ in range(6):
            assert store.verify(store.create("shop", ["read"])[0])
        assert len(store._known) == 3


def test_from_several_threads(store: KeyStore) -> None:
    made = [store.create(str(number), ["read"]) for number in range(4)]
    wrong: list[object] = []

    def ask() -> None:
        for key, row in made * 20:
            found = store.verify(key)
            if found is None or found.id != row.id:
                wrong.append(found)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
