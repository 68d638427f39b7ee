"""The checkpoints leave the machine, and what has left shows what was forged here."""

import socket
import threading
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from approvals.archive import anchors, filing, rowseals, verify
from approvals.models import ArchiveRecord, CheckpointTarget
from approvals.tasks import send_checkpoints
from opsadmin.core.models import Notice
from tests.approvals import filings as made
from tests.approvals.test_verify import forge_the_whole_chain

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def filed(settings, tmp_path, django_capture_on_commit_callbacks):
    """Two filings with their checkpoints, and no target yet."""
    settings.ANCHOR_FILE = tmp_path / "anchor" / "checkpoints.jsonl"
    settings.ANCHOR_KEY_FILE = tmp_path / "anchor" / "key.pem"
    settings.ANCHOR_COPIES = settings.ANCHOR_URLS = settings.ANCHOR_MAIL = ()
    made.some_stores("jd-cslr")
    made.account("administrator", "administrator")
    for title in ("第一份", "第二份"):
        with django_capture_on_commit_callbacks(execute=True):
            made.filed(made.price_list(made.some_skus(2, title), title=title))
    return settings


@contextmanager
def listening(status=200, *, port=0):
    """A web server that keeps what is posted to it; yields (address, what came)."""
    came = []

    class Keeper(BaseHTTPRequestHandler):
        def do_POST(self):
            came.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Location", "http://localhost/elsewhere")
            self.end_headers()

        def log_message(self, *words):
            """Nothing is logged."""

    server = HTTPServer(("127.0.0.1", port), Keeper)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/anchor?key=secret", came
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def a_post_office(*answers):
    """A mail server of the least words; yields (port, the lines that came). ``answers`` are to messages, else yes."""
    lines = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            peer, _address = server.accept()
            with peer, peer.makefile("rwb") as talk:

                def say(text):
                    talk.write(text + b"\r\n")
                    talk.flush()

                say(b"220 here")
                in_message = False
                for line in talk:
                    lines.append(line)
                    if in_message and line == b".\r\n":
                        in_message = False
                        say(answers[0] if answers else b"250 yes")
                        continue
                    elif in_message:
                        continue
                    elif line.upper().startswith(b"DATA"):
                        in_message = True
                        say(b"354 go on")
                        continue
                    say(b"250 yes")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1], lines
        thread.join(5)


def test_the_checkpoints_go_once_a_day_to_file_address_and_mail(filed, tmp_path):
    copy = tmp_path / "elsewhere" / "copy.jsonl"
    with listening() as (url, came), a_post_office() as (port, lines):
        filed.ANCHOR_COPIES, filed.ANCHOR_URLS, filed.ANCHOR_MAIL = [str(copy)], [url], ["keeper@example.com"]
        filed.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        filed.EMAIL_HOST, filed.EMAIL_PORT = "127.0.0.1", port
        send_checkpoints()
        send_checkpoints()
    sent = filed.ANCHOR_FILE.read_bytes()
    assert copy.read_bytes() == sent
    assert came == [sent]
    assert b"".join(lines).count(b'filename="checkpoints.jsonl"') == 1
    assert not Notice.objects.filter(key__startswith="anchor").exists()


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_target_that_fails_is_tried_again_and_told_to_the_administrators_once_a_day(filed, status):
    with listening(status) as (url, came):
        filed.ANCHOR_URLS = [url]
        assert anchors.send_checkpoints() == ["127.0.0.1"]
        assert anchors.send_checkpoints() == ["127.0.0.1"]
    notice = Notice.objects.get(key__startswith="anchor")
    assert (notice.user.username, len(came)) == ("administrator", 2)
    assert "127.0.0.1" in notice.text
    assert "secret" not in notice.text


def test_a_target_that_is_away_leaves_the_others_theirs(filed, tmp_path):
    copy = tmp_path / "copy.jsonl"
    filed.ANCHOR_URLS, filed.ANCHOR_COPIES = ["http://127.0.0.1:9/", "ftp://example.com/"], [str(copy)]
    assert anchors.send_checkpoints() == ["127.0.0.1", "example.com"]
    assert copy.exists()


def test_a_day_later_they_go_again(filed, tmp_path):
    filed.ANCHOR_COPIES = [str(tmp_path / "copy.jsonl")]
    anchors.send_checkpoints()
    went(timedelta(days=1))
    made_before = (tmp_path / "copy.jsonl").stat().st_ino
    anchors.send_checkpoints()
    assert (tmp_path / "copy.jsonl").stat().st_ino != made_before


def test_a_good_copy_is_never_overwritten_by_a_shorter_or_other_file(filed, tmp_path):
    copy = tmp_path / "copy.jsonl"
    filed.ANCHOR_COPIES = [str(copy)]
    anchors.send_checkpoints()
    good = copy.read_bytes()
    CheckpointTarget.objects.all().delete()
    filed.ANCHOR_FILE.write_bytes(good.splitlines(keepends=True)[0])
    assert anchors.send_checkpoints() == [str(copy)]
    assert copy.read_bytes() == good


def by_mail(filed, port):
    filed.ANCHOR_MAIL = ["keeper@example.com"]
    filed.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    filed.EMAIL_HOST, filed.EMAIL_PORT = "127.0.0.1", port


def test_mail_that_is_refused_goes_again_and_says_why_until_then(filed):
    with a_post_office(b"554 no") as (port, _lines):
        by_mail(filed, port)
        assert anchors.send_checkpoints() == ["keeper@example.com"]
    (place,) = anchors.places()
    assert (place.reached_at, bool(place.error)) == (None, True)
    assert anchors.send_checkpoints() == ["keeper@example.com"], "nobody listens any more"
    with a_post_office() as (port, lines):
        by_mail(filed, port)
        assert anchors.send_checkpoints() == []
    (place,) = anchors.places()
    assert (place.sequence, place.error) == (ArchiveRecord.objects.count(), "")
    assert b'filename="checkpoints.jsonl"' in b"".join(lines)


def test_an_address_that_answers_again_gets_them_the_next_hour(filed):
    with listening(503) as (url, _came):
        filed.ANCHOR_URLS = [url]
        assert anchors.send_checkpoints()
    with listening(port=urlsplit(url).port) as (_url, came):
        assert anchors.send_checkpoints() == []
    assert came == [filed.ANCHOR_FILE.read_bytes()]


# ── What people see ───────────────────────────────────────────────────────────────────────────────────────────────


def went(ago):
    CheckpointTarget.objects.update(reached_at=timezone.now() - ago)


def tones(client):
    """Return the tones of the start page's and the screen's sentence about checkpoints."""
    start = client.get(reverse("admin:index")).context["banners"]
    found = [banner["tone"] for banner in start if banner["url"] == reverse("admin:checkpoints")]
    return found, client.get(reverse("admin:checkpoints")).context["state"].tone


@pytest.mark.parametrize("role", ["administrator", "auditor", "finance"])
def test_checkpoints_that_did_not_leave_for_a_day_are_told_on_the_start_page(
    filed, tmp_path, signed_in, role
):
    client = signed_in(roles=[role])
    assert tones(client) == (["warn"], "warn"), "no place is named"
    filed.ANCHOR_COPIES = [str(tmp_path / "copy.jsonl")]
    assert tones(client) == ([], "info"), "a new place has had none yet"
    anchors.send_checkpoints()
    assert tones(client) == ([], "ok")
    went(timedelta(hours=25))
    assert tones(client) == (["block"], "block")
    filed.ANCHOR_MAIL = ["keeper@example.com"]
    CheckpointTarget.objects.create(key=anchors.targets()[1].key, reached_at=timezone.now())
    assert tones(client) == (["warn"], "warn")


def test_a_place_that_fails_says_why_and_tells_no_secret(filed, signed_in):
    with listening(404) as (url, _came):
        filed.ANCHOR_URLS = [url]
        anchors.send_checkpoints()
    body = signed_in(roles=["auditor"]).get(reverse("admin:checkpoints")).content.decode()
    assert "404" in body
    assert "127.0.0.1" in body
    assert "secret" not in body


def test_less_than_a_day_lies_between_two_arrivals_while_all_goes_well():
    hourly = timedelta(hours=1)
    assert anchors.SENT_EVERY + hourly < anchors.LATE_AFTER


def forge_everything(settings):
    """Write the chain, the seals and the checkpoints anew, with a key of one's own: nothing here disagrees."""
    forge_the_whole_chain()
    with made.tampering("approvals_rowseal") as cursor:
        cursor.execute("DELETE FROM approvals_rowseal")
    rowseals.seal_rows()
    settings.ANCHOR_FILE.unlink()
    settings.ANCHOR_KEY_FILE.unlink()
    filing.write_checkpoint(filing.head_facts(ArchiveRecord.objects.latest("sequence")), begin=True)


def test_a_copy_shows_a_forgery_of_database_checkpoints_and_key(filed, tmp_path):
    filed.ANCHOR_COPIES = [str(tmp_path / "copy.jsonl")]
    verify.verify_archive()
    anchors.send_checkpoints()
    call_command("verify_archive", "--anchor", tmp_path / "copy.jsonl")
    forge_everything(filed)
    assert not verify.verify_archive().differs_in("checkpoints", "chain", "rows")
    with pytest.raises(CommandError):
        call_command("verify_archive", "--anchor", tmp_path / "copy.jsonl")
    differing = verify.verify_archive(copy=tmp_path / "copy.jsonl").differs_in("checkpoints")
    assert {one.number for one in differing} >= {ArchiveRecord.objects.get(sequence=1).number}


def test_a_copy_that_is_older_than_the_archive_is_no_fault_and_an_empty_one_is(filed, tmp_path):
    verify.verify_archive()
    first = filed.ANCHOR_FILE.read_bytes().splitlines(keepends=True)[0]
    (tmp_path / "old.jsonl").write_bytes(first)
    assert verify.verify_archive(copy=tmp_path / "old.jsonl").whole
    (tmp_path / "old.jsonl").write_bytes(b"")
    assert not verify.verify_archive(copy=tmp_path / "old.jsonl").whole
