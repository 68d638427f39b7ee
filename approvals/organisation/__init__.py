"""Documents about the organisation: what they copy from it, how they are judged, and what they bring about."""
