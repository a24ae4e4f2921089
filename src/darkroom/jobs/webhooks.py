"""Sends the messages to webhooks that ended jobs have left, until each has arrived or is given up.

Several servers on one database share the messages. A receiver that is slow or away holds up nobody else: at most two
messages are on their way to one host at a time, of at most eight in all, and each for ``webhooks.timeout_seconds`` at
the most.
"""

from __future__ import annotations

import logging
import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import structlog

from darkroom.database.schema import now
from darkroom.database.secrets import kept_secret
from darkroom.egress import Egress, shown
from darkroom.errors import AddressRefused, DarkroomError, EgressRefused, NameUnknown, OfflineRefused
from darkroom.jobs.deliveries import DeliveryStore
from darkroom.jobs.signatures import check_secrets, new_secret, sign

if TYPE_CHECKING:
    from darkroom.database.connection import Database
    from darkroom.database.schema import DeliveryRow
    from darkroom.settings import Settings

log = logging.getLogger("darkroom.webhooks")

MINUTE, HOUR = 60.0, 3600.0
PAUSES = (5.0, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR)
"""Seconds after the first, second ... failed attempt, as the specification suggests; the last after all others."""
JITTER = 0.2
"""Part of a pause that is added at most, by chance, so that what failed together does not come again together."""
LONGEST_ASKED = 24 * HOUR
"""Longest pause that a receiver may ask for."""
AT_ONCE, AT_ONE_HOST = 8, 2
"""Messages on their way."""
SPARE_SECONDS = 120.0
"""How much longer than the sending may take a message is nobody else's: looking up a name, and a busy database."""
IDLE_SECONDS = 1.0
"""How often is looked for what is due; what ends in this process wakes it at once."""
STOP_SECONDS = 5.0
"""How long ending waits for messages on their way; those that are cut off are sent again."""
MOST_SAID = 300


def webhook_secrets(settings: Settings, database: Database) -> list[str]:
    """The secrets that messages are signed with: those of the settings, else one of this database's own.

    Raises ConfigurationError, DatabaseFailed.
    """
    given = [secret.get_secret_value() for secret in settings.webhooks.secrets]
    if not given:
        given = [kept_secret(database, "webhooks", new_secret)]
    check_secrets(given)
    return given


class Deliverer:
    """A thread that sends what is due. Start it once; several on one database share the messages.

    Raises ConfigurationError where a secret in the settings is not one.
    """

    def __init__(self, settings: Settings, database: Database, *, clock: Callable[[], datetime] = now) -> None:
        self._settings = settings
        self._store = DeliveryStore(database, clock)
        self._clock = clock
        self._secrets = webhook_secrets(settings, database)
        self._stopping = threading.Event()
        self._woken = threading.Event()
        self._changed = threading.Condition()
        self._sending: Counter[str] = Counter()
        self._thread = threading.Thread(target=self._run, name="darkroom-webhooks", daemon=True)

    def start(self) -> None:
        """Begin to send. Returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End; messages that are on their way have a moment to arrive. Harmless before :meth:`start`."""
        self._stopping.set()
        self.wake()
        if self._thread.is_alive():
            self._thread.join(timeout=STOP_SECONDS)
        with self._changed:
            self._changed.wait_for(lambda: not self._sending.total(), timeout=STOP_SECONDS)

    def wake(self) -> None:
        """There may be something to send."""
        self._woken.set()

    def deliver_next(self) -> bool:
        """Take the message that has been due the longest and send it, here and now; False where none is due.

        Raises DatabaseFailed.
        """
        row = self._take()
        if row is not None:
            self._deliver(row)
        return row is not None

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._woken.clear()
            try:
                row = self._take()
            except DarkroomError as error:
                log.warning("%s", error)
                row = None
            if row is None:
                self._woken.wait(IDLE_SECONDS)
            else:
                threading.Thread(target=self._deliver, args=(row,), name="darkroom-webhook", daemon=True).start()

    def _take(self) -> DeliveryRow | None:
        """The next message, and a place for it among those on their way."""
        with self._changed:
            if self._sending.total() >= AT_ONCE:
                return None
            full = [host for host, count in self._sending.items() if count >= AT_ONE_HOST]
        row = self._store.take(self._settings.webhooks.timeout_seconds + SPARE_SECONDS, but=full)
        if row is not None:
            with self._changed:
                self._sending[row.host] += 1
        return row

    def _deliver(self, row: DeliveryRow) -> None:
        """Send a message that was taken, write down what became of it, and give its place to another."""
        about = {"job": row.job_id, "batch": row.batch_id}
        try:
            with structlog.contextvars.bound_contextvars(**{name: value for name, value in about.items() if value}):
                self._sent(row)
        finally:
            with self._changed:
                self._sending -= Counter([row.host])
                self._changed.notify_all()
            self.wake()

    def _sent(self, row: DeliveryRow) -> None:
        try:
            self._send(row)
        except Exception as error:
            # What became of it could not be written down: it is due again when its time is over.
            log.warning("message %s: %s", row.id, error, exc_info=not isinstance(error, DarkroomError))

    def _send(self, row: DeliveryRow) -> None:
        body = row.body.encode()
        timestamp = int(self._clock().timestamp())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": row.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(self._secrets, row.id, timestamp, body),
        }
        egress = Egress(self._settings, job=row.job_id or row.batch_id or "")
        seconds = self._settings.webhooks.timeout_seconds
        try:
            # The status says all: of the answer's body not a byte is read.
            with egress.stream(
                row.url,
                "webhook",
                headers,
                method="POST",
                content=body,
                what=f"a message, {row.event}",
                seconds=seconds,
            ) as answer:
                status, asked = answer.status, _asked_pause(answer.status, answer.headers, self._clock())
        except DarkroomError as error:
            self._failed(row, None, _said(error, row), for_good=_is_final(error))
            return
        except (ValueError, TypeError) as error:
            # An address that no client of HTTP can make a request of.
            self._failed(row, None, f"{row.host} cannot be asked: {type(error).__name__}.", for_good=True)
            return
        if 200 <= status < 300:
            self._store.delivered(row, status)
            log.info("message %s: delivered", row.id)
        else:
            said = f"{row.host} answered with status {status}."
            self._failed(row, status, said, for_good=status == 410, least=asked)

    def _failed(self, row: DeliveryRow, status: int | None, said: str, *, for_good: bool, least: float = 0.0) -> None:
        again = None
        if not for_good and row.attempts < self._settings.webhooks.attempts:
            pause = PAUSES[min(row.attempts, len(PAUSES)) - 1] * (1 + random.uniform(0, JITTER))
            again = self._clock() + timedelta(seconds=max(pause, least))
        self._store.failed(row, status=status, error=said, again=again)
        log.warning("message %s: %s %s", row.id, said, f"Next at {again:%F %T} UTC." if again else "Given up.")


def _is_final(error: DarkroomError) -> bool:
    """Whether trying again would be refused again."""
    if isinstance(error, NameUnknown):
        return False
    return isinstance(error, (AddressRefused, EgressRefused, OfflineRefused))


def _said(error: DarkroomError, row: DeliveryRow) -> str:
    """What happened, without the address: its query may be a secret."""
    return error.message.replace(row.url, row.host).replace(shown(row.url), row.host)[:MOST_SAID]


def _asked_pause(status: int, headers: Mapping[str, str], moment: datetime) -> float:
    """Seconds that a receiver asks to be left alone (RFC 9110, Retry-After), 0 where it does not."""
    said = headers.get("retry-after", "").strip() if status in (429, 503) else ""
    if said.isascii() and said.isdigit():
        seconds = float(said)
    else:
        try:
            there = parsedate_to_datetime(said)
        except ValueError:
            return 0.0
        seconds = ((there if there.tzinfo else there.replace(tzinfo=UTC)) - moment).total_seconds()
    return min(max(seconds, 0.0), LONGEST_ASKED)
