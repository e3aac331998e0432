"""What holds for all inputs, and for all graphs."""
