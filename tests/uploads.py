"""What comes of an upload: its job is run here, and the page is fetched that its browser would be led to."""

from django.urls import resolve

from opsadmin.core import jobs


def ordered(answer):
    """Return the key of the job that an upload has ordered, None where it was refused at once."""
    found = resolve(answer.url) if answer.status_code == 302 else None
    return found.kwargs["pk"] if found and found.url_name == "job" else None


def finished(client, answer):
    """Run the job that an upload has ordered and return the page that shows what came of it."""
    pk = ordered(answer)
    if pk is None:
        return answer
    jobs.run(pk)
    return client.get(answer.url, follow=True)
