"""The parts of the example generator: one fictional clinic group, its records, and the questions about them."""
