"""What the boards of the organisation show, computed for a day; screens only lay it out."""
