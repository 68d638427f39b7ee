"""No room for files or for temporary files: refused in words, nothing half kept, and later it works.

Disks of 32 MB are mounted where that is allowed; elsewhere no file may grow above a megabyte, which the same code meets
as the same kind of error.
"""

import tempfile
from contextlib import ExitStack, nullcontext

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse

from approvals.archive import packaging
from approvals.models import ArchiveRecord, Attachment, Comment
from opsadmin.core import jobs
from opsadmin.core.models import Job, JobState, StoredFile
from opsadmin.local import servers, services
from tests.approvals import filings as made
from tests.approvals.world import draft_price_list, make_world
from tests.reliability.disks import MEGABYTE, can_mount, filled, small_disk
from tests.reliability.visiting import Visitor

UPLOAD = b"\xe7\x93\xb7" * MEGABYTE


@pytest.fixture
def disks(tmp_path):
    """Two disks of 32 MB, for files and for temporary files; None where nothing can be mounted."""
    if not can_mount(tmp_path / "try"):
        yield None
        return
    with ExitStack() as stack:
        yield [stack.enter_context(small_disk(tmp_path / name)) for name in ("media", "tmp")]


@pytest.fixture
def narrow_site(disks, start_service, transactional_db, tmp_path):
    """The site with these disks, or with a limit on the size of files."""
    port = servers.free_port()
    words, changes = services.web(port, workers=1, threads=2), {}
    if disks:
        changes = {"MEDIA_DIR": str(disks[0]), "TMPDIR": str(disks[1])}
    else:
        words = ["prlimit", f"--fsize={MEGABYTE}", *words]
    child = start_service(f"narrow-{port}", words, **changes)
    assert services.wait_for_web(child, port), child.tail()
    return f"http://{services.HOST}:{port}"


def upload(visitor, document, content=UPLOAD):
    path = reverse("admin:document_comment", args=[document.pk])
    return visitor.upload(path, "说明.txt", content, field="files", data={"text": "见附件"})


def kept_files(disks):
    return [path.name for path in disks[0].rglob("*") if path.is_file()] if disks else []


def test_an_upload_for_which_there_is_no_room_is_refused_and_leaves_nothing(narrow_site, disks):
    world = make_world()
    document = draft_price_list(world, ("95",))
    visitor = Visitor(narrow_site, world["product_strategy"])
    for full in range(2):
        with filled(disks[full], but=MEGABYTE) if disks else nullcontext():
            answer = upload(visitor, document)
            assert answer.status == 507 and "no room" in answer.text
            assert visitor.get("/inbox/").status == 200
            assert not (
                Comment.objects.exists() or Attachment.objects.exists() or StoredFile.objects.exists()
            )
            assert [name for name in kept_files(disks) if name != "ballast"] == []
    assert upload(visitor, document, UPLOAD if disks else b"x").status == 302
    assert Attachment.objects.get().file.file.name and Comment.objects.count() == 1


def test_a_job_for_whose_temporary_files_there_is_no_room_fails_in_words_and_can_be_run_again(
    disks, transactional_db, monkeypatch
):
    if disks is None:
        monkeypatch.setattr(tempfile, "tempdir", "/proc/self/nowhere")
    made.some_stores("jd-cslr")
    made.filed(made.price_list(made.some_skus(2)))
    by = made.account("finance", "finance")
    job = packaging.order_bundle(ArchiveRecord.objects.all(), by=by, name="a.zip")
    if disks:
        monkeypatch.setattr(tempfile, "tempdir", str(disks[1]))
    with filled(disks[1]) if disks else nullcontext():
        jobs.run(job.pk)
    job = Job.objects.get(pk=job.pk)
    assert job.state == JobState.FAILED and job.error
    assert not disks or "空间" in job.error
    monkeypatch.undo()
    jobs.retry(job.pk, by=by)
    jobs.run(job.pk)
    job.refresh_from_db()
    assert job.state == JobState.DONE and default_storage.size(job.result["path"]) == job.result["size"]


def test_a_file_takes_its_name_only_when_all_of_it_is_on_disk(settings, tmp_path):
    """A copy that breaks off leaves the file that was there before, and nothing else."""

    class BreaksOff(ContentFile):
        def chunks(self, chunk_size=None):
            yield b"half"
            raise OSError(28, "No space left on device")

    settings.MEDIA_ROOT = tmp_path
    assert default_storage.save("packages/a.zip", ContentFile(b"whole")) == "packages/a.zip"
    with pytest.raises(OSError, match="No space"):
        default_storage.save("packages/a.zip", BreaksOff(b"other"))
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["a.zip"]
    assert (tmp_path / "packages" / "a.zip").read_bytes() == b"whole"
    default_storage.save("packages/a.zip", ContentFile(b"newer"))
    assert (tmp_path / "packages" / "a.zip").read_bytes() == b"newer"
