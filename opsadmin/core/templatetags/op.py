"""Filters and tags of our screens: icons, money, change, severity."""

from decimal import Decimal

from django import template
from django.utils.html import format_html

register = template.Library()


@register.simple_tag
def icon(name, css=""):
    """Return an icon of the sprite, hidden from readers: the word beside it says the same."""
    return format_html('<svg class="op-i {}" aria-hidden="true"><use href="#i-{}"/></svg>', css, name)


@register.filter
def money(value):
    """Return an amount with two decimals, or a dash."""
    return "—" if value is None else f"{Decimal(value):,.2f}"


@register.filter
def digest(value):
    """Return the first and last four characters of a SHA-256."""
    return f"{value[:4]}…{value[-4:]}" if value else "—"


@register.filter
def message_tone(tags):
    """Return the severity in which a message of Django's framework is shown."""
    tones = {"error": "block", "warning": "warn", "success": "ok"}
    return next((tone for level, tone in tones.items() if level in tags.split()), "info")
