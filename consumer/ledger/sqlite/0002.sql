-- The game for which a session began. Some providers do not name it in their callbacks.

ALTER TABLE session ADD COLUMN game_id TEXT NOT NULL DEFAULT '';
CREATE INDEX of_player ON session (account_id, provider, expires_us);
