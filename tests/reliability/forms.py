"""Every form of the site with what keeps it from acting twice or on something that has changed; and reading one."""

from html.parser import HTMLParser

HERE = "tests/reliability/test_forms.py"
FLOWS = "tests/approvals/test_flow_versions.py"

# Besides the key of the page (once.py), which holds for every address: "state": the row's state is asked under its
# lock; "hash": the digest of the content shown; "version": of the line; "seen": the digest of the fields shown, both
# versions are shown; "same": writing it again writes the same; "adds": the page's key alone.
KEPT_BY = {
    "account_end_sessions": "same",
    "account_reset_second_factor": "same",
    "account_unlock": "same",
    "archive_check_selected": "adds",
    "archive_check_start": "state",
    "archive_pack": "adds",
    "archive_prepare": "adds",
    "department_copy": "adds",
    "document_check": "same",
    "document_comment": "adds",
    "document_follow_up": "state",
    "document_reasons": "same",
    "document_submit": "hash",
    "document_withdraw": "state",
    "draft_discard": "state",
    "draft_header": "seen",
    "draft_line": "version",
    "draft_line_add": "state",
    "draft_lines_remove": "state",
    "execute_file": "same",
    "execute_receipt": "hash",
    "finding_accept": "state",
    "finding_confirm": "state",
    "finding_fix": "state",
    "finding_reopen": "state",
    "findings_check": "same",
    "friction_log": "adds",
    "guard_policy_answer": "state",
    "guard_policy_propose": "state",
    "hiring_request": "seen",
    "hiring_request_new": "adds",
    "import_again": "state",
    "import_discard": "state",
    "import_new": "adds",
    "import_retry": "state",
    "import_write": "hash",
    "job_retry": "state",
    "notice_open": "same",
    "notices_read": "same",
    "org_change_draft": "adds",
    "org_change_item": "state",
    "org_change_set_approval": "state",
    "org_change_set_confirm": "state",
    "org_change_set_copy": "adds",
    "org_change_set_discard": "state",
    "org_change_set_edit": "seen",
    "org_change_set_item": "state",
    "org_change_undo": "state",
    "org_chart_import": "adds",
    "org_model_start": "adds",
    "own_session_end": "same",
    "own_sessions_end": "same",
    "people_leave": "state",
    "pricelist_new": "adds",
    "profile": "same",
    "promotion_new": "adds",
    "recovery_codes_new": "adds",
    "reorganisation_new": "adds",
    "review_decide": "hash",
    "review_line": "version",
    "review_seen": "same",
    "role_second_factor": "same",
    "second_factor_passkey": "adds",
    "second_factor_remove": "state",
    "second_factor_totp": "adds",
    "storeteam_assign": "state",
    "workplan_copy": "adds",
    "workplan_edit": "seen",
    "workplan_import": "same",
    "workplan_new": "adds",
    "workplan_progress": "seen",
    "workplan_review": "seen",
}

# Forms of records and their lists, by the end of their name. Lists offer no action that writes; None: takes no form.
OF_RECORDS = {
    "_add": "adds",
    "_change": "seen",
    "_import": "adds",
    "_process_import": "same",
    **dict.fromkeys(("_changelist", "_delete", "_history", "_export")),
}
NO_SCREENS = {
    "approvals_flow_new_version": "state",
    "approvals_flowversion_publish": "state",
    "login": "same",
    "second_factor_ask": "same",
    "set_language": "same",
    **dict.fromkeys(("app_list", "autocomplete", "index", "password_change_done", "search")),
}

# After logout no form at all is taken: test_after_logout_no_form_is_taken. Sent by a page of another version:
# tests/opsadmin/test_old_forms.py, all forms.
TESTED_BY = {
    "adds": [
        f"{HERE}::test_six_clicks_on_new_make_one_draft_and_all_lead_to_it",
        f"{HERE}::test_a_form_sent_again_from_the_same_page_makes_nothing_more",
    ],
    "state": [
        f"{HERE}::test_pressed_again_on_a_page_that_is_no_longer_true_nothing_more_is_written_and_it_says_so",
        f"{FLOWS}::test_steps_saved_after_somebody_published_the_version_change_nothing_and_it_says_so",
    ],
    "hash": [f"{HERE}::test_a_decision_from_a_page_that_is_no_longer_true_is_refused_in_words"],
    "version": [f"{HERE}::test_a_stale_price_in_a_review_is_shown_beside_that_of_the_other"],
    "seen": [
        f"{HERE}::test_a_header_saved_late_shows_both_versions_and_then_yields_to_who_saves_again",
        f"{HERE}::test_a_plan_or_its_review_saved_late_shows_both_versions",
        f"{HERE}::test_the_header_of_a_set_of_changes_saved_late_shows_both_versions",
        f"{HERE}::test_a_record_saved_late_shows_both_versions",
        f"{FLOWS}::test_steps_saved_late_show_both_versions_and_then_yield_to_who_saves_again",
    ],
    "same": [f"{HERE}::test_a_form_sent_again_from_the_same_page_makes_nothing_more"],
}


class FormReader(HTMLParser):
    """The fields of the first form that holds the wanted field, as {name: value or [values]}."""

    def __init__(self, wanted):
        super().__init__()
        self.wanted, self.fields, self.found = wanted, None, None
        self.select = self.area = None

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        name, value = attrs.get("name"), attrs.get("value") or ""
        if tag == "form":
            self.fields = {}
        if self.fields is None or "disabled" in attrs:
            return
        if tag == "input" and name and attrs.get("type") not in {"submit", "file", "button"}:
            if attrs.get("type") not in {"checkbox", "radio"} or "checked" in attrs:
                self.fields.setdefault(name, []).append(value or ("on" if "checked" in attrs else ""))
        elif tag == "select":
            self.select = name
        elif tag == "option" and self.select and "selected" in attrs:
            self.fields.setdefault(self.select, []).append(value)
        elif tag == "textarea" and name:
            self.area = name
            self.fields[name] = [""]

    def handle_endtag(self, tag):
        if tag == "form" and self.fields is not None:
            if self.found is None and self.wanted in self.fields:
                self.found = self.fields
            self.fields = None
        elif tag == "select":
            self.select = None
        elif tag == "textarea":
            self.area = None

    def handle_data(self, data):
        if self.area and self.fields is not None:
            # A browser leaves out the line break that follows the tag.
            self.fields[self.area][0] += data.removeprefix("\r\n").removeprefix("\n")


def form_of(response, wanted):
    """Return what the form with this field would send, {name: [values]}."""
    reader = FormReader(wanted)
    reader.feed(response.content.decode())
    assert reader.found is not None, f"no form with {wanted}"
    return reader.found
