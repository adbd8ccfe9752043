"""The floor the rooms stand on: engine, transactions, tables, ids, migrations, audit chain."""
