"""Which carrier the settings ask for."""

from __future__ import annotations

from tests.jobs.conftest import House

from darkroom.jobs.carrier import Carrier, carrier
from darkroom.jobs.celery import CeleryCarrier
from darkroom.jobs.dispatcher import Dispatcher
from darkroom.settings import Settings


def test_this_process_by_itself_where_there_is_no_broker(house: House) -> None:
    chosen: Carrier = carrier(Settings(), house.store, house.storage)
    assert isinstance(chosen, Dispatcher)


def test_celery_where_there_is_one(house: House) -> None:
    settings = Settings().with_changes({"jobs.broker_url": "redis://127.0.0.1:1/0"})
    chosen: Carrier = carrier(settings, house.store, house.storage)
    assert isinstance(chosen, CeleryCarrier)
