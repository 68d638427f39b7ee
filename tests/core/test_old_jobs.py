"""Work that another version of the program ordered: done where it is understood, else it fails with its reason."""

from opsadmin.celery import app
from opsadmin.core import jobs
from opsadmin.core.models import Job, JobState
from tests.services import wait_for

# Their work is about nothing in particular, so that an order says nothing.
WITHOUT_PAYLOAD = {"verify_archive"}


def order(kind, payload):
    job = jobs.enqueue(kind, payload)
    return job.pk


def ended(pk):
    return Job.objects.filter(pk=pk, state__in=[JobState.DONE, JobState.FAILED]).first()


def test_work_that_is_not_understood_fails_with_its_reason_and_the_worker_goes_on(worker):
    for name, args in {
        "opsadmin.core.tasks.mend_prices": [1],
        "opsadmin.core.tasks.run_job": [],
        "opsadmin.core.tasks.sweep_jobs": [1, 2, 3],
        "orgchart.tasks.check_findings": ["now", "all"],
    }.items():
        app.send_task(name, args)
    app.send_task("opsadmin.core.tasks.run_job", ["seven"])
    unknown = [order("mend_prices", {"list": 7}), order("", {})]
    lacking = [order(kind, {"of_old": 1}) for kind in sorted(jobs.HANDLERS.keys() - WITHOUT_PAYLOAD)]
    lacking.append(order("read_lines", [7]))
    known = order("verify_archive", {"of_old": 1})
    wait_for(lambda: all(map(ended, [*unknown, *lacking, known])), "a job was never ended")
    for pk in unknown:
        assert "此版本不认识" in ended(pk).error
    for pk in lacking:
        assert "另一版本" in ended(pk).error, (ended(pk).kind, ended(pk).error)
    assert ended(known).state == JobState.DONE, ended(known).error
    assert not worker.has_ended()
