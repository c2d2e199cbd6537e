"""Refuses events of a brand that only the wallet may send.

If a brand's games play with the wallet, the wallet sends their bets and wins. Some brands go on to
send the same bets themselves, with ids of their own, so nothing would recognise them as duplicates.
The option `owns_vendors` names the vendors whose casino events come from the wallet alone.

Only the wallet may use ids such as `w-42`. Otherwise a sender of the brand's events could use the
id of the next bet before the wallet does, and the wallet's own event would be a conflict.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.errors import Misfit, Reason, Rejected
from consumer.events.families.casino import SUBJECTS
from consumer.events.refuse import SHOWN_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.events.normalise import Event

CASINO_SUBJECTS: Final = frozenset(SUBJECTS.values())
_is_wallet_id: Final = re.compile(r"w-[0-9]+(:|$)").match


class _Vendor(msgspec.Struct):
    vendor_id: str | int
    vendor_name: str | None = None


class _SentEvent(msgspec.Struct):
    data: _Vendor


_read_vendor: Final = msgspec.json.Decoder(_SentEvent).decode


class OwnedByWallet:
    """Knows what only the wallet may send.

    Args:
        vendors: The vendors that the wallet owns, for each brand that has a wallet.
    """

    def __init__(self, vendors: Mapping[str, tuple[str, ...]]) -> None:
        self._vendors = {
            brand: frozenset(map(str.casefold, names)) for brand, names in vendors.items()
        }

    def check(self, brand: str, event: Event) -> None:
        """Refuse an event of a brand if only the wallet may send it.

        Raises:
            Rejected: `owned_by_wallet`.
        """
        vendors = self._vendors.get(brand)
        if vendors is None:
            return
        if event.id.startswith("w-") and _is_wallet_id(event.id):
            raise _refusal("id", "an id that is not like those of the wallet", event.id)
        if vendors and event.subject in CASINO_SUBJECTS:
            found = _read_vendor(event.body).data
            for name, value in (("vendor_id", found.vendor_id), ("vendor_name", found.vendor_name)):
                if value is not None and str(value).strip().casefold() in vendors:
                    expected = "a vendor whose bets the wallet does not send"
                    raise _refusal(name, expected, str(value))


def _refusal(field: str, expected: str, found: str) -> Rejected:
    quoted = msgspec.json.encode(found[:SHOWN_CHARACTERS]).decode()
    return Rejected(Reason.OWNED_BY_WALLET, Misfit(field, expected, quoted))
