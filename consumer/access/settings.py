"""The options of the table `[keys]`."""

from __future__ import annotations

import msgspec

from consumer.options.values import Token


class KeysSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[keys]`. The keys are on the server of `[sink]`.

    Attributes:
        bucket: The name of the JetStream KV bucket that holds the keys.
    """

    bucket: Token = "CONSUMER_KEYS"
