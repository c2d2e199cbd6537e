"""Tests anybody's wallet over HTTP against the contract with providers: `consumer wallet check`."""
