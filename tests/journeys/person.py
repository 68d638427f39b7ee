"""Somebody at a browser, for journeys that need more than one person."""

from django.conf import settings
from django.test import Client
from django.urls import reverse

from opsadmin.core.models import User

# A page says itself that it is too wide: asking it from here would race with the next click.
TOO_WIDE = """addEventListener("load", () => {
  const [wide, window] = [document.documentElement.scrollWidth, innerWidth];
  if (wide > window) console.error(`${location.pathname} is ${wide} wide in a window of ${window}`);
})"""
SIZES = {"desktop": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}


def bring_session(context, web, user):
    """Sign somebody in without the form: give the browser a session of that account."""
    client, name = Client(), settings.SESSION_COOKIE_NAME
    client.force_login(user, backend="opsadmin.backends.AccountBackend")
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": web}])


class Person:
    """Notes every console error, every answer of 500 and more, and every page that scrolls sideways.

    Signs in at the form with a password; without one, the session is made beforehand.
    """

    def __init__(self, browser, web, username, size, password=None):
        self.web, self.username, self.faults = web, username, []
        self.context = browser.new_context(
            viewport=SIZES[size], locale="zh-CN", timezone_id="Asia/Shanghai", accept_downloads=True
        )
        self.context.add_init_script(TOO_WIDE)
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.page.on("console", lambda message: message.type == "error" and self.faults.append(message.text))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("response", lambda answer: answer.status >= 500 and self.faults.append(answer.url))
        if password:
            self.sign_in(password)
        else:
            bring_session(self.context, web, User.objects.get(username=username))

    def sign_in(self, password):
        self.page.goto(f"{self.web}/login/")
        self.page.fill("[name=username]", self.username)
        self.page.fill("[name=password]", password)
        self.page.press("[name=password]", "Enter")
        self.page.wait_for_selector("main")

    def measure(self):
        wide, window = self.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        if wide > window:
            self.faults.append(f"{self.page.url} is {wide} wide in a window of {window}")

    def open(self, name, *args, query=""):
        self.page.goto(self.web + reverse(f"admin:{name}", args=args) + query)

    def leave(self):
        assert self.faults == []
        self.context.close()
