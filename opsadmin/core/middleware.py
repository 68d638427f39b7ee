"""What holds for every response."""

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponseRedirect, JsonResponse
from django.utils import translation
from django.utils.cache import add_never_cache_headers
from django.utils.http import url_has_allowed_host_and_scheme

from opsadmin.core.refusals import Refusal

PERMISSIONS_POLICY = ", ".join(
    [
        *(
            f"{feature}=()"
            for feature in ("camera", "geolocation", "microphone", "payment", "usb", "browsing-topics")
        ),
        "publickey-credentials-get=(self)",
        "publickey-credentials-create=(self)",
    ]
)


class HeadersMiddleware:
    """Say on every answer, files and errors too, what a browser may do with it.

    Only a page that the theme draws (tag ``drawn_by_the_theme``) may do what the theme's scripts need.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault("X-Frame-Options", settings.X_FRAME_OPTIONS)
        if getattr(request, "drawn_by_the_theme", False):
            response._csp_update = settings.CSP_OF_THE_THEME
        return response


class LanguageMiddleware:
    """Show the language that was chosen in the menu, Chinese before that: the browser's own wish does not count."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME)
        with translation.override(chosen if chosen in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE):
            request.LANGUAGE_CODE = translation.get_language()
            response = self.get_response(request)
            response.headers.setdefault("Content-Language", request.LANGUAGE_CODE)
        return response


class NoStoreMiddleware:
    """Keep pages of a signed-in user out of caches, so that the back button shows nothing after logout."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        if getattr(request, "user", None) is not None and request.user.is_authenticated:
            add_never_cache_headers(response)
            response.headers["Cache-Control"] = "private, no-store, max-age=0"
        return response


class RefusalMiddleware:
    """Turn a refusal that no screen handled into a sentence: JSON for scripts, a message otherwise."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, exception):
        if isinstance(exception, ValidationError):
            exception = Refusal(" ".join(exception.messages), code="invalid")
        if not isinstance(exception, Refusal):
            return None
        request.refused = str(exception)
        if request.headers.get("Accept", "").startswith("application/json"):
            return JsonResponse({"refused": str(exception), "code": exception.code}, status=409)
        messages.error(request, str(exception))
        back = request.META.get("HTTP_REFERER", "")
        if not url_has_allowed_host_and_scheme(back, {request.get_host()}) or request.method == "GET":
            back = "/"
        return HttpResponseRedirect(back)
