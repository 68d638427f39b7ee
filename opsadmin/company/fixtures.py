"""Reading fixtures/company."""

import csv
from datetime import timedelta

import yaml
from django.conf import settings
from django.utils import timezone

FOLDER = settings.BASE_DIR / "fixtures" / "company"


def read(name):
    """Return the content of a YAML fixture."""
    return yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))


def read_goods():
    """Return the goods as dicts of text, in the order of the file."""
    with (FOLDER / "goods.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def days_ago(days):
    """Return the day so many days before the company is loaded."""
    return timezone.localdate() - timedelta(days=days)
