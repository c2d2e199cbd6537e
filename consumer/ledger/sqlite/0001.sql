-- The ledger's tables. Amounts are integers of the currency's smallest unit.

CREATE TABLE account (
    id INTEGER PRIMARY KEY,
    brand TEXT NOT NULL,
    player_id TEXT NOT NULL,
    currency TEXT NOT NULL,
    real INTEGER NOT NULL DEFAULT 0 CHECK (real BETWEEN 0 AND 999999999999999999),
    bonus INTEGER NOT NULL DEFAULT 0 CHECK (bonus BETWEEN 0 AND 999999999999999999),
    held INTEGER NOT NULL DEFAULT 0 CHECK (held BETWEEN 0 AND 999999999999999999),
    frozen INTEGER NOT NULL DEFAULT 0,
    bonus_id INTEGER,                -- the active bonus: its transaction
    sequence INTEGER NOT NULL DEFAULT 0,
    at_us INTEGER NOT NULL DEFAULT 0,
    UNIQUE (brand, player_id, currency)
) STRICT;

CREATE TABLE session (
    id TEXT PRIMARY KEY,
    brand TEXT NOT NULL,
    provider TEXT NOT NULL,
    account_id INTEGER NOT NULL REFERENCES account,
    expires_us INTEGER NOT NULL,
    ended INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE provider_key (
    id TEXT PRIMARY KEY,
    brand TEXT NOT NULL,
    provider TEXT NOT NULL,
    public_key BLOB NOT NULL,
    created_us INTEGER NOT NULL,
    ends_us INTEGER                  -- NULL: it is in force
) STRICT, WITHOUT ROWID;

-- While a provider has no row, any game is good.
CREATE TABLE game (
    brand TEXT NOT NULL,
    provider TEXT NOT NULL,
    game_id TEXT NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    launch_url TEXT,
    PRIMARY KEY (brand, provider, game_id)
) STRICT, WITHOUT ROWID;

-- Each order that was carried out, was refused for good, or was rolled back before it came.
CREATE TABLE transactions (
    id INTEGER PRIMARY KEY,
    brand TEXT NOT NULL,
    source TEXT NOT NULL,            -- the provider, or what an operator asked for
    external_id TEXT NOT NULL,       -- the source's id
    verb TEXT NOT NULL,              -- the order; 'tombstone': rolled back before it came
    kind TEXT,                       -- the ledger's type, such as BET. NULL: nothing was booked
    account_id INTEGER REFERENCES account,
    session TEXT,
    game_id TEXT NOT NULL,
    round_id TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount >= 0),
    currency TEXT NOT NULL,
    reference TEXT NOT NULL,         -- the other id that the order names
    refused TEXT,                    -- why a bet was refused for good
    bonus_id INTEGER,                -- the bonus whose money it moved
    reverses INTEGER,                -- the transaction that a rollback gave back
    target TEXT,                     -- a rollback's external_id of what it gives back
    repeats INTEGER,                 -- the first rollback of the same target
    sequence INTEGER,
    at_us INTEGER NOT NULL,
    real INTEGER NOT NULL,           -- what it moved on the player's accounts
    bonus INTEGER NOT NULL,
    real_after INTEGER,
    bonus_after INTEGER,
    held_after INTEGER,
    UNIQUE (brand, source, external_id)
) STRICT;
CREATE UNIQUE INDEX one_rollback ON transactions (brand, source, target)
    WHERE target IS NOT NULL AND repeats IS NULL;
CREATE UNIQUE INDEX in_sequence ON transactions (account_id, sequence) WHERE sequence IS NOT NULL;
CREATE INDEX naming ON transactions (brand, source, reference) WHERE reference <> '';
CREATE INDEX of_round ON transactions (brand, source, game_id, round_id) WHERE round_id <> '';
CREATE INDEX of_session ON transactions (session) WHERE session IS NOT NULL;

CREATE TABLE entry (
    transaction_id INTEGER NOT NULL REFERENCES transactions,
    account_id INTEGER REFERENCES account,   -- NULL: a house account
    name TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount <> 0),
    balance_after INTEGER
) STRICT;
CREATE INDEX of_transaction ON entry (transaction_id);
CREATE INDEX written_off ON entry (transaction_id) WHERE name = 'WRITE_OFF';

CREATE TABLE bonus (
    id INTEGER PRIMARY KEY REFERENCES transactions,
    account_id INTEGER NOT NULL REFERENCES account,
    ended TEXT                       -- 'converted' or 'forfeited'
) STRICT;

CREATE TABLE round (
    account_id INTEGER NOT NULL REFERENCES account,
    source TEXT NOT NULL,
    game_id TEXT NOT NULL,
    round_id TEXT NOT NULL,
    bets_count INTEGER NOT NULL DEFAULT 0,
    live_bets_count INTEGER NOT NULL DEFAULT 0,
    live_wins_count INTEGER NOT NULL DEFAULT 0,
    stake_real INTEGER NOT NULL DEFAULT 0,
    stake_bonus INTEGER NOT NULL DEFAULT 0,
    closed INTEGER NOT NULL DEFAULT 0,
    at_us INTEGER NOT NULL,
    PRIMARY KEY (account_id, source, game_id, round_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX of_time ON round (at_us) WHERE NOT closed;

-- The currencies in which players of a brand may have accounts, and the digits with which their
-- amounts are booked. These must never change.
CREATE TABLE currency (
    brand TEXT NOT NULL,
    name TEXT NOT NULL,
    digits INTEGER NOT NULL,
    PRIMARY KEY (brand, name)
) STRICT, WITHOUT ROWID;

-- Up to where the books of each account were verified.
CREATE TABLE verified (
    account_id INTEGER PRIMARY KEY,
    real INTEGER NOT NULL,
    bonus INTEGER NOT NULL,
    held INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    at_us INTEGER NOT NULL
) STRICT;

-- How the last run of `verify` ended: one row.
CREATE TABLE verify_run (
    id INTEGER PRIMARY KEY,
    until_id INTEGER NOT NULL,
    ended_us INTEGER NOT NULL,
    faults_count INTEGER NOT NULL
) STRICT;

CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    transaction_id INTEGER NOT NULL REFERENCES transactions,
    account_id INTEGER NOT NULL REFERENCES account,
    sequence INTEGER NOT NULL,
    facts TEXT NOT NULL
) STRICT;
CREATE INDEX waiting ON outbox (account_id, sequence);

-- Without these, a connection whose recursive triggers are off could REPLACE a row.
CREATE TRIGGER transactions_are_new BEFORE INSERT ON transactions
    WHEN EXISTS (SELECT 1 FROM transactions WHERE id = new.id)
      OR EXISTS (SELECT 1 FROM transactions WHERE brand = new.brand AND source = new.source
                 AND external_id = new.external_id)
      OR new.sequence IS NOT NULL AND EXISTS (SELECT 1 FROM transactions
                 WHERE account_id = new.account_id AND sequence = new.sequence)
    BEGIN SELECT RAISE(ABORT, 'transactions are never changed'); END;
CREATE TRIGGER entries_are_new BEFORE INSERT ON entry
    WHEN EXISTS (SELECT 1 FROM entry WHERE rowid = new.rowid)
    BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END;
CREATE TRIGGER transactions_stay BEFORE UPDATE ON transactions
    BEGIN SELECT RAISE(ABORT, 'transactions are never changed'); END;
CREATE TRIGGER transactions_are_kept BEFORE DELETE ON transactions
    BEGIN SELECT RAISE(ABORT, 'transactions are never deleted'); END;
CREATE TRIGGER entries_stay BEFORE UPDATE ON entry
    BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END;
CREATE TRIGGER entries_are_kept BEFORE DELETE ON entry
    BEGIN SELECT RAISE(ABORT, 'entries are never deleted'); END;
