"""Takes the movements of players' money from the wallet's outbox."""
