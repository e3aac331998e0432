"""The engine: evaluates subjects and oracles at points, judges, and composes a record."""
