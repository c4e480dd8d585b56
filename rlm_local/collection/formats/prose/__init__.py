"""What texts without markup have in common: clean lines, headings, "Label: value" lines, records, turns of a talk."""
