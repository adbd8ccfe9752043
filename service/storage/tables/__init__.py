"""Every table, one module a room, one MetaData."""
