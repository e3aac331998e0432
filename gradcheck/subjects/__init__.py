"""WHO is tested: adapters that put an implementation behind one protocol."""
