"""The second ring: one suite a role, passed by fakes and by the real thing alike."""
