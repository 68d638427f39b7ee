"""The organisation chart: which cards stand where. Pure but for ``source``, which reads; screens are elsewhere."""
