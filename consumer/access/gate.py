"""Lets a request in if its key allows it, and says why if not.

The checks come in this order: the key, its environment, its scopes, the client's address, the rates
of the key. Each refusal is counted, and the log has sums of refusals (`refusal_log.py`). A gate
checks each request, so it must not wait for the network.
"""

from __future__ import annotations

import math
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, NoReturn

import msgspec

from consumer.access import ticket, token
from consumer.access.allowance import BURST_S, Allowance
from consumer.access.fields import network_of
from consumer.access.key import Scope
from consumer.access.refusal import KeyRefused, RateLimit, Refusal
from consumer.access.refusal_log import RefusalLog
from consumer.clock import SYSTEM_CLOCK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from ipaddress import IPv4Network, IPv6Network

    from consumer.access.key import Key, KeySecret
    from consumer.access.keyring import Keyring
    from consumer.access.ticket import StreamTicket
    from consumer.clock import Clock
    from consumer.deliveries.origin import Environment
    from consumer.operations.metrics import Metrics

UNKNOWN: Final = "the key is unknown"
"""A key that does not exist and a wrong secret get the same words, so that nobody can find out
which keys exist."""
UNKNOWN_TICKET: Final = "the ticket is unknown"
CHANGED: Final = "the key was changed at this moment; send again"
WORDS: Final = {
    Refusal.UNREAD: "the keys cannot be read at this moment; send again",
    Refusal.MISSING: "there is no key, expected `Authorization: Bearer ck_…` or `X-Api-Key: ck_…`",
    Refusal.MALFORMED: "this is no whole key: it has a typing error, or a part of it is missing",
    Refusal.UNKNOWN: UNKNOWN,
    Refusal.EXPIRED: "the key has expired",
    Refusal.REVOKED: "the key was revoked",
    Refusal.ENVIRONMENT: "this server does not serve keys of this environment",
    Refusal.ADDRESS: "the key may not be used from this address",
}
UNREAD_RETRY_S: Final = 2.0
SEEN_MAX_COUNT: Final = 4096
"""So many texts of keys are remembered."""


class RateLeft(msgspec.Struct, frozen=True):
    """A rate of a key, and what this process would let pass of it now.

    Attributes:
        per_s: The rate, a second.
        burst_count: How many may come at once if none came for a while.
        left_count: How many may come at once now.
    """

    per_s: float
    burst_count: int
    left_count: int


class Gate:
    """The checks of every request's key.

    Args:
        keyring: The keys.
        metrics: Counts refusals.
        environments: The environments that are served.
        events_per_s: The rate of events for a key that has no rate of its own, by environment.
        clock: The clock for rates and for expiry.
        used: Is called with the id of each key that was let in.
    """

    def __init__(
        self,
        keyring: Keyring,
        metrics: Metrics,
        *,
        environments: Iterable[Environment],
        events_per_s: Mapping[Environment, float],
        clock: Clock = SYSTEM_CLOCK,
        used: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._keyring = keyring
        self._refusals = {each: metrics.key_refusals.labels(each.value) for each in Refusal}
        self._environments = tuple(environments)
        self._events_per_s = events_per_s
        self._clock = clock
        self._used = used
        self._requests = Allowance()
        self._events = Allowance()
        self._log = RefusalLog(clock)
        self._seen: dict[str, Key] = {}
        """The texts of keys that were right, each with its key as it was then. To look one up takes
        less time than its checksum and its hash."""

    def admit(self, text: str | None, scope: Scope | None, address: str) -> Key:
        """Return the key of a request that may pass.

        Args:
            text: The text of the key, as it was sent. None if the request has no key.
            scope: The scope that the key needs. None means that a key needs no scope.
            address: The client's address.

        Raises:
            KeyRefused: The request may not pass. The text of the exception may be shown to the
                client.
        """
        key = self._known(text, address)
        self._check_place(key, scope, address)
        return key

    def admit_ticket(self, text: str, scope: Scope, address: str) -> tuple[Key, StreamTicket]:
        """Return the key of a ticket whose holder may pass, and what the ticket says.

        Args:
            text: The text of the ticket.
            scope: The scope that the key needs.
            address: The client's address.

        Raises:
            KeyRefused: See `admit`.
        """
        secret = self._keyring.ticket_secret
        if secret is None:
            self._refuse(Refusal.UNREAD, address)
        said = ticket.read(text, secret)
        key = None if said is None else self._keyring.find(said.key_id)
        if said is None or key is None:
            self._refuse(self._unknown, address, detail=UNKNOWN_TICKET)
        self._refuse_ended(key, address)
        if not self._has_secret(key, said.mark):
            self._refuse(Refusal.EXPIRED, address, key.id, "the key was rotated")
        if self._is_over(said.expires_s):
            self._refuse(Refusal.EXPIRED, address, key.id, "the ticket has expired")
        self._check_place(key, scope, address)
        return key, said

    def make_ticket(
        self, key: Key, mark: str, subjects: Sequence[str], user: str | None, life_s: float
    ) -> tuple[str, float]:
        """Return the text of a new ticket, and the time from which it opens nothing any more.

        Args:
            key: The key, which was admitted.
            mark: Tells with which secret of the key: see `token.mark_of`.
            subjects: The subjects of the catalogue that its holder may read.
            user: The player whose events its holder may read. None means all players.
            life_s: How long it opens streams, in seconds. It ends with its key in any case.

        Raises:
            KeyRefused: The secret that signs tickets is not known yet.
        """
        secret = self._keyring.ticket_secret
        if secret is None:
            self._refuse(Refusal.UNREAD, "", key.id)
        expires_s = min(self._clock.now_s() + life_s, key.expires_s or math.inf)
        return ticket.write(
            ticket.StreamTicket(key.id, expires_s, tuple(subjects), mark, user), secret
        ), expires_s

    def _check_place(self, key: Key, scope: Scope | None, address: str) -> None:
        """Refuse a key in the wrong environment, without the scope, or from the wrong address."""
        if key.environment not in self._environments:
            self._refuse(Refusal.ENVIRONMENT, address, key.id)
        if scope is not None and scope not in key.scopes:
            detail = f"the key does not have the scope {scope}"
            self._refuse(Refusal.SCOPE, address, key.id, detail)
        if key.addresses and not _is_inside(address, key.addresses):
            self._refuse(Refusal.ADDRESS, address, key.id)
        self._take_turn(key, scope, address)
        self._used(key.id)
        if self._log.waits:
            self._log.tell_sums()

    def admit_again(self, key: Key, address: str) -> None:
        """Check a key again when the body was read, because a client may send it for a long time.

        Args:
            key: The key, as `admit` returned it.
            address: The client's address.

        Raises:
            KeyRefused: The key is gone, was revoked, or has expired. Or the key was changed in
                another way: then the client has to send again, and `admit` makes all checks.
        """
        known = self._keyring.find(key.id)
        if known is not key and known != key:  # an equal key is another object after a new reading
            if known is None:
                self._refuse(Refusal.UNKNOWN, address)
            if known.revoked_s is not None:
                self._refuse(Refusal.REVOKED, address, key.id)
            self._refuse(Refusal.UNREAD, address, key.id, CHANGED)
        if self._is_over(key.expires_s):
            self._refuse(Refusal.EXPIRED, address, key.id)

    def spend_events(self, key: Key, count: int) -> None:
        """Count events against the rate of a key."""
        per_s = self.events_per_s(key)
        if per_s is not None:
            self._events.spend(key.id, per_s, self._clock.monotonic_s(), count)

    def events_per_s(self, key: Key) -> float | None:
        """Return the rate of events of a key; None if it has no limit."""
        return key.events_per_s or self._events_per_s.get(key.environment)

    def events_left(self, key: Key) -> RateLeft | None:
        """Return what is left of a key's rate of events; None if it has no limit."""
        return self._left(self._events, key, self.events_per_s(key))

    def requests_left(self, key: Key) -> RateLeft | None:
        """Return what is left of a key's rate of requests; None if it has no limit."""
        return self._left(self._requests, key, key.requests_per_s)

    def _left(self, allowance: Allowance, key: Key, per_s: float | None) -> RateLeft | None:
        if per_s is None:
            return None
        left_count = allowance.left_count(key.id, per_s, self._clock.monotonic_s())
        return RateLeft(per_s, int(per_s * BURST_S), left_count)

    def is_still_good(self, key: Key, mark: str = "") -> bool:
        """Tell whether a key that was let in still exists, is not revoked, and has not expired.

        While not all keys are known, a key that is not known counts as good.

        Args:
            key: The key.
            mark: Tells with which of its secrets it was let in: see `token.mark_of`. This secret
                must not have ended. Empty if this does not matter.
        """
        known = self._keyring.find(key.id)
        if known is None:
            return not self._keyring.complete
        is_good = known.revoked_s is None and not self._is_over(known.expires_s)
        return is_good and (not mark or self._has_secret(known, mark))

    def _has_secret(self, key: Key, mark: str) -> bool:
        """Tell whether a secret of a key, which has not ended, has this mark."""
        return any(
            one.sha256.startswith(mark) and not self._is_over(one.ends_s) for one in key.secrets
        )

    def _known(self, text: str | None, address: str) -> Key:
        if not text:
            self._refuse(Refusal.MISSING, address)
        key = self._seen.get(text)
        # A key that was changed since is another object.
        if key is None or self._keyring.find(key.id) is not key:
            key = self._proven(text, address)
        self._refuse_ended(key, address)
        return key

    def _refuse_ended(self, key: Key, address: str) -> None:
        """Refuse a key that was revoked or has expired."""
        if key.revoked_s is not None:
            self._refuse(Refusal.REVOKED, address, key.id)
        if self._is_over(key.expires_s):
            self._refuse(Refusal.EXPIRED, address, key.id)

    @property
    def _unknown(self) -> Refusal:
        """The refusal of a key that is not known."""
        return Refusal.UNKNOWN if self._keyring.complete else Refusal.UNREAD

    def _proven(self, text: str, address: str) -> Key:
        """Return the key whose text this is, and remember that."""
        sent = token.read(text)
        if sent is None:
            self._refuse(Refusal.MALFORMED, address)
        key = self._keyring.find(sent.id)
        if key is None:
            self._refuse(self._unknown, address)
        secret = self._secret_of(key, sent.secret)
        if key.environment is not sent.environment or secret is None:
            self._refuse(Refusal.UNKNOWN, address, key.id)
        if secret.ends_s is None:
            if len(self._seen) >= SEEN_MAX_COUNT:
                self._seen.clear()
            self._seen[text] = key
        return key

    def _secret_of(self, key: Key, secret: str) -> KeySecret | None:
        """Return what is stored of a secret, if it belongs to the key and has not ended."""
        hashed = token.hash_of(secret)
        for one in key.secrets:
            if token.is_same(one.sha256, hashed):
                return None if self._is_over(one.ends_s) else one
        return None

    def _is_over(self, ends_s: float | None) -> bool:
        return ends_s is not None and self._clock.now_s() >= ends_s

    def _take_turn(self, key: Key, scope: Scope | None, address: str) -> None:
        events_per_s = self.events_per_s(key) if scope is Scope.INGEST else None
        requests_per_s = key.requests_per_s
        if requests_per_s is None and events_per_s is None:
            return
        now_s = self._clock.monotonic_s()
        if events_per_s is not None:
            wait_s = self._events.wait_s(key.id, events_per_s, now_s)
            if wait_s:
                self._refuse_rate(key, address, "events", events_per_s, wait_s)
        if requests_per_s is not None:
            wait_s = self._requests.take(key.id, requests_per_s, now_s)
            if wait_s:
                self._refuse_rate(key, address, "requests", requests_per_s, wait_s)

    def _refuse_rate(
        self, key: Key, address: str, name: str, per_s: float, wait_s: float
    ) -> NoReturn:
        self._note(Refusal.RATE, address, key.id)
        detail = f"the key may send {per_s:g} {name} a second"
        limit = RateLimit(name, int(per_s * BURST_S), BURST_S)
        raise KeyRefused(Refusal.RATE, detail, wait_s, limit)

    def _refuse(
        self,
        refusal: Refusal,
        address: str,
        key_id: str = "",
        detail: str | None = None,
    ) -> NoReturn:
        """Refuse a request. `key_id` is the id of a key that exists, or empty."""
        self._note(refusal, address, key_id)
        retry_after_s = UNREAD_RETRY_S if refusal is Refusal.UNREAD else None
        raise KeyRefused(refusal, detail or WORDS[refusal], retry_after_s)

    def _note(self, refusal: Refusal, address: str, key_id: str) -> None:
        self._refusals[refusal].inc()
        self._log.add(refusal, key_id, address)


@lru_cache(maxsize=1024)
def _networks(addresses: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(network_of(address) for address in addresses)


@lru_cache(maxsize=4096)
def _is_inside(address: str, addresses: tuple[str, ...]) -> bool:
    """Tell whether an address is in one of the networks. A text that is no address is in none."""
    try:
        client = ip_address(address)
        mapped = getattr(client, "ipv4_mapped", None)
        return any((mapped or client) in network for network in _networks(addresses))
    except ValueError:
        return False
