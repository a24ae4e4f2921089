"""Signatures of messages: the specification's own examples, and nothing passes that was not signed so."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis.strategies import binary, from_regex, integers, lists

from darkroom.errors import ConfigurationError, SignatureInvalid
from darkroom.jobs.signatures import check_secrets, new_secret, sign, verify

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID, TIMESTAMP, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
THEN = datetime.fromtimestamp(TIMESTAMP, UTC)

ids = from_regex(r"[A-Za-z0-9_]{1,40}", fullmatch=True)
secrets = binary(min_size=24, max_size=64).map(lambda key: "whsec_" + base64.b64encode(key).decode())
times = integers(0, 10_000_000_000)


def headers(signature: str, id: str = ID, timestamp: int = TIMESTAMP) -> dict[str, str]:
    return {"webhook-id": id, "webhook-timestamp": str(timestamp), "webhook-signature": signature}


def test_the_reference_example() -> None:
    assert sign([SECRET], ID, TIMESTAMP, BODY) == SIGNATURE
    verify([SECRET], headers(SIGNATURE), BODY, moment=THEN)


def test_one_good_signature_of_several_is_enough() -> None:
    other = "Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="
    verify([SECRET], headers(f"v1,{other} v2,{other} v1a,{other} {SIGNATURE} v1,{other}"), BODY, moment=THEN)
    with pytest.raises(SignatureInvalid):
        verify([SECRET], headers(f"v1,{other} {SIGNATURE.replace('v1', 'v2')}"), BODY, moment=THEN)


@given(first=secrets, second=secrets, id=ids, timestamp=times, body=binary(max_size=200))
def test_while_secrets_rotate_either_receiver_understands(
    first: str, second: str, id: str, timestamp: int, body: bytes
) -> None:
    sent = headers(sign([first, second], id, timestamp, body), id, timestamp)
    moment = datetime.fromtimestamp(timestamp, UTC)
    for known in ([first], [second], [second, first]):
        verify(known, sent, body, moment=moment)


@given(
    secret=secrets, other=secrets, ids=lists(ids, min_size=2, max_size=2, unique=True),
    times=lists(times, min_size=2, max_size=2, unique=True), bodies=lists(binary(max_size=50), min_size=2, max_size=2,
    unique=True),
)  # fmt: skip
def test_whatever_was_changed_does_not_pass(
    secret: str, other: str, ids: list[str], times: list[int], bodies: list[bytes]
) -> None:
    signature = sign([secret], ids[0], times[0], bodies[0])
    for id, timestamp, body in (
        (ids[1], times[0], bodies[0]),
        (ids[0], times[1], bodies[0]),
        (ids[0], times[0], bodies[1]),
    ):
        with pytest.raises(SignatureInvalid):
            verify([secret], headers(signature, id, timestamp), body, moment=datetime.fromtimestamp(timestamp, UTC))
    if other != secret:
        with pytest.raises(SignatureInvalid):
            verify([other], headers(signature, ids[0], times[0]), bodies[0], tolerance_seconds=1e12)


@pytest.mark.parametrize(("late", "passes"), [(0, True), (299, True), (301, False), (-299, True), (-301, False)])
def test_a_message_is_good_for_five_minutes(late: int, passes: bool) -> None:
    moment = THEN + timedelta(seconds=late)
    if passes:
        verify([SECRET], headers(SIGNATURE), BODY, moment=moment)
    else:
        with pytest.raises(SignatureInvalid, match="time"):
            verify([SECRET], headers(SIGNATURE), BODY, moment=moment)
        verify([SECRET], headers(SIGNATURE), BODY, tolerance_seconds=400, moment=moment)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_every_header_is_needed_and_any_case_is_fine(name: str) -> None:
    sent = headers(SIGNATURE)
    verify([SECRET], {key.title(): value for key, value in sent.items()}, BODY, moment=THEN)
    with pytest.raises(SignatureInvalid, match="lacks"):
        verify([SECRET], {key: value for key, value in sent.items() if key != name}, BODY, moment=THEN)


@pytest.mark.parametrize(
    "signature", ["", " ", "v1", "v1,", ",", "v1,\u00fc", "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="]
)
def test_what_is_no_signature_does_not_pass(signature: str) -> None:
    with pytest.raises(SignatureInvalid):
        verify([SECRET], headers(signature), BODY, moment=THEN)


@pytest.mark.parametrize("timestamp", ["hello", "-1", "1.5", "nan", "\u0661", "9" * 40])
def test_what_is_no_time_does_not_pass(timestamp: str) -> None:
    with pytest.raises(SignatureInvalid):
        verify([SECRET], headers(SIGNATURE) | {"webhook-timestamp": timestamp}, BODY, moment=THEN)


def test_secrets_are_of_the_wanted_form_and_are_never_repeated_in_an_error() -> None:
    check_secrets([SECRET, new_secret()])
    assert new_secret() != new_secret()
    weak = "whsec_" + base64.b64encode(b"x" * 23).decode()
    long = "whsec_" + base64.b64encode(b"x" * 65).decode()
    for wrong in (weak, long, SECRET.removeprefix("whsec_"), "whsec_no base64!", "whsec_", ""):
        with pytest.raises(ConfigurationError, match="24 to 64 bytes") as caught:
            check_secrets([SECRET, wrong])
        assert len(wrong) < 10 or wrong not in str(caught.value)
    with pytest.raises(ConfigurationError, match="no secret"):
        check_secrets([])
