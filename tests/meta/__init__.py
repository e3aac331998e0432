"""Wrong backward passes that must be caught, each with a right twin that must be accepted."""
