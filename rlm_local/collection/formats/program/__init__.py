"""What source code defines, imports and calls: the parts of the format `code`."""
