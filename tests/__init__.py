"""Four rings: unit, contract, integration, acceptance; each folder says what belongs into it."""
