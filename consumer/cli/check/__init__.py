"""`consumer check`: would the daemon work, were it started now?"""
