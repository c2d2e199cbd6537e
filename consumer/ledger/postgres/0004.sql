-- Rollbacks.

-- Returns what a rollback of a row has to give back: a bet, a win, or both halves of a bet-win.
CREATE FUNCTION parts_of(a_row transactions) RETURNS SETOF transactions LANGUAGE sql STABLE AS $$
    SELECT t.* FROM transactions AS t
    WHERE t.brand = a_row.brand AND t.source = a_row.source AND (
        t.id = a_row.id
        OR a_row.verb = 'bet-win' AND t.verb = 'bet-win' AND (
            t.external_id = target_of(a_row) OR t.reference = target_of(a_row)))
$$;

-- Tells whether a win needs this bet: it names the bet, or the bet is its round's only one.
CREATE FUNCTION is_settled(a_bet transactions) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM transactions AS w
        WHERE w.brand = a_bet.brand AND w.source = a_bet.source AND w.reference = a_bet.external_id
            AND w.reference <> ''
            AND w.verb = 'win' AND w.kind IS NOT NULL
            AND (first_rollback(w, w.external_id)).id IS NULL)
    OR EXISTS (    -- the win of a bet-win goes back with its bet
        SELECT FROM round WHERE account_id = a_bet.account_id AND source = a_bet.source
            AND game_id = a_bet.game_id AND round_id = a_bet.round_id
            AND live_bets_count = 1
            AND live_wins_count > CASE WHEN a_bet.verb = 'bet' THEN 0 ELSE 1 END)
$$;

-- Adds up the opposite of the entries of a row and of its other half. Bonus money may have become
-- something else.
CREATE FUNCTION reversal_of(
    a_row transactions, OUT a_real bigint, OUT a_bonus bigint, OUT a_house bigint,
    OUT a_pool bigint) LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(-amount) FILTER (WHERE place = 'REAL'), 0)::bigint,
           coalesce(sum(-amount) FILTER (WHERE place = 'BONUS'), 0)::bigint,
           coalesce(sum(-amount) FILTER (WHERE place = 'HOUSE'), 0)::bigint,
           coalesce(sum(-amount) FILTER (WHERE place = 'PROMO_POOL'), 0)::bigint
    FROM (
        SELECT e.amount, CASE WHEN e.name = 'BONUS' THEN bonus_account(p.bonus_id) ELSE e.name END
        FROM parts_of(a_row) AS p JOIN entry AS e ON e.transaction_id = p.id
    ) AS moved (amount, place)
$$;

-- Reverses a row whose account is locked, writes off what the player does not have any more, and
-- takes what went back out of its round.
CREATE FUNCTION give_back(
    a_draft transactions, a_given transactions, an_owner account, the_facts text)
RETURNS transactions
LANGUAGE plpgsql AS $$
DECLARE
    a_reversal record;
    a_bet transactions;
    a_row transactions;
    short_real bigint;
    short_bonus bigint;
    the_wins_count integer;
BEGIN
    SELECT * INTO a_reversal FROM reversal_of(a_given);
    short_real := greatest(0, -(an_owner.real + a_reversal.a_real));
    short_bonus := greatest(0, -(an_owner.bonus + a_reversal.a_bonus));
    SELECT p.* INTO a_bet FROM parts_of(a_given) AS p WHERE p.kind = 'BET';
    SELECT count(*) INTO the_wins_count FROM parts_of(a_given) AS p WHERE p.kind <> 'BET';
    a_draft.kind := 'ROLLBACK';
    a_draft.account_id := an_owner.id;
    a_draft.session := a_given.session;
    a_draft.game_id := a_given.game_id;
    a_draft.round_id := a_given.round_id;
    a_draft.amount := a_given.amount;
    a_draft.currency := a_given.currency;
    a_draft.reverses := coalesce(a_bet.id, a_given.id);
    a_draft.real := a_reversal.a_real + short_real;
    a_draft.bonus := a_reversal.a_bonus + short_bonus;
    a_row := book(a_draft, a_reversal.a_house, a_reversal.a_pool, 0, -short_real - short_bonus,
        the_facts);
    UPDATE round AS r SET
        live_bets_count = r.live_bets_count - CASE WHEN a_bet.id IS NULL THEN 0 ELSE 1 END,
        live_wins_count = r.live_wins_count - the_wins_count,
        stake_real = r.stake_real + coalesce(a_bet.real, 0),
        stake_bonus = r.stake_bonus + coalesce(a_bet.bonus, 0)
    WHERE account_id = an_owner.id AND source = a_given.source AND game_id = a_given.game_id
        AND round_id = a_given.round_id;
    RETURN a_row;
END $$;

-- Returns what was answered to this rollback before. NULL: the rollback is new. A refusal shows the
-- balance of the session that the order names, and not that of the player to whom the id belongs.
CREATE FUNCTION known_rollback(a_draft transactions, a_named account) RETURNS answer
LANGUAGE plpgsql AS $$
DECLARE
    a_row transactions := stored(a_draft.brand, a_draft.source, a_draft.external_id);
    an_owner account;
BEGIN
    IF a_row.id IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT * INTO an_owner FROM account WHERE id = a_row.account_id;
    IF a_row.verb = 'tombstone' THEN
        RETURN refused('ROLLED_BACK', a_named);
    ELSIF (a_row.verb, a_row.reference) <> (a_draft.verb, a_draft.reference) THEN
        RETURN refused('TRANSACTION_CONFLICT', a_named);
    ELSIF a_row.repeats IS NOT NULL THEN
        a_row := first_rollback(a_row, a_row.target);
    END IF;
    RETURN replay(a_row, an_owner);
END $$;

-- Carries out the rollback of something that is stored. Its account is locked.
CREATE FUNCTION roll_back_stored(
    a_draft transactions, a_given transactions, an_owner account, an_amount bigint,
    a_currency text, reverses_wins boolean, the_facts text) RETURNS answer
LANGUAGE plpgsql AS $$
DECLARE
    a_first transactions;
    a_row transactions;
BEGIN
    IF a_given.verb <> 'tombstone'
        AND (an_amount <> a_given.amount OR a_currency <> a_given.currency) THEN
        RETURN refused('NOT_REVERSIBLE', an_owner);
    END IF;
    a_draft.target := target_of(a_given);
    a_first := first_rollback(a_given, a_draft.target);
    IF a_first.id IS NOT NULL THEN
        a_draft.repeats := a_first.id;
        PERFORM note(a_draft, an_owner);
        RETURN replay(a_first, an_owner);
    ELSIF a_given.refused IS NOT NULL THEN
        a_row := note(a_draft, an_owner);
        RETURN answer_of(a_row, a_row);
    ELSIF a_given.kind IS NULL OR a_given.kind NOT IN ('BET', 'WIN', 'PROMO_REWARD') THEN
        RETURN refused('NOT_REVERSIBLE', an_owner);
    ELSIF a_given.verb = 'win' AND NOT reverses_wins THEN
        RETURN refused('NOT_REVERSIBLE', an_owner);
    ELSIF EXISTS (SELECT FROM parts_of(a_given) AS p WHERE p.kind = 'BET' AND is_settled(p)) THEN
        RETURN refused('BET_SETTLED', an_owner);
    END IF;
    a_row := give_back(a_draft, a_given, an_owner, the_facts);
    RETURN answer_of(a_row, a_row);
END $$;

CREATE FUNCTION roll_back(
    a_brand text, a_provider text, reverses_wins boolean, an_id text, a_reference text,
    a_session text, an_amount bigint, a_currency text, the_facts text) RETURNS SETOF answer
LANGUAGE plpgsql AS $$
DECLARE
    a_draft transactions;
    a_tombstone transactions;
    a_given transactions;
    a_named account;
    an_owner account;
    a_row transactions;
    an_answer answer;
BEGIN
    PERFORM lock_ids(a_brand, a_provider, an_id, a_reference);
    a_given := stored(a_brand, a_provider, a_reference);
    IF a_session IS NOT NULL THEN
        IF a_given.account_id IS NULL THEN
            a_named := seat(a_brand, a_provider, a_session);
        ELSE
            -- Only one account is locked, that of the bet: two rollbacks that name each other's
            -- player would wait for each other.
            SELECT account.* INTO a_named FROM account WHERE id = (
                SELECT account_id FROM session
                WHERE id = a_session AND brand = a_brand AND provider = a_provider);
        END IF;
        IF a_named.id IS NULL THEN
            RETURN NEXT refused('SESSION_NOT_FOUND', NULL);
            RETURN;
        END IF;
    END IF;
    a_draft.brand := a_brand;
    a_draft.source := a_provider;
    a_draft.external_id := an_id;
    a_draft.verb := 'rollback';
    a_draft.session := a_session;
    a_draft.reference := a_reference;
    a_draft.target := a_reference;
    an_answer := known_rollback(a_draft, a_named);
    IF NOT an_answer IS NULL THEN    -- `IS NOT NULL` would ask that no field is NULL
        RETURN NEXT an_answer;
    ELSIF a_given.id IS NULL AND a_reference = an_id THEN
        RETURN NEXT refused('TRANSACTION_CONFLICT', a_named);
    ELSIF a_given.id IS NULL THEN
        a_tombstone.brand := a_brand;
        a_tombstone.source := a_provider;
        a_tombstone.external_id := a_reference;
        a_tombstone.verb := 'tombstone';
        PERFORM note(a_tombstone, a_named);
        a_row := note(a_draft, a_named);
        RETURN NEXT answer_of(a_row, a_row);
    ELSE
        an_owner := a_named;
        IF a_given.account_id IS NOT NULL THEN
            SELECT * INTO an_owner FROM account WHERE id = a_given.account_id
                FOR NO KEY UPDATE;
        END IF;
        IF a_named.id <> an_owner.id THEN
            RETURN NEXT refused('TRANSACTION_CONFLICT', a_named);
        ELSE
            RETURN NEXT roll_back_stored(
                a_draft, a_given, an_owner, an_amount, a_currency, reverses_wins, the_facts);
        END IF;
    END IF;
END $$;
