"""The sandbox: test games that play against the wallet, with faults at the push of a button."""
