"""`consumer send`: makes events and sends them to a listener's source."""
