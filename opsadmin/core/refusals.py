"""The "no" that a user gets to read."""


class Refusal(Exception):
    """A request that does not fit the state of things; its text is a sentence for the user.

    ``code`` lets a screen choose its state (``stale``, ``decided`` …); ``data`` carries what the screen shows.
    """

    def __init__(self, message, *, code="refused", **data):
        super().__init__(message)
        self.message = message
        self.code = code
        self.data = data

    def __str__(self):
        return str(self.message)
