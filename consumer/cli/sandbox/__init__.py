"""Try an integration with test games and play money: `consumer sandbox`."""
