"""Where a request comes from."""

from ipaddress import ip_address

from django.conf import settings


def client_address(request):
    """Return the IP address of the client as text, or None.

    Behind ``settings.PROXIES`` proxies of ours, each of which appends whom it heard from to ``X-Forwarded-For``,
    the client is that many entries from the right; what stands left of it was written by the client itself.
    """
    heard = request.META.get("REMOTE_ADDR", "")
    if settings.PROXIES:
        named = [
            part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()
        ]
        heard = named[-settings.PROXIES] if len(named) >= settings.PROXIES else heard
    try:
        return str(ip_address(heard))
    except ValueError:
        return None
