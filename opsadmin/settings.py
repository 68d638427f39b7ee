"""Settings of every installation; what differs between them comes from the environment (opsadmin/env.py)."""

import os
from pathlib import Path

from django.utils.translation import gettext_lazy as _

from opsadmin import env

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = env.folder("VAR_DIR", BASE_DIR / "var")

DEBUG = env.flag("DEBUG", False)
SECRET_KEY = env.secret_key("SECRET_KEY", VAR_DIR / "secret_key")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
PORT = env.number("PORT", 8000, low=1, high=65535)

INSTALLED_APPS = [
    "opsadmin.apps.OpsAdminConfig",
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.import_export",
    "unfold.contrib.simple_history",
    "opsadmin.apps.SiteConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "guardian",
    "import_export",
    "simple_history",
    "tree_queries",
    "axes",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_celery_beat",
    "opsadmin.core",
    "stores",
    "orgchart",
    "staffing",
    "approvals",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "opsadmin.core.downloads.WholeFilesMiddleware",
    "csp.middleware.CSPMiddleware",
    "opsadmin.core.middleware.HeadersMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "opsadmin.core.middleware.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "opsadmin.audit.recording.AuditMiddleware",
    "staffing.daily.NewDayMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "opsadmin.core.once.OnceMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "opsadmin.core.middleware.NoStoreMiddleware",
    "opsadmin.core.middleware.RefusalMiddleware",
    "opsadmin.errors.NotAllowedMiddleware",
    "opsadmin.proof.IdleMiddleware",
    "opsadmin.limits.LimitsMiddleware",
    "opsadmin.proof.InitialPasswordMiddleware",
    "opsadmin.proof.SecondFactorMiddleware",
    "opsadmin.proof.ProofMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "opsadmin.urls"
WSGI_APPLICATION = "opsadmin.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "builtins": ["opsadmin.core.templatetags.op"],
        },
    },
]

# The server gives up what a killed process or a lost machine has locked, also in the middle of a long statement.
DATABASE_SESSION = {
    "client_connection_check_interval": "1s",
    "tcp_keepalives_idle": 10,
    "tcp_keepalives_interval": 5,
    "tcp_keepalives_count": 3,
}
# A server that is gone without a word (power, network) is noticed: nobody waits for it longer than half a minute.
DATABASE_CONNECTION = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
DATABASES = {
    "default": {
        **env.database("DATABASE_URL"),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "ATOMIC_REQUESTS": False,
        "OPTIONS": {
            **DATABASE_CONNECTION,
            "options": " ".join(f"-c {name}={value}" for name, value in DATABASE_SESSION.items()),
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.broker("REDIS_URL")
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# Who decides does not wait for a broker that is away: the job is in the database, the sweeper sends it later.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    "socket_timeout": 5,
    "socket_connect_timeout": 1,
    "max_retries": 0,
    "interval_start": 0,
    "interval_step": 0,
}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = env.text("CELERY_QUEUE", "opsadmin")
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# What hangs is killed; its lease runs out and the next attempt begins.
CELERY_TASK_TIME_LIMIT = 3600
JOB_LEASE_SECONDS = env.number("JOB_LEASE_SECONDS", 20, low=2, high=600)
JOB_SWEEP_SECONDS = env.number("JOB_SWEEP_SECONDS", 10, low=1, high=600)
CELERY_TIMEZONE = "Asia/Shanghai"
CELERY_BEAT_SCHEDULER = "opsadmin.core.scheduler:Scheduler"
# How often each is rung. Which due time it is, and whose turn, the database says (core/tasks.py): what a lost message
# or a restart has left out of the hour or the day is caught up with at the next ring.
RING_SECONDS = 300.0
CELERY_BEAT_SCHEDULE = {
    "sweep jobs": {"task": "opsadmin.core.tasks.sweep_jobs", "schedule": float(JOB_SWEEP_SECONDS)},
    "check deadlines": {"task": "approvals.tasks.check_deadlines", "schedule": 60.0},
    "apply due changes": {"task": "orgchart.tasks.apply_due_changes", "schedule": 60.0},
    "sync store access": {"task": "staffing.tasks.sync_store_access", "schedule": RING_SECONDS},
    "check findings": {"task": "orgchart.tasks.check_findings", "schedule": RING_SECONDS},
    "tell of milestones": {"task": "staffing.tasks.tell_of_milestones", "schedule": RING_SECONDS},
    "forget sent forms": {"task": "opsadmin.core.tasks.forget_old_forms", "schedule": RING_SECONDS},
    "clean imports": {"task": "approvals.tasks.clean_imports", "schedule": RING_SECONDS},
    "seal rows": {"task": "approvals.tasks.seal_rows", "schedule": RING_SECONDS},
    "send checkpoints": {"task": "approvals.tasks.send_checkpoints", "schedule": RING_SECONDS},
    "verify the archive": {"task": "approvals.tasks.verify_archive_daily", "schedule": RING_SECONDS},
}
DJANGO_CELERY_BEAT_TZ_AWARE = True

# Codes that were used; the database keeps them for all web processes.
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "core_cache"},
}
AUTH_USER_MODEL = "core.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "opsadmin.backends.AccountBackend",
    "guardian.backends.ObjectPermissionBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "opsadmin.passwords.GuessableValidator"},
]
# Further words of the company that no password may lean on, and a sorted list of breached passwords' SHA-1.
PASSWORD_WORDS = env.words("PASSWORD_WORDS")
BREACHED_PASSWORDS = env.file("BREACHED_PASSWORDS")
if BREACHED_PASSWORDS:
    AUTH_PASSWORD_VALIDATORS.append(
        {"NAME": "opsadmin.passwords.BreachedValidator", "OPTIONS": {"path": BREACHED_PASSWORDS}}
    )
# How long a password that the administrator has set opens an account, to choose another one.
INITIAL_PASSWORD_HOURS = env.number("INITIAL_PASSWORD_HOURS", 72, low=1, high=720)
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
ANONYMOUS_USER_NAME = None
GUARDIAN_RAISE_403 = False
AXES_FAILURE_LIMIT = env.number("LOGIN_FAILURES", 8, low=3, high=100)
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_LOCKOUT_CALLABLE = "opsadmin.signin.locked_out"
# What stands beside "password" in no record of a failed attempt: a wrong one is often nearly the right one.
AXES_SENSITIVE_PARAMETERS = [
    *("proof_password", "proof_code", "code", "credential"),
    *("old_password", "new_password1", "new_password2"),
]
AXES_CLIENT_IP_CALLABLE = "opsadmin.core.addresses.client_address"
# A session ends after so long without a click, and in any case so many hours after the sign-in.
SESSION_IDLE_MINUTES = env.number("SESSION_IDLE_MINUTES", 120, low=5, high=720)
SESSION_HOURS = 12
PROVE_AGAIN_MINUTES = env.number("PROVE_AGAIN_MINUTES", 15, low=1, high=720)
# How many in how many seconds: signing in per address, the rest per account.
RATE_LIMITS = (
    {"signin": (120, 60), "code": (10, 60), "export": (60, 60), "upload": (30, 60)}
    if env.flag("RATE_LIMITS", True)
    else {}
)
# allauth brings the second factors only: nobody signs up, no mail is sent, and axes alone locks accounts.
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_RATE_LIMITS = False
MFA_ADAPTER = "opsadmin.factors.Adapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_TOLERANCE = 1
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
CSRF_FAILURE_VIEW = "opsadmin.errors.no_valid_form"

IMPORT_EXPORT_USE_TRANSACTIONS = True
IMPORT_EXPORT_SKIP_ADMIN_LOG = False
IMPORT_EXPORT_IMPORT_PERMISSION_CODE = "import"
IMPORT_EXPORT_EXPORT_PERMISSION_CODE = "export"
IMPORT_EXPORT_ESCAPE_FORMULAE_ON_EXPORT = True
SIMPLE_HISTORY_REVERT_DISABLED = True

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Chinese")), ("en", _("English"))]
USE_I18N = True
LOCALE_PATHS = [BASE_DIR / "opsadmin" / "locale", BASE_DIR / "opsadmin" / "locale_libraries"]
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
FORMAT_MODULE_PATH = ["opsadmin.formats"]

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
MEDIA_ROOT = env.folder("MEDIA_DIR", VAR_DIR / "media")
ANCHOR_FILE = Path(env.text("ANCHOR_FILE", str(VAR_DIR / "anchor" / "checkpoints.jsonl")))
ANCHOR_KEY_FILE = Path(env.text("ANCHOR_KEY_FILE", str(VAR_DIR / "anchor" / "signing_key.pem")))
ANCHOR_COPIES = env.words("ANCHOR_COPIES")
ANCHOR_URLS = env.words("ANCHOR_URLS")
ANCHOR_MAIL = env.words("ANCHOR_MAIL")
EMAIL_HOST = env.text("EMAIL_HOST", "localhost")
EMAIL_PORT = env.number("EMAIL_PORT", 25, low=1, high=65535)
EMAIL_HOST_USER = os.environ.get("EMAIL_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_PASSWORD", "")
EMAIL_USE_TLS = env.flag("EMAIL_TLS", False)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.text("EMAIL_FROM", "opsadmin@localhost")
PUBLIC_URL = env.text("PUBLIC_URL", f"http://localhost:{PORT}")
STORAGES = {
    "default": {"BACKEND": "opsadmin.core.storage.WholeFiles"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedStaticFilesStorage"
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
FILE_UPLOAD_PERMISSIONS = 0o640

HTTPS = env.flag("HTTPS", not DEBUG)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SECURE, LANGUAGE_COOKIE_HTTPONLY, LANGUAGE_COOKIE_SAMESITE = HTTPS, True, "Lax"
if HTTPS:
    # The browser takes such a cookie from this host only, over HTTPS only.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-session", "__Host-csrf"
    LANGUAGE_COOKIE_NAME = "__Host-language"
CSRF_COOKIE_HTTPONLY = True
# A passkey is bound to the address that people type; plain HTTP is for a laptop only.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS
SESSION_COOKIE_AGE = SESSION_HOURS * 3600
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.flag("BEHIND_PROXY", False) else None
PROXIES = env.number("PROXIES", 1 if SECURE_PROXY_SSL_HEADER else 0, low=0, high=9)
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Every page but those that the theme draws; what these need besides stands below.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "connect-src": ["'self'"],
        "font-src": ["'self'"],
        "worker-src": ["'none'"],
        "manifest-src": ["'self'"],
    }
}
# Alpine, which unfold brings, evaluates its expressions, and unfold writes its colours into the page.
CSP_OF_THE_THEME = {"script-src": ["'unsafe-eval'"], "style-src": ["'unsafe-inline'"]}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL", "INFO")},
    "loggers": {"axes": {"level": "WARNING"}, "django.request": {"level": "ERROR"}},
}

UNFOLD = {
    "SITE_TITLE": _("Store operations"),
    "SITE_HEADER": _("Store operations"),
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": False,
    "BORDER_RADIUS": "6px",
    "STYLES": ["opsadmin.site.stylesheet"],
    "SCRIPTS": ["opsadmin.site.script"],
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": "opsadmin.navigation.navigation",
    },
    "COLORS": {
        "base": {
            "50": "#f6f7f9",
            "100": "#eef0f3",
            "200": "#e3e7ec",
            "300": "#cdd3db",
            "400": "#98a2b0",
            "500": "#6b7685",
            "600": "#5b6675",
            "700": "#3b4654",
            "800": "#28323f",
            "900": "#1b2430",
            "950": "#0f151c",
        },
        "primary": {
            "50": "#eef8f8",
            "100": "#d5eeee",
            "200": "#aedddd",
            "300": "#7cc4c5",
            "400": "#45a3a6",
            "500": "#1f878b",
            "600": "#0e6f73",
            "700": "#0c5a5e",
            "800": "#0d484c",
            "900": "#0e3c40",
            "950": "#05262a",
        },
        "font": {
            "subtle-light": "var(--color-base-600)",
            "subtle-dark": "var(--color-base-400)",
            "default-light": "var(--color-base-700)",
            "default-dark": "var(--color-base-300)",
            "important-light": "var(--color-base-900)",
            "important-dark": "var(--color-base-50)",
        },
    },
}
