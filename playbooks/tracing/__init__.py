"""Reading collected log rows as what somebody did: pure functions, one question each."""
