"""The installation's settings, with the addresses that its pages are compared with."""

from opsadmin import settings

globals().update({name: value for name, value in vars(settings).items() if name.isupper()})
ROOT_URLCONF = "tests.bench.weburls"
