"""Names of actions for people. Every address that takes a POST has one; a test says which is missing."""

from django.apps import apps
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from opsadmin.audit.objects import model_of_the_admin

ACTIONS = {
    "login": gettext_lazy("sign in"),
    "logout": gettext_lazy("log out"),
    "second_factor_ask": gettext_lazy("sign in: second factor"),
    "second_factor": gettext_lazy("own second factor"),
    "second_factor_totp": gettext_lazy("set up an authenticator app"),
    "second_factor_passkey": gettext_lazy("add a passkey"),
    "second_factor_remove": gettext_lazy("remove a second factor"),
    "own_sessions_end": gettext_lazy("sign out on other devices"),
    "own_session_end": gettext_lazy("sign out on another device"),
    "recovery_codes": gettext_lazy("show recovery codes"),
    "recovery_codes_new": gettext_lazy("make new recovery codes"),
    "account_reset_second_factor": gettext_lazy("reset the second factor of an account"),
    "account_unlock": gettext_lazy("unlock an account"),
    "account_end_sessions": gettext_lazy("end the sessions of an account"),
    "role_second_factor": gettext_lazy("require a second factor of a role, or no more"),
    "password_change": gettext_lazy("change the own password"),
    "auth_user_password_change": gettext_lazy("set the password of an account"),
    "set_language": gettext_lazy("choose the language"),
    "profile": gettext_lazy("change the own settings"),
    "notices_read": gettext_lazy("mark notices as read"),
    "notice_open": gettext_lazy("open a notice"),
    "audit_export": gettext_lazy("export the audit log"),
    "review_decide": gettext_lazy("decide"),
    "review_line": gettext_lazy("change a line while deciding"),
    "review_seen": gettext_lazy("open a document to decide on"),
    "document_check": gettext_lazy("check a draft"),
    "document_comment": gettext_lazy("comment on a document"),
    "document_follow_up": gettext_lazy("draft a follow-up"),
    "document_reasons": gettext_lazy("give reasons"),
    "document_submit": gettext_lazy("submit a document"),
    "document_withdraw": gettext_lazy("withdraw a document"),
    "pricelist_new": gettext_lazy("new price list"),
    "pricelist_submit": gettext_lazy("submit a price list"),
    "promotion_new": gettext_lazy("new promotion"),
    "promotion_submit": gettext_lazy("submit a promotion"),
    "draft_discard": gettext_lazy("discard a draft"),
    "draft_export": gettext_lazy("export the lines of a draft"),
    "draft_header": gettext_lazy("change the header of a draft"),
    "draft_line": gettext_lazy("change a line of a draft"),
    "draft_line_add": gettext_lazy("add a line to a draft"),
    "draft_lines_remove": gettext_lazy("remove lines from a draft"),
    "import_new": gettext_lazy("upload a workbook"),
    "import_again": gettext_lazy("upload a workbook again"),
    "import_retry": gettext_lazy("read a workbook again"),
    "import_discard": gettext_lazy("discard an import"),
    "import_write": gettext_lazy("take over imported lines"),
    "import_faulty": gettext_lazy("download the faulty lines"),
    "lines_template": gettext_lazy("download the template"),
    "attachment": gettext_lazy("download an attachment"),
    "execute_file": gettext_lazy("fetch the file for a store"),
    "execute_receipt": gettext_lazy("give a receipt"),
    "receipt_file": gettext_lazy("download the proof of a receipt"),
    "archive_check_start": gettext_lazy("check the archive"),
    "archive_check_selected": gettext_lazy("check archive records"),
    "archive_prepare": gettext_lazy("prepare a package"),
    "archive_pack": gettext_lazy("pack archive records"),
    "archive_package": gettext_lazy("download a package"),
    "archive_part": gettext_lazy("download part of an archive record"),
    "archive_later": gettext_lazy("read a later archive record"),
    "archive_record": gettext_lazy("read an archive record"),
    "job_retry": gettext_lazy("run a job again"),
    "job_file": gettext_lazy("download the result of a job"),
    "price_voucher": gettext_lazy("print the voucher of a price"),
    "guard_policy_propose": gettext_lazy("propose new limits"),
    "guard_policy_answer": gettext_lazy("confirm or dismiss limits"),
    "approvals_flow_new_version": gettext_lazy("new version of a flow"),
    "approvals_flowversion_publish": gettext_lazy("publish a flow"),
    "hiring_request_new": gettext_lazy("new hiring request"),
    "hiring_request": gettext_lazy("change a hiring request"),
    "hiring_request_submit": gettext_lazy("submit a hiring request"),
    "reorganisation_new": gettext_lazy("new reorganisation"),
    "reorganisation_submit": gettext_lazy("submit a reorganisation"),
    "org_change_draft": gettext_lazy("draft a change of the chart"),
    "org_change_item": gettext_lazy("change the chart"),
    "org_change_undo": gettext_lazy("undo a change of the chart"),
    "org_change_set_edit": gettext_lazy("edit a reorganisation"),
    "org_change_set_item": gettext_lazy("edit one change of a reorganisation"),
    "org_change_set_approval": gettext_lazy("ask for approval of a reorganisation"),
    "org_change_set_confirm": gettext_lazy("confirm guessed positions"),
    "org_model_start": gettext_lazy("draft a department after a model"),
    "department_copy": gettext_lazy("copy a department"),
    "org_change_set_copy": gettext_lazy("copy a reorganisation"),
    "org_change_set_discard": gettext_lazy("discard a reorganisation"),
    "org_chart_import": gettext_lazy("import a chart"),
    "org_chart_pdf": gettext_lazy("export the chart as PDF"),
    "org_chart_xlsx": gettext_lazy("export the chart as a workbook"),
    "headcount_export": gettext_lazy("export the headcount plan"),
    "findings_check": gettext_lazy("check the organisation"),
    "finding_accept": gettext_lazy("accept a finding"),
    "finding_confirm": gettext_lazy("confirm an accepted finding"),
    "finding_reopen": gettext_lazy("reopen a finding"),
    "finding_fix": gettext_lazy("draft what mends a finding"),
    "friction_log": gettext_lazy("note a quarrel over a hand-off"),
    "people_leave": gettext_lazy("let somebody leave"),
    "storeteam_assign": gettext_lazy("put somebody in charge of a store"),
    "storeteam_export": gettext_lazy("export the store duties"),
    "workplan_new": gettext_lazy("new work plan"),
    "workplan_edit": gettext_lazy("edit a work plan"),
    "workplan_progress": gettext_lazy("report progress of a work plan"),
    "workplan_review": gettext_lazy("review a work plan"),
    "workplan_copy": gettext_lazy("copy a work plan"),
    "workplan_import": gettext_lazy("import a work plan"),
    "workplan_export": gettext_lazy("export a work plan"),
    "workplans": gettext_lazy("export work plans"),
}
# What the admin site calls an address that it does not have.
NO_ADDRESS = "django.contrib.admin.sites.catch_all_view"
VERBS = {
    "add": pgettext_lazy("audit", "new"),
    "change": pgettext_lazy("audit", "change"),
    "delete": pgettext_lazy("audit", "delete"),
    "changelist": pgettext_lazy("audit", "list"),
    "history": pgettext_lazy("audit", "history"),
    "import": pgettext_lazy("audit", "import"),
    "process_import": pgettext_lazy("audit", "import"),
    "export": pgettext_lazy("audit", "export"),
}


def words(action):
    """Return an action in words; the name of the address itself where it has none."""
    if not action or action == NO_ADDRESS:
        return _("unknown address")
    if action in ACTIONS:
        return str(ACTIONS[action])
    model, verb = model_of_the_admin(action), action.rpartition("_")[2]
    if action.endswith("_process_import"):
        model = model_of_the_admin(action.removesuffix("_process_import") + "_import")
    if model is None or verb not in VERBS:
        return action
    return _("%(object)s: %(verb)s") % {"object": model._meta.verbose_name, "verb": VERBS[verb]}


def actions_named(text):
    """Return the names of addresses whose words hold the text: what a search for an action looks for."""
    wanted = text.casefold()
    own = [name for name, label in ACTIONS.items() if wanted in str(label).casefold()]
    admin = [
        f"{model._meta.app_label}_{model._meta.model_name}_{verb}"
        for model in apps.get_models()
        for verb in VERBS
    ]
    return own + [name for name in admin if wanted in words(name).casefold()]
