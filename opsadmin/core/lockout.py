"""Wrong passwords and codes count for one lockout per account and address, wherever somebody types them."""

from axes.handlers.proxy import AxesProxyHandler
from django.contrib.auth.signals import user_login_failed


def is_locked(request, user):
    """Say whether too many wrong passwords or codes have locked the account for this address."""
    return not AxesProxyHandler.is_allowed(request, {"username": user.username})


def failed(request, user):
    """Count a failed proof of an account; the one that reaches the limit is answered with the page of the lockout."""
    user_login_failed.send(__name__, credentials={"username": user.username}, request=request)
