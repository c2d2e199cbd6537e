"""Dead letters over HTTP: lists, shows, replays and drops the letters of a key's brand."""
