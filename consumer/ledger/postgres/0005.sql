-- What a brand asks: players, sessions, deposits and bonuses.

CREATE FUNCTION put_in(
    a_brand text, a_verb text, a_player text, a_currency text, an_amount bigint, a_reference text,
    the_facts text) RETURNS SETOF answer
LANGUAGE plpgsql AS $$
DECLARE
    a_draft transactions;
    an_owner account;
    a_row transactions;
    an_answer answer;
BEGIN
    PERFORM lock_ids(a_brand, ':' || a_verb, a_reference);
    SELECT * INTO an_owner FROM account WHERE brand = a_brand AND player_id = a_player
        AND currency = a_currency FOR NO KEY UPDATE;
    IF an_owner.id IS NULL THEN
        RETURN NEXT refused('PLAYER_NOT_FOUND', NULL);
        RETURN;
    END IF;
    -- No provider has a name with a colon.
    a_draft := draft_of(a_brand, ':' || a_verb, a_reference, a_verb, NULL, '', '', an_amount,
        a_currency, '');
    a_draft.account_id := an_owner.id;
    an_answer := known(a_draft, an_owner);
    IF NOT an_answer IS NULL THEN    -- `IS NOT NULL` would ask that no field is NULL
        RETURN NEXT an_answer;
    ELSIF a_verb = 'deposit' THEN
        a_draft.kind := 'DEPOSIT';
        a_draft.real := an_amount;
        a_draft.bonus := 0;
        a_row := book(a_draft, 0, 0, -an_amount, 0, the_facts);
        RETURN NEXT answer_of(a_row, a_row);
    ELSIF an_owner.bonus_id IS NOT NULL THEN
        RETURN NEXT refused('BONUS_ACTIVE', an_owner);
    ELSE
        a_draft.kind := 'BONUS_ISSUE';
        a_draft.real := 0;
        a_draft.bonus := an_amount;
        a_row := book(a_draft, 0, -an_amount, 0, 0, the_facts);
        INSERT INTO bonus VALUES (a_row.id, an_owner.id, NULL);
        UPDATE account SET bonus_id = a_row.id WHERE id = an_owner.id;
        RETURN NEXT answer_of(a_row, a_row);
    END IF;
END $$;

CREATE FUNCTION end_bonus(
    a_brand text, a_bonus_id bigint, converts boolean, a_reference text, the_facts text)
RETURNS SETOF answer
LANGUAGE plpgsql AS $$
DECLARE
    a_draft transactions;
    an_owner account;
    a_row transactions;
    a_bonus bonus;
BEGIN
    PERFORM lock_ids(a_brand, ':bonus-end', a_reference);
    SELECT account.* INTO an_owner FROM account WHERE brand = a_brand
        AND id = (SELECT account_id FROM bonus WHERE id = a_bonus_id) FOR NO KEY UPDATE;
    SELECT * INTO a_bonus FROM bonus WHERE id = a_bonus_id;
    IF an_owner.id IS NULL THEN
        RETURN NEXT refused('BONUS_NOT_FOUND', NULL);
        RETURN;
    END IF;
    a_draft.brand := a_brand;
    a_draft.source := ':bonus-end';
    a_draft.external_id := a_reference;
    a_draft.verb := CASE WHEN converts THEN 'bonus-convert' ELSE 'bonus-forfeit' END;
    a_draft.account_id := an_owner.id;
    a_draft.currency := an_owner.currency;
    a_draft.reference := a_bonus_id::text;
    a_draft.bonus_id := a_bonus_id;
    a_row := stored(a_brand, ':bonus-end', a_reference);
    IF a_row.id IS NOT NULL AND (a_row.verb, a_row.reference)
            = (a_draft.verb, a_draft.reference) THEN
        RETURN NEXT replay(a_row, an_owner);
    ELSIF a_row.id IS NOT NULL THEN
        RETURN NEXT refused('TRANSACTION_CONFLICT', an_owner);
    ELSIF a_bonus.ended IS NOT NULL THEN
        RETURN NEXT refused('BONUS_ENDED', an_owner);
    ELSE
        a_draft.amount := an_owner.bonus;
        a_draft.kind := CASE WHEN converts THEN 'BONUS_CONVERT' ELSE 'BONUS_FORFEIT' END;
        a_draft.real := CASE WHEN converts THEN an_owner.bonus ELSE 0 END;
        a_draft.bonus := -an_owner.bonus;
        UPDATE account SET bonus_id = NULL WHERE id = an_owner.id;
        a_row := book(a_draft, 0, an_owner.bonus - a_draft.real, 0, 0, the_facts);
        UPDATE bonus SET ended = CASE WHEN converts THEN 'converted' ELSE 'forfeited' END
            WHERE id = a_bonus_id;
        RETURN NEXT answer_of(a_row, a_row);
    END IF;
END $$;

CREATE FUNCTION add_player(a_brand text, a_player text, a_currency text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    -- Under a lock of the player, so that no `freeze` overlooks the new account.
    PERFORM lock_ids(a_brand, ':player', a_player);
    INSERT INTO account (brand, player_id, currency, frozen)
        SELECT a_brand, a_player, a_currency, coalesce(bool_or(frozen), false) FROM account
        WHERE brand = a_brand AND player_id = a_player
        ON CONFLICT DO NOTHING;
END $$;

CREATE FUNCTION freeze_player(a_brand text, a_player text, freezes boolean) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lock_ids(a_brand, ':player', a_player);
    PERFORM FROM account WHERE brand = a_brand AND player_id = a_player ORDER BY id
        FOR NO KEY UPDATE;
    UPDATE account SET frozen = freezes WHERE brand = a_brand AND player_id = a_player;
    RETURN FOUND;
END $$;

CREATE FUNCTION add_provider_key(
    an_id text, a_brand text, a_provider text, a_key bytea, a_created_us bigint, an_ends_us bigint,
    a_max_count integer) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lock_ids(a_brand, ':provider-key', a_provider);
    INSERT INTO provider_key SELECT an_id, a_brand, a_provider, a_key, a_created_us, an_ends_us
        WHERE a_max_count > (
            SELECT count(*) FROM provider_key WHERE brand = a_brand AND provider = a_provider
            AND (ends_us IS NULL OR ends_us > now_us()));
    RETURN FOUND;
END $$;

-- Ends a session, and adds up what it moved. Under the account's lock, so that no bet is under way.
CREATE FUNCTION end_session(a_session text, a_brand text)
RETURNS TABLE (a_currency text, a_net bigint)
LANGUAGE plpgsql AS $$
DECLARE
    an_owner account;
BEGIN
    SELECT account.* INTO an_owner FROM account WHERE id = (
        SELECT account_id FROM session WHERE id = a_session AND brand = a_brand)
        FOR NO KEY UPDATE;
    IF an_owner.id IS NULL THEN
        RETURN;
    END IF;
    UPDATE session SET ended = true WHERE id = a_session;
    RETURN QUERY SELECT an_owner.currency, coalesce(sum(t.real + t.bonus), 0)::bigint
        FROM transactions AS t WHERE t.session = a_session;
END $$;
