-- What all orders have in common: locks, what is known under an id, and how a transaction is booked.
-- Parameters begin with `an_` or `the_`, so that none has the name of a column.

CREATE TYPE answer AS (
    refusal text,                    -- NULL: the order was carried out
    ledger_id bigint,
    amount bigint,
    balance_after bigint,
    currency text,                   -- NULL: no player is known
    real bigint,
    bonus bigint,
    held bigint,
    replayed boolean
);

CREATE FUNCTION now_us() RETURNS bigint LANGUAGE sql VOLATILE AS
    $$ SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint $$;

-- Locks the ids of an order until it is committed. They are taken in the order of their numbers, so
-- that two orders never wait for each other.
CREATE FUNCTION lock_ids(a_brand text, a_source text, VARIADIC the_ids text[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    a_number bigint;
BEGIN
    FOR a_number IN
        SELECT DISTINCT hashtextextended(
            concat_ws(chr(31), current_schema(), a_brand, a_source, an_id), 0)
        FROM unnest(the_ids) AS an_id ORDER BY 1
    LOOP
        PERFORM pg_advisory_xact_lock(a_number);
    END LOOP;
END $$;

CREATE FUNCTION refused(a_refusal text, an_owner account) RETURNS answer LANGUAGE sql AS $$
    SELECT a_refusal, NULL::bigint, NULL::bigint, NULL::bigint, an_owner.currency, an_owner.real,
           an_owner.bonus, an_owner.held, false
$$;

CREATE FUNCTION replay(a_row transactions, an_owner account) RETURNS answer LANGUAGE sql AS $$
    SELECT NULL::text, a_row.id, a_row.amount, a_row.real_after + a_row.bonus_after,
           an_owner.currency, an_owner.real, an_owner.bonus, an_owner.held, true
$$;

-- The answer of a row that was just stored: its player has what is on the account after `the_last`.
CREATE FUNCTION answer_of(a_row transactions, the_last transactions) RETURNS answer
LANGUAGE sql AS $$
    SELECT NULL::text, a_row.id, a_row.amount, a_row.real_after + a_row.bonus_after,
           a.currency, the_last.real_after, the_last.bonus_after, the_last.held_after, false
    FROM (SELECT (SELECT currency FROM account WHERE id = a_row.account_id)) AS a (currency)
$$;

-- The id under which a rollback of a row is kept: both halves of a bet-win go back together.
CREATE FUNCTION target_of(a_row transactions) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN a_row.verb = 'bet-win' AND a_row.reference <> '' THEN a_row.reference
           ELSE a_row.external_id END
$$;

CREATE FUNCTION first_rollback(a_row transactions, a_target text) RETURNS transactions
LANGUAGE sql STABLE AS $$
    SELECT * FROM transactions
    WHERE brand = a_row.brand AND source = a_row.source AND target = a_target AND repeats IS NULL
$$;

CREATE FUNCTION stored(a_brand text, a_source text, an_id text) RETURNS transactions
LANGUAGE sql STABLE AS $$
    SELECT * FROM transactions
    WHERE brand = a_brand AND source = a_source AND external_id = an_id
$$;

-- Returns the row of an order before it is known what becomes of it.
CREATE FUNCTION draft_of(
    a_brand text, a_source text, an_id text, a_verb text, a_session text, a_game text, a_round text,
    an_amount bigint, a_currency text, a_reference text) RETURNS transactions
LANGUAGE plpgsql AS $$
DECLARE
    a_draft transactions;
BEGIN
    a_draft.brand := a_brand;
    a_draft.source := a_source;
    a_draft.external_id := an_id;
    a_draft.verb := a_verb;
    a_draft.session := a_session;
    a_draft.game_id := a_game;
    a_draft.round_id := a_round;
    a_draft.amount := an_amount;
    a_draft.currency := a_currency;
    a_draft.reference := a_reference;
    RETURN a_draft;
END $$;

-- Returns the answer that is stored under the id of an order. NULL: the order is new.
CREATE FUNCTION known(a_draft transactions, an_owner account) RETURNS answer
LANGUAGE plpgsql AS $$
DECLARE
    a_row transactions := stored(a_draft.brand, a_draft.source, a_draft.external_id);
BEGIN
    IF a_row.id IS NULL THEN
        RETURN NULL;
    ELSIF a_row.verb = 'tombstone' THEN
        RETURN refused('ROLLED_BACK', an_owner);
    ELSIF (a_row.verb, a_row.account_id, a_row.game_id, a_row.round_id, a_row.amount,
           a_row.currency, a_row.reference)
          IS DISTINCT FROM
          (a_draft.verb, an_owner.id, a_draft.game_id, a_draft.round_id, a_draft.amount,
           a_draft.currency, a_draft.reference) THEN
        RETURN refused('TRANSACTION_CONFLICT', an_owner);
    ELSIF a_row.refused IS NOT NULL THEN
        RETURN refused(a_row.refused, an_owner);
    ELSIF (first_rollback(a_row, target_of(a_row))).id IS NOT NULL THEN
        RETURN refused('ROLLED_BACK', an_owner);
    END IF;
    RETURN replay(a_row, an_owner);
END $$;

-- Stores a row that moves nothing: a refusal, a tombstone, a repeated rollback, the end of a round.
CREATE FUNCTION note(a_draft transactions, an_owner account) RETURNS transactions
LANGUAGE plpgsql AS $$
DECLARE
    a_row transactions;
BEGIN
    INSERT INTO transactions (brand, source, external_id, verb, account_id, session, game_id,
        round_id, amount, currency, reference, refused, target, repeats, at_us, real_after,
        bonus_after, held_after)
    VALUES (a_draft.brand, a_draft.source, a_draft.external_id, a_draft.verb, an_owner.id,
        a_draft.session, coalesce(a_draft.game_id, ''), coalesce(a_draft.round_id, ''),
        coalesce(a_draft.amount, 0), coalesce(a_draft.currency, ''),
        coalesce(a_draft.reference, ''), a_draft.refused, a_draft.target, a_draft.repeats,
        now_us(), an_owner.real, an_owner.bonus, an_owner.held)
    RETURNING * INTO a_row;
    RETURN a_row;
END $$;

-- Books a transaction on the account of its draft, whose row is locked. `real` and `bonus` of the
-- draft are what it moves for the player; the other parameters are what it moves for the house.
CREATE FUNCTION book(
    a_draft transactions, a_house bigint, a_pool bigint, a_system bigint, a_write_off bigint,
    the_facts text) RETURNS transactions
LANGUAGE plpgsql AS $$
DECLARE
    a_row transactions;
    an_owner account;
BEGIN
    IF a_draft.real + a_draft.bonus + a_house + a_pool + a_system + a_write_off <> 0 THEN
        RAISE EXCEPTION 'the entries of a transaction have the sum zero';
    END IF;
    UPDATE account SET real = account.real + a_draft.real, bonus = account.bonus + a_draft.bonus,
        sequence = account.sequence + 1, at_us = greatest(account.at_us + 1, now_us())
    WHERE id = a_draft.account_id RETURNING * INTO an_owner;
    INSERT INTO transactions (brand, source, external_id, verb, kind, account_id, session, game_id,
        round_id, amount, currency, reference, bonus_id, reverses, target, sequence, at_us, real,
        bonus, real_after, bonus_after, held_after)
    VALUES (a_draft.brand, a_draft.source, a_draft.external_id, a_draft.verb, a_draft.kind,
        an_owner.id, a_draft.session, coalesce(a_draft.game_id, ''),
        coalesce(a_draft.round_id, ''), a_draft.amount, a_draft.currency,
        coalesce(a_draft.reference, ''), a_draft.bonus_id, a_draft.reverses, a_draft.target,
        an_owner.sequence, an_owner.at_us, a_draft.real, a_draft.bonus, an_owner.real,
        an_owner.bonus, an_owner.held)
    RETURNING * INTO a_row;
    INSERT INTO entry
        SELECT a_row.id, e.account_id, e.name, e.amount, e.balance_after FROM (VALUES
            (an_owner.id, 'REAL', a_draft.real, an_owner.real),
            (an_owner.id, 'BONUS', a_draft.bonus, an_owner.bonus),
            (NULL, 'HOUSE', a_house, NULL),
            (NULL, 'PROMO_POOL', a_pool, NULL),
            (NULL, 'SYSTEM', a_system, NULL),
            (NULL, 'WRITE_OFF', a_write_off, NULL)
        ) AS e (account_id, name, amount, balance_after) WHERE e.amount <> 0;
    INSERT INTO outbox (transaction_id, account_id, sequence, facts)
        VALUES (a_row.id, an_owner.id, an_owner.sequence, the_facts);
    RETURN a_row;
END $$;

-- The account that gets what was bonus money: the bonus may have ended.
CREATE FUNCTION bonus_account(a_bonus_id bigint) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        (SELECT CASE ended WHEN 'converted' THEN 'REAL' WHEN 'forfeited' THEN 'PROMO_POOL' END
         FROM bonus WHERE id = a_bonus_id), 'BONUS')
$$;

CREATE FUNCTION lists_game(a_brand text, a_provider text, a_game_id text) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT NOT EXISTS (SELECT FROM game WHERE brand = a_brand AND provider = a_provider)
        OR EXISTS (SELECT FROM game
            WHERE brand = a_brand AND provider = a_provider AND game_id = a_game_id)
$$;
