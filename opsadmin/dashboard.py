"""The dashboard: is anything about to go wrong."""


def dashboard(request, context):
    """Add the figures that the account's role looks at first."""
    return context
