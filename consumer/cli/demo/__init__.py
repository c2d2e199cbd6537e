"""`consumer demo`: everything once, on servers of its own, with the books at the end."""
