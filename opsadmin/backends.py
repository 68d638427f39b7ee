"""Who a session belongs to."""

from django.contrib.auth.backends import ModelBackend

from opsadmin import factors
from opsadmin.core.models import User


class AccountBackend(ModelBackend):
    """Reads an account together with whether it lacks a second factor, so that no request asks for that by itself."""

    def get_user(self, user_id):
        user = User.objects.annotate(lacks_factor=factors.lacking()).filter(pk=user_id).first()
        return user if user and self.user_can_authenticate(user) else None
