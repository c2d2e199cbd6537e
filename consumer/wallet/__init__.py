"""The seamless wallet: games call it over HTTP, signed, for every movement of a player's money."""
