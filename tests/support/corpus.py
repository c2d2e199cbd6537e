"""The corpus of bad input: what must become a dead letter, and what looks odd and must pass.

Each line is something that real senders, other languages' encoders or attackers produce; what
msgspec and nats-server do with it was measured before the rules were made.
"""

from __future__ import annotations

from tests.support.samples import casino, payment

LEGS = b"{}," * 20_000

MALFORMED = {
    "broken JSON": b'{"activity_id": "a", ',
    "an empty body": b"",
    "a cut body": casino()[:-1],
    "broken UTF-8": casino(game_name="X").replace(b'"X"', b'"\xff\xfe"'),
    "broken UTF-8 in a field that only passes": casino(other="X").replace(b'"X"', b'"\xff"'),
    "broken UTF-8 in a name": casino(other="X").replace(b"other", b"oth\xff"),
    "overlong UTF-8": casino(game_name="X").replace(b'"X"', b'"\xc0\xaf"'),
    "a raw surrogate": casino(other="X").replace(b'"X"', b'"\xed\xa0\x80"'),
    "a lone high surrogate": casino(game_name="X").replace(b'"X"', b'"\\ud800"'),
    "a lone low surrogate": casino(other="X").replace(b'"X"', b'"\\udc00"'),
    "20,000 deep": b"[" * 20_000,
    "20,000 deep in a field": casino(meta="X").replace(b'"X"', b'{"a":' + b"[" * 20_000),
    "20,000 deep in an unknown field": casino(other="X").replace(b'"X"', b"[" * 20_000),
    "NaN": casino().replace(b"12.3", b"NaN"),
    "Infinity": casino().replace(b"12.3", b"Infinity"),
    "a leading zero": casino().replace(b"12.3", b"012.3"),
    "a comma at the end": casino().replace(b"}", b",}"),
    "a comment": casino() + b" // a bet",
    "UTF-16": casino().decode().encode("utf-16"),
    "two documents": casino() * 2,
    "bytes behind it": casino() + b"x",
    "60 KB of {}": LEGS,
    "the vendor's own payment example, a comma missing": payment().replace(b'Z", ', b'Z" '),
}
INVALID = {
    "an array": b"[]",
    "an array of 20,000 objects": b"[" + LEGS + b"{}]",
    "a number": b"1",
    "null": b"null",
    "a number too long for any machine": casino(activity_id="X").replace(b'"X"', b"9" * 5000),
    "an amount of 1e400": casino().replace(b"12.3", b"1e400"),
    "an amount of 5,000 digits": casino().replace(b"12.3", b"9" * 5000),
    "an amount that is text": casino(amount="abc"),
    "an amount beyond all bounds": casino(amount="1e999999999"),
    "an amount that is not finite": casino(amount="Infinity"),
    "an amount that is true": casino(amount=True),
    "a missing activity_id": casino(activity_id=...),
    "activity_id is null": casino(activity_id=None),
    "an empty activity_id": casino(activity_id=""),
    "NUL in the id": casino(activity_id="a\u0000b"),
    "a line break in the id": casino(activity_id="a\r\nNats-Rollup: all"),
    "an id of 257 characters": casino(activity_id="x" * 257),
    "an id of 70,000 characters": casino(activity_id="x" * 70_000),
    "an id that is true": casino(user_id=True),
    "an id with a fraction": casino(user_id=1.5),
    "an id that is an object": casino(user_id={"id": 1}),
    "no such day": casino(timestamp="2026-02-30T10:00:00Z"),
    "year 0": casino(timestamp="0000-01-01T00:00:00Z"),
    "year 10000": casino(timestamp="10000-01-01T00:00:00Z"),
    "no such zone": casino(timestamp="2026-01-01T00:00:00+25:00"),
    "a date alone": casino(timestamp="2026-01-01"),
    "a Unix time": casino(timestamp=1767225600),
    "a time without seconds": casino(timestamp="2015-03-02T8:27.72Z"),
    "an unknown kind of bet": casino(type="Wager"),
    "a wildcard for a kind": casino(type="Bet.*"),
    "an unknown status": casino(status="Pending"),
    "a key that a page translated": casino(type=..., tipo="Bet"),
    "an unknown kind of payment": payment(type="Refund"),
    "a missing payment_id": payment(payment_id=...),
}
UNKNOWN_TYPES = (
    "CASINOO",
    "CASINO.*",
    "CASINO.>",
    "CASINO..x",
    ".CASINO",
    "CASINO\r\nNats-Rollup: all",
    "CÄSINO",
    "$JS.API.STREAM.PURGE.EVENTS",
    "x" * 200,
)

BROKEN: dict[str, tuple[str | None, bytes, str]] = {
    **{name: ("CASINO", body, "malformed") for name, body in MALFORMED.items()},
    **{
        name: (
            "PAYMENT" if b"payment_id" in body or b"Refund" in body else "CASINO",
            body,
            "invalid",
        )
        for name, body in INVALID.items()
    },
    **{
        f"type {name!r:.20}": (name, casino(activity_id=f"type-{index}"), "unknown_type")
        for index, name in enumerate(UNKNOWN_TYPES)
    },
    "no type": (None, casino(), "missing_type"),
}
"""By name: message type, body, and the reason of the dead letter it must become."""

_ODD: dict[str, tuple[bytes, dict[str, object]]] = {
    "a key twice, the last one counts": (
        casino().replace(b'"game_id": "132"', b'"game_id": "1", "game_id": "2"'),
        {"game_id": "2"},
    ),
    "a key twice, once escaped": (
        casino().replace(b'"game_id": "132"', b'"game_id": "1", "game\\u005fid": "2"'),
        {"game_id": "2"},
    ),
    "more digits than a float has": (
        casino(amount="X").replace(b'"X"', b"12345678901234567.89"),
        {"amount": "12345678901234567.89"},
    ),
    "an amount with an exponent": (
        casino(amount="X").replace(b'"X"', b"1.23e3"),
        {"amount": "1230"},
    ),
    "an id of 200 digits": (
        casino(user_id="X").replace(b'"X"', b"9" * 200),
        {"user_id": "9" * 200},
    ),
    "1e400 in a field that only passes": (casino(other="X").replace(b'"X"', b"1e400"), {}),
    "4,000 digits in a field that only passes": (
        casino(other="X").replace(b'"X"', b"9" * 4000),
        {},
    ),
    "no zone": (
        casino(timestamp="2018-02-18 18:13:06"),
        {"timestamp": "2018-02-18T18:13:06.000000Z"},
    ),
    "a leap second": (
        casino(timestamp="2016-12-31T23:59:60Z"),
        {"timestamp": "2017-01-01T00:00:00.000000Z"},
    ),
    "nine digits of a second": (
        casino(timestamp="2026-01-01T00:00:00.123456789Z"),
        {"timestamp": "2026-01-01T00:00:00.123456789Z"},
    ),
    "100,000 unknown keys": (
        casino().replace(b"{", b"{" + b"".join(b'"k%d":0,' % i for i in range(100_000)), 1),
        {"k99999": 0},
    ),
    "numeric ids": (casino(user_id=17, game_id=132, vendor_id=12), {"user_id": "17"}),
    "meta is null": (casino(meta=None), {"meta": None}),
    "status is absent": (casino(status=...), {"type": "Bet"}),
    "a Win of 0": (casino(type="Win", amount=0), {"amount": "0"}),
    "another case": (casino(type="bet", status="APPROVED"), {"type": "Bet", "status": "Approved"}),
    "a currency that is no money": (casino(currency="USDT"), {"currency": "USDT"}),
    "amounts that do not add up": (casino(wager_amount=0.0), {"wager_amount": "0.0"}),
    "a page's wrong key beside the right one": (casino(tipo="Bet"), {"tipo": "Bet"}),
    "accents and a dollar": (casino(user_id="naïve-$é ünï"), {"user_id": "naïve-$é ünï"}),
    "subject characters in an id": (casino(user_id="lim.*.>..x"), {"user_id": "lim.*.>..x"}),
}

ODD: dict[str, tuple[str, bytes, dict[str, object]]] = {
    name: (f"odd-{index}", body.replace(b"6f9619ff-8b86", b"odd-%d" % index), data)
    for index, (name, (body, data)) in enumerate(_ODD.items())
}
"""By name: the activity_id of a CASINO event, its body, some of the data it must come out with."""
