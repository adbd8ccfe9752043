"""What every room's door uses: keys, problems, limits, idempotency, paging, ETags."""
