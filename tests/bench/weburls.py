"""The site's addresses, and one to compare with: a logged-in "ok"."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.urls import path

from opsadmin.urls import urlpatterns as own


@login_required
def ok(request):
    return HttpResponse("ok")


urlpatterns = [path("bench/ok/", ok), *own]
