-- Bets, wins and ends of rounds: one function for each order. What is stored under an id comes
-- first; then come the rules that are only asked of a new order.

-- Returns who plays in a session, and locks the account.
CREATE FUNCTION seat(a_brand text, a_provider text, a_session text) RETURNS account
LANGUAGE sql VOLATILE AS $$
    SELECT account.* FROM account WHERE id = (
        SELECT account_id FROM session
        WHERE id = a_session AND brand = a_brand AND provider = a_provider)
    FOR NO KEY UPDATE
$$;

CREATE FUNCTION has_ended(a_session text) RETURNS boolean LANGUAGE sql VOLATILE AS $$
    SELECT ended OR expires_us <= now_us() FROM session WHERE id = a_session
$$;

-- Returns why a new bet is refused. NULL: it is not.
CREATE FUNCTION refusal_of(a_draft transactions, an_owner account) RETURNS text
LANGUAGE sql VOLATILE AS $$
    SELECT CASE
        WHEN a_draft.currency <> an_owner.currency THEN 'WRONG_CURRENCY'
        WHEN NOT lists_game(a_draft.brand, a_draft.source, a_draft.game_id) THEN 'GAME_NOT_FOUND'
        WHEN EXISTS (SELECT FROM round WHERE account_id = an_owner.id AND source = a_draft.source
            AND game_id = a_draft.game_id AND round_id = a_draft.round_id AND closed)
            THEN 'ROUND_CLOSED'
        WHEN has_ended(a_draft.session) THEN 'SESSION_EXPIRED'
        WHEN an_owner.frozen THEN 'PLAYER_FROZEN'
        WHEN a_draft.amount > an_owner.real + an_owner.bonus THEN 'INSUFFICIENT_FUNDS'
    END
$$;

-- These refusals of a bet are stored: the same bet is refused again, whatever changes.
CREATE FUNCTION is_final(a_refusal text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT a_refusal IN ('SESSION_EXPIRED', 'PLAYER_FROZEN', 'INSUFFICIENT_FUNDS')
$$;

-- Books a bet that the player can pay.
CREATE FUNCTION take_stake(
    a_draft transactions, an_old account, bonus_first boolean, the_facts text)
RETURNS transactions
LANGUAGE plpgsql AS $$
DECLARE
    a_row transactions;
    a_real bigint := CASE
        WHEN bonus_first THEN a_draft.amount - least(a_draft.amount, an_old.bonus)
        ELSE least(a_draft.amount, an_old.real) END;
    a_bonus bigint := a_draft.amount - a_real;
BEGIN
    a_draft.kind := 'BET';
    a_draft.account_id := an_old.id;
    a_draft.real := -a_real;
    a_draft.bonus := -a_bonus;
    a_draft.bonus_id := CASE WHEN a_bonus > 0 THEN an_old.bonus_id END;
    a_row := book(a_draft, a_draft.amount, 0, 0, 0, the_facts);
    INSERT INTO round AS r (account_id, source, game_id, round_id, bets_count, live_bets_count,
        stake_real, stake_bonus, at_us)
    VALUES (an_old.id, a_draft.source, a_draft.game_id, a_draft.round_id, 1, 1, a_real, a_bonus,
        a_row.at_us)
    ON CONFLICT (account_id, source, game_id, round_id) DO UPDATE SET
        bets_count = r.bets_count + 1, live_bets_count = r.live_bets_count + 1,
        stake_real = r.stake_real + excluded.stake_real,
        stake_bonus = r.stake_bonus + excluded.stake_bonus;
    RETURN a_row;
END $$;

CREATE FUNCTION note_win(a_row transactions, closes boolean) RETURNS void LANGUAGE sql AS $$
    INSERT INTO round AS r
        (account_id, source, game_id, round_id, live_wins_count, closed, at_us)
    VALUES (a_row.account_id, a_row.source, a_row.game_id, a_row.round_id, 1, closes, a_row.at_us)
    ON CONFLICT (account_id, source, game_id, round_id) DO UPDATE SET
        live_wins_count = r.live_wins_count + 1, closed = r.closed OR excluded.closed
$$;

-- Pays a win in the proportion of a stake. The bonus part is rounded down.
CREATE FUNCTION pay(
    a_draft transactions, an_old account, a_stake_real bigint, a_stake_bonus bigint,
    a_bonus_id bigint, closes boolean, the_facts text) RETURNS transactions
LANGUAGE plpgsql AS $$
DECLARE
    a_row transactions;
    a_share bigint := CASE WHEN a_stake_bonus > 0 THEN div(
        a_draft.amount::numeric * a_stake_bonus, a_stake_real::numeric + a_stake_bonus) ELSE 0 END;
    a_place text := bonus_account(CASE WHEN a_share > 0 THEN a_bonus_id END);
BEGIN
    a_draft.kind := 'WIN';
    a_draft.account_id := an_old.id;
    a_draft.bonus_id := CASE WHEN a_share > 0 THEN a_bonus_id END;
    a_draft.real := a_draft.amount - CASE WHEN a_place = 'REAL' THEN 0 ELSE a_share END;
    a_draft.bonus := CASE WHEN a_place = 'BONUS' THEN a_share ELSE 0 END;
    a_row := book(a_draft, -a_draft.amount,
        CASE WHEN a_place = 'PROMO_POOL' THEN a_share ELSE 0 END, 0, 0, the_facts);
    PERFORM note_win(a_row, closes);
    RETURN a_row;
END $$;

CREATE FUNCTION bet(
    a_brand text, a_provider text, bonus_first boolean, an_id text, a_session text, a_round text,
    a_game text, an_amount bigint, a_currency text, the_facts text) RETURNS SETOF answer
LANGUAGE plpgsql AS $$
DECLARE
    a_draft transactions;
    an_owner account;
    a_row transactions;
    an_answer answer;
    a_refusal text;
BEGIN
    PERFORM lock_ids(a_brand, a_provider, an_id);
    an_owner := seat(a_brand, a_provider, a_session);
    IF an_owner.id IS NULL THEN
        RETURN NEXT refused('SESSION_NOT_FOUND', NULL);
        RETURN;
    END IF;
    a_draft := draft_of(a_brand, a_provider, an_id, 'bet', a_session, a_game, a_round, an_amount,
        a_currency, '');
    an_answer := known(a_draft, an_owner);
    IF an_answer IS NULL THEN
        a_refusal := refusal_of(a_draft, an_owner);
        IF is_final(a_refusal) THEN
            a_draft.refused := a_refusal;
            PERFORM note(a_draft, an_owner);
        END IF;
        IF a_refusal IS NOT NULL THEN
            an_answer := refused(a_refusal, an_owner);
        ELSE
            a_row := take_stake(a_draft, an_owner, bonus_first, the_facts);
            an_answer := answer_of(a_row, a_row);
        END IF;
    END IF;
    RETURN NEXT an_answer;
END $$;

-- Returns with which stake a win was made, or why it cannot be paid.
CREATE FUNCTION stake_of(
    a_draft transactions, an_owner account,
    OUT a_refusal text, OUT a_real bigint, OUT a_bonus bigint, OUT a_bonus_id bigint)
LANGUAGE plpgsql AS $$
DECLARE
    a_bet transactions;
    a_round round;
BEGIN
    IF a_draft.reference <> '' THEN
        a_bet := stored(a_draft.brand, a_draft.source, a_draft.reference);
        a_refusal := CASE
            WHEN a_bet.verb = 'tombstone' THEN 'ROLLED_BACK'
            WHEN a_bet.kind IS DISTINCT FROM 'BET' THEN 'BET_NOT_FOUND'
            WHEN (a_bet.account_id, a_bet.game_id, a_bet.round_id)
                 IS DISTINCT FROM (an_owner.id, a_draft.game_id, a_draft.round_id)
                 THEN 'TRANSACTION_CONFLICT'
            WHEN (first_rollback(a_bet, target_of(a_bet))).id IS NOT NULL THEN 'ROLLED_BACK'
        END;
        a_real := -a_bet.real;
        a_bonus := -a_bet.bonus;
        a_bonus_id := a_bet.bonus_id;
    ELSE
        SELECT * INTO a_round FROM round WHERE account_id = an_owner.id
            AND source = a_draft.source AND game_id = a_draft.game_id
            AND round_id = a_draft.round_id;
        a_refusal := CASE
            WHEN coalesce(a_round.bets_count, 0) = 0 THEN 'BET_NOT_FOUND'
            WHEN a_round.live_bets_count = 0 THEN 'ROLLED_BACK'
        END;
        a_real := a_round.stake_real;
        a_bonus := a_round.stake_bonus;
        -- If the stakes came from several bonuses, the newest of them gets the bonus share.
        IF a_round.stake_bonus > 0 THEN
            SELECT t.bonus_id INTO a_bonus_id FROM transactions AS t
            WHERE t.brand = a_draft.brand AND t.source = a_draft.source
                AND t.game_id = a_draft.game_id AND t.round_id = a_draft.round_id
                AND t.round_id <> '' AND t.account_id = an_owner.id AND t.kind = 'BET'
                AND t.bonus_id IS NOT NULL AND (first_rollback(t, target_of(t))).id IS NULL
            ORDER BY t.id DESC LIMIT 1;
        END IF;
    END IF;
END $$;

CREATE FUNCTION win(
    a_brand text, a_provider text, an_id text, a_session text, a_round text, a_game text,
    an_amount bigint, a_currency text, a_bet_id text, is_reward boolean, closes boolean,
    the_facts text) RETURNS SETOF answer
LANGUAGE plpgsql AS $$
DECLARE
    a_draft transactions;
    an_owner account;
    a_row transactions;
    an_answer answer;
    a_stake record;
BEGIN
    IF a_bet_id = '' THEN
        PERFORM lock_ids(a_brand, a_provider, an_id);
    ELSE
        PERFORM lock_ids(a_brand, a_provider, an_id, a_bet_id);
    END IF;
    an_owner := seat(a_brand, a_provider, a_session);
    IF an_owner.id IS NULL THEN
        RETURN NEXT refused('SESSION_NOT_FOUND', NULL);
        RETURN;
    END IF;
    a_draft := draft_of(a_brand, a_provider, an_id, 'win', a_session, a_game, a_round, an_amount,
        a_currency, a_bet_id);
    an_answer := known(a_draft, an_owner);
    IF an_answer IS NULL THEN
        IF a_currency <> an_owner.currency THEN
            RETURN NEXT refused('WRONG_CURRENCY', an_owner);
            RETURN;
        END IF;
        SELECT * INTO a_stake FROM stake_of(a_draft, an_owner);
        IF a_stake.a_refusal IS NULL THEN
            a_row := pay(a_draft, an_owner, a_stake.a_real, a_stake.a_bonus, a_stake.a_bonus_id,
                closes, the_facts);
            an_answer := answer_of(a_row, a_row);
        ELSIF a_stake.a_refusal <> 'BET_NOT_FOUND' OR a_bet_id <> '' OR NOT is_reward THEN
            an_answer := refused(a_stake.a_refusal, an_owner);
        ELSIF NOT lists_game(a_brand, a_provider, a_game) THEN
            an_answer := refused('GAME_NOT_FOUND', an_owner);
        ELSE
            a_draft.kind := 'PROMO_REWARD';
            a_draft.account_id := an_owner.id;
            a_draft.real := an_amount;
            a_draft.bonus := 0;
            a_row := book(a_draft, 0, -an_amount, 0, 0, the_facts);
            PERFORM note_win(a_row, closes);
            an_answer := answer_of(a_row, a_row);
        END IF;
    END IF;
    RETURN NEXT an_answer;
END $$;

CREATE FUNCTION bet_win(
    a_brand text, a_provider text, bonus_first boolean, a_bet_id text, a_win_id text,
    a_session text, a_round text, a_game text, a_stake bigint, a_prize bigint, a_currency text,
    closes boolean, the_facts text) RETURNS SETOF answer
LANGUAGE plpgsql AS $$
DECLARE
    a_bet transactions;
    a_win transactions;
    an_owner account;
    known_bet answer;
    known_win answer;
    a_refusal text;
    bet_row transactions;
    win_row transactions;
BEGIN
    PERFORM lock_ids(a_brand, a_provider, a_bet_id, a_win_id);
    an_owner := seat(a_brand, a_provider, a_session);
    IF an_owner.id IS NULL THEN
        RETURN NEXT refused('SESSION_NOT_FOUND', NULL);
        RETURN;
    END IF;
    a_bet := draft_of(a_brand, a_provider, a_bet_id, 'bet-win', a_session, a_game, a_round, a_stake,
        a_currency, '');
    a_win := a_bet;
    a_win.external_id := a_win_id;
    a_win.amount := a_prize;
    a_win.reference := a_bet_id;
    known_bet := known(a_bet, an_owner);
    known_win := known(a_win, an_owner);
    a_refusal := coalesce(known_bet.refusal, known_win.refusal, CASE
        WHEN (known_bet.ledger_id IS NULL) <> (known_win.ledger_id IS NULL) OR a_bet_id = a_win_id
        THEN 'TRANSACTION_CONFLICT' END);
    IF a_refusal IS NULL AND known_bet.ledger_id IS NOT NULL THEN
        RETURN NEXT known_bet;
        RETURN NEXT known_win;
        RETURN;
    ELSIF a_refusal IS NULL THEN
        a_refusal := refusal_of(a_bet, an_owner);
        IF is_final(a_refusal) THEN
            a_bet.refused := a_refusal;
            a_win.refused := a_refusal;
            PERFORM note(a_bet, an_owner);
            PERFORM note(a_win, an_owner);
        END IF;
    END IF;
    IF a_refusal IS NOT NULL THEN
        RETURN NEXT refused(a_refusal, an_owner);
        RETURN;
    END IF;
    bet_row := take_stake(a_bet, an_owner, bonus_first, the_facts);
    win_row := pay(a_win, an_owner, -bet_row.real, -bet_row.bonus, bet_row.bonus_id, closes,
        the_facts);
    RETURN NEXT answer_of(bet_row, win_row);
    RETURN NEXT answer_of(win_row, win_row);
END $$;

CREATE FUNCTION end_round(
    a_brand text, a_provider text, an_id text, a_session text, a_round text, a_game text)
RETURNS SETOF answer
LANGUAGE plpgsql AS $$
DECLARE
    a_draft transactions;
    an_owner account;
    a_row transactions;
    an_answer answer;
BEGIN
    PERFORM lock_ids(a_brand, a_provider, an_id);
    an_owner := seat(a_brand, a_provider, a_session);
    IF an_owner.id IS NULL THEN
        RETURN NEXT refused('SESSION_NOT_FOUND', NULL);
        RETURN;
    END IF;
    a_draft := draft_of(a_brand, a_provider, an_id, 'round-end', a_session, a_game, a_round, 0,
        an_owner.currency, '');
    an_answer := known(a_draft, an_owner);
    IF an_answer IS NULL THEN
        a_row := note(a_draft, an_owner);
        INSERT INTO round (account_id, source, game_id, round_id, closed, at_us)
            VALUES (an_owner.id, a_provider, a_game, a_round, true, a_row.at_us)
            ON CONFLICT (account_id, source, game_id, round_id) DO UPDATE SET closed = true;
        an_answer := answer_of(a_row, a_row);
    END IF;
    RETURN NEXT an_answer;
END $$;
