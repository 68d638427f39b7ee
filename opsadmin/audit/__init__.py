"""The audit log: who did what, when, from where, on what, with what result; refusals too.

``AuditMiddleware`` writes it for every request, so that no view can be forgotten; ``words`` names actions for people;
``objects`` names what an action was about; ``screens`` shows it.
"""
