"""The envelope that every event is put out in: a CloudEvents 1.0 object, written and read here.

Responsible for the names and the form of the attributes around an event's `data`
(https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md). Code that reads events back
from the sink uses `read`. Not responsible for what is inside `data`: `normalise.py`.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec


class Envelope(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One event as a subscriber gets it. The attributes are written in this order.

    Attributes:
        specversion: The version of CloudEvents.
        id: The identity's text. Together with `source` it is unique.
        source: The brand and the message type, as `source_of` writes them.
        type: The event's subject in the catalogue, without the operator's prefix.
        subject: The player's id. If the event has no player, the id is empty and not written.
        time: The time at which the event happened. An event that has no time of its own gets the
            time at which it arrived.
        datacontenttype: The form of `data`.
        brand: The brand that sent the event.
        sequence: The number of the event among those of its player, as a decimal text. Only events
            of the wallet have it. Events of one movement of money have one number. See
            https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/extensions/sequence.md.
        data: The event's fields in their normal form, as JSON.
    """

    specversion: Literal["1.0"]
    id: str
    source: str
    type: str
    subject: str = ""
    time: str
    datacontenttype: Literal["application/json"]
    brand: str
    sequence: str = ""
    data: msgspec.Raw

    @property
    def message_type(self) -> str:
        """The message type in lower case, read from `source`."""
        return self.source.rpartition("/")[2]


def source_of(brand: str, message_type: str) -> str:
    """Write the `source` of a brand's events of one type. Brand and type contain no slash."""
    return f"/{brand}/{message_type.lower()}"


write: Final = msgspec.json.Encoder().encode
"""Turns an `Envelope` into the bytes that the sink stores."""

read: Final = msgspec.json.Decoder(Envelope).decode
"""Turns stored bytes into an `Envelope`.

Raises:
    msgspec.DecodeError: The bytes are not an event of ours.
    UnicodeDecodeError: The bytes are not an event of ours, because they are not UTF-8.
"""
