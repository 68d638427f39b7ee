"""Who a session belongs to."""

from functools import cache

from django.contrib.auth.backends import ModelBackend

from opsadmin import factors
from opsadmin.core.models import User


@cache
def account_of_a_session():
    """Return (SQL, parameters before the account's key): every request asks, and building it costs more than asking."""
    accounts = User.objects.annotate(lacks_factor=factors.lacking()).filter(pk=0)
    sql, (*parameters, _key) = accounts.query.sql_with_params()
    return sql, parameters


class AccountBackend(ModelBackend):
    """Reads an account together with whether it lacks a second factor, so that no request asks for that by itself."""

    def get_user(self, user_id):
        sql, parameters = account_of_a_session()
        user = next(iter(User.objects.raw(sql, [*parameters, user_id])), None)
        return user if user and self.user_can_authenticate(user) else None
