"""Works with the client that was generated, and prints what it has seen as JSON.

See tests/acceptance/test_generated_clients.py, and ../typescript/work.ts, which does the same.
"""

from __future__ import annotations

import json
import os
import sys

from consumer_client import AuthenticatedClient
from consumer_client.api.dead_letters import list_dead_letters
from consumer_client.api.for_every_key import show_own_key, validate_event
from consumer_client.api.keys import create_key, revoke_key
from consumer_client.api.posting_events import ingest_casino, ingest_events
from consumer_client.api.reading_events import list_events
from consumer_client.api.without_a_key import list_types
from consumer_client.models import (
    AccessKey,
    AccessKeyWithText,
    BatchResult,
    CASINOAsSent,
    CASINOAsSentType,
    DeadLetters,
    EventsPage,
    EventWithType,
    EventWithTypeData,
    InvalidEvent,
    ListDeadLettersReason,
    MessageTypeName,
    MessageTypes,
    NewKey,
    OwnKey,
    Problem,
    Scope,
    StoredEvent,
)

URL = os.environ["URL"]
client = AuthenticatedClient(base_url=URL, token=os.environ["KEY"])


def bet(activity_id: str, amount: str) -> CASINOAsSent:
    """Return a bet."""
    return CASINOAsSent(
        activity_id=activity_id,
        amount=amount,
        currency="EUR",
        exchange_rate=1,
        game_id="132",
        is_round_end=False,
        origin="www.brand.com",
        round_id="636",
        timestamp="2026-01-31T12:00:00.250Z",
        type_=CASINOAsSentType.BET,
        user_id="player-17",
        vendor_id="12",
    )


posted = []
for _ in range(2):
    stored = ingest_casino.sync(client=client, body=bet("activity-1", "12.30"))
    assert isinstance(stored, StoredEvent), stored
    posted.append(stored.status)
data = EventWithTypeData.from_dict(bet("activity-2", "12.30").to_dict())
batch = ingest_events.sync(client=client, body=[EventWithType(type_="CASINO", data=data)])
assert isinstance(batch, BatchResult), batch

wrong = bet("activity-1", "abc")
answer = ingest_casino.sync_detailed(client=client, body=wrong)
problem = answer.parsed
assert isinstance(problem, Problem), problem
assert isinstance(problem.errors, list), problem

page = list_events.sync(client=client, subject=["game.*"], limit=10)
assert isinstance(page, EventsPage), page
letters = list_dead_letters.sync(client=client, reason=ListDeadLettersReason.INVALID)
assert isinstance(letters, DeadLetters), letters
verdict = validate_event.sync(MessageTypeName.CASINO, client=client, body=wrong.to_dict())
assert isinstance(verdict, InvalidEvent), verdict
types = list_types.sync(client=client)
assert isinstance(types, MessageTypes), types
own = show_own_key.sync(client=client)
assert isinstance(own, OwnKey), own

wish = NewKey(scopes=[Scope.INGEST], name="made")
made = create_key.sync(client=client, body=wish, idempotency_key="one")
assert isinstance(made, AccessKeyWithText), made
assert made.key is not None
again = create_key.sync(client=client, body=wish, idempotency_key="one")
assert isinstance(again, AccessKeyWithText), again
seen = show_own_key.sync(client=AuthenticatedClient(base_url=URL, token=made.key))
assert isinstance(seen, OwnKey), seen
revoked = revoke_key.sync(made.id, client=client)
assert isinstance(revoked, AccessKey), revoked

sys.stdout.write(
    json.dumps(
        {
            "posted": [*posted, *(line.status for line in batch.results)],
            "problem": [
                answer.status_code,
                problem.status,
                problem.reason,
                problem.errors[0].field,
            ],
            "page": [[event.type_, event.id, event.data["amount"]] for event in page.events],
            "letters": [[letter.message_type, letter.error] for letter in letters.letters],
            "verdict": [misfit.field for misfit in verdict.errors],
            "types": len(types.types),
            "own": [own.brand, own.environment, own.scopes, own.limits.events],
            "made": [made.id == again.id, again.key, seen.name, seen.scopes, revoked.state],
            "key": made.key,
        }
    )
)
