"""The endpoints of dead letters, and their descriptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consumer.access.key import Scope
from consumer.api.dead_letters.asked import NUMBERS_MAX_COUNT, LettersAsked
from consumer.api.dead_letters.forms import (
    CURSOR,
    DETAIL,
    ERROR,
    IN_LIST,
    LETTER,
    LETTER_NUMBER,
    MORE,
    OUTCOME,
    TEXT,
    WHOLE_LETTER,
    chosen_schema,
)
from consumer.api.dead_letters.handlers import DeadLetterHandlers
from consumer.api.idempotency import once
from consumer.http.endpoint import RETRY, AnswerForm, BodyForm, Endpoint, because

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from consumer.access.key import Key
    from consumer.api.dead_letters.desk import LetterDesk
    from consumer.api.remembered import RememberedWrites
    from consumer.deliveries.origin import Environment
    from consumer.http.endpoint import Handle

PATH: Final = "/v1/dead-letters"
_JSON: Final = "application/json"


def dead_letter_endpoints(
    desks: Mapping[Environment, LetterDesk],
    admit_again: Callable[[Key, str], None],
    writes: RememberedWrites,
) -> tuple[Endpoint, ...]:
    """Return all endpoints of dead letters.

    Args:
        desks: The dead letters of each environment that is served.
        admit_again: Checks a key again after the body was read: see `DeadLetterHandlers`.
        writes: Remembers the answers to requests with an `Idempotency-Key`.
    """
    handlers = DeadLetterHandlers(desks, admit_again)
    return (
        _list(handlers.list_letters),
        _show(handlers.show),
        once(
            _write(
                "replay",
                handlers.replay,
                "Replay dead letters",
                "Sends letters through the pipeline again. Each of them ends as one event "
                "(`stored`), as a known `duplicate`, or as a letter again (`rejected`), which has "
                "a new number. Nothing is stored twice, so a repetition is safe.",
                {
                    "mixed": {
                        "results": [
                            {"number": 17, "status": "stored", "id": "a1", "type": "game.bet"},
                            {
                                "number": 18,
                                "status": "rejected",
                                "reason": "invalid",
                                "error": ERROR,
                                "new_number": 31,
                            },
                            {"number": 19, "status": "not_found"},
                        ],
                        "more": False,
                        "cursor": None,
                    },
                    "filter": {
                        "results": [
                            {"number": 17, "status": "duplicate", "id": "a1", "type": "game.bet"},
                            {"number": 18, "status": "without_body"},
                        ],
                        "more": True,
                        "cursor": f"{CURSOR}-1f",
                    },
                },
            ),
            writes,
        ),
        once(
            _write(
                "drop",
                handlers.drop,
                "Drop dead letters",
                "Deletes letters for ever. A letter that is gone already is `not_found`.",
                {
                    "dropped": {
                        "results": [
                            {"number": 17, "status": "dropped"},
                            {"number": 18, "status": "not_found"},
                        ],
                        "more": False,
                        "cursor": None,
                    }
                },
            ),
            writes,
        ),
    )


def _list(handle: Handle) -> Endpoint:
    return Endpoint(
        name="list_dead_letters",
        method="GET",
        path=PATH,
        summary="List dead letters",
        description=(
            "Lists the letters of the brand and the environment of the key, the oldest first, "
            "without their bodies. A page looks at a bounded number of letters, of which many may "
            "be of others. So it may be empty with `more: true`. The cursor stays good while "
            "letters come and go: it also finds the letters that come later."
        ),
        scope=Scope.DEAD_LETTERS_READ,
        handle=handle,
        query=LettersAsked,
        answers=(
            AnswerForm(
                status=200,
                meaning="A page of letters.",
                schema={
                    "title": "DeadLetters",
                    "type": "object",
                    "required": ["letters", "more", "cursor"],
                    "properties": {
                        "letters": {
                            "type": "array",
                            "items": LETTER,
                        },
                        "more": MORE,
                        "cursor": TEXT,
                    },
                },
                examples={
                    "one": {"letters": [IN_LIST], "more": False, "cursor": CURSOR},
                    "none_yet": {"letters": [], "more": True, "cursor": CURSOR},
                },
            ),
            *_not_understood("reason", "one of malformed, invalid, …", "'broken'"),
            *_not_now(),
        ),
    )


def _show(handle: Handle) -> Endpoint:
    return Endpoint(
        name="show_dead_letter",
        method="GET",
        path=f"{PATH}/{{number}}",
        places={"number": LETTER_NUMBER},
        summary="Show a dead letter",
        description="Everything that is known of one letter, with its body.",
        scope=Scope.DEAD_LETTERS_READ,
        handle=handle,
        answers=(
            AnswerForm(
                status=200,
                meaning="The letter.",
                schema=WHOLE_LETTER,
                examples={
                    "text": DETAIL,
                    "not_utf_8": {
                        **DETAIL,
                        "reason": "malformed",
                        "error": "not UTF-8, at byte 0",
                        "size_bytes": 2,
                        "body": "/w8=",
                        "body_encoding": "base64",
                    },
                    "too_large": {
                        **DETAIL,
                        "size_bytes": 9_000_000,
                        "body": None,
                        "body_encoding": None,
                        "body_left_out": "too_large",
                    },
                },
            ),
            AnswerForm(
                status=404,
                meaning="This brand has no letter with this number in this environment.",
                examples=because("no_such_letter", "there is no dead letter with this number"),
            ),
            *_not_now(),
        ),
    )


def _write(
    verb: str,
    handle: Handle,
    summary: str,
    description: str,
    examples: Mapping[str, Mapping[str, object]],
) -> Endpoint:
    """Make an endpoint that changes letters. All of them are made here."""
    return Endpoint(
        name=f"{verb}_dead_letters",
        method="POST",
        path=f"{PATH}/{verb}",
        summary=summary,
        description=(
            f"{description} The letters are named by up to {NUMBERS_MAX_COUNT} numbers, or by the "
            "filter of the list; `limit` is the largest number of letters. If the time of a "
            "request is over, `more` is true and the client goes on. With `cursor` as `after`, it "
            "reaches no letter that came after its first request."
        ),
        scope=Scope.DEAD_LETTERS_REPLAY,
        handle=handle,
        body=BodyForm(
            media_types=(_JSON,),
            schema={_JSON: chosen_schema()},
            examples={_JSON: {"filter": {"reason": "invalid", "since": "2d", "limit": 500}}},
        ),
        answers=(
            AnswerForm(
                status=200,
                meaning="What became of the letters.",
                schema=OUTCOME,
                examples=examples,
            ),
            *_not_understood("", "either numbers or filter", "neither"),
            *_not_now(),
        ),
    )


def _not_understood(field: str, expected: str, found: str) -> tuple[AnswerForm, ...]:
    name = f"{field}: " if field else ""
    error = {"field": field, "expected": expected, "found": found}
    detail = f"{name}expected {expected}, got {found}"
    return (
        AnswerForm(
            status=400,
            meaning="Something is wrong with what is asked.",
            examples={"invalid": {"reason": "invalid", "detail": detail, "errors": [error]}},
        ),
        AnswerForm(
            status=410,
            meaning="The cursor is of a stream that was made anew since.",
            examples=because(
                "cursor_expired",
                "the dead letters were stored anew since this cursor was made; begin without "
                "`after`",
            ),
        ),
    )


def _not_now() -> tuple[AnswerForm, ...]:
    return (
        AnswerForm(
            status=429,
            meaning="Earlier requests of this kind are not answered yet.",
            examples=because(
                "too_many_at_once",
                "earlier requests of this kind are not answered yet; wait for their answers",
            ),
            headers=RETRY,
        ),
        AnswerForm(
            status=503,
            meaning="Too many such requests are being answered, or something is away.",
            examples={
                **because("busy", "too many requests of this kind are being answered; send again"),
                **because(
                    "unavailable",
                    "the dead letters cannot be reached at this moment; send again, which is safe",
                ),
            },
            headers=RETRY,
        ),
    )
