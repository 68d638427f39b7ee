"""Telling people, once per cause."""

from opsadmin.core.models import Notice


def tell(users, text, *, url, key):
    """Leave a notice for each account; a second call with the same key changes nothing."""
    Notice.objects.bulk_create(
        [Notice(user=user, text=str(text)[:300], url=url, key=key) for user in users],
        ignore_conflicts=True,
    )
