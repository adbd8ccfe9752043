"""The searches behind `service.rules.advice`, one kind of finding each."""
