"""The one settings file. Without any environment it is the embedded default: SQLite, in-process broker."""

import sys
from pathlib import Path

import django_stubs_ext
import environ
from django.core.exceptions import ImproperlyConfigured

from ecsportal.env import read_environment, writable
from ecsportal.faultruns import read_faults, read_lease
from ecsportal.headers import POLICY
from ecsportal.logs import logging_config
from ecsportal.ownkeys import own_encryption_keys, own_secret_key
from reinstall.domain.budgets import parse_rates
from reinstall.domain.signon import read_sign_on
from reinstall.domain.throttles import parse_limits

# Lets ModelAdmin and others carry the type they are about, at run time too.
django_stubs_ext.monkeypatch()

VERSION = "0.1.0"
BASE_DIR = Path(__file__).resolve().parent.parent
env = read_environment()

DEBUG = env.flag("ECSPORTAL_DEBUG")
DATA_DIR = Path(env.text("ECSPORTAL_DATA_DIR", str(BASE_DIR / "var"))).absolute()
DATABASE_URL = env.url(
    "ECSPORTAL_DATABASE_URL",
    f"sqlite:///{DATA_DIR / 'ecsportal.sqlite3'}",
    ("postgres", "postgresql", "sqlite"),
)
BROKER_URL = env.url(
    "ECSPORTAL_BROKER_URL", "memory://localhost/", ("memory", "redis", "rediss", "amqp", "amqps")
)
LIVE_REDIS_URL = env.url("ECSPORTAL_REDIS_URL", "", ("redis", "rediss"))
BASE_URL = env.origin("ECSPORTAL_BASE_URL")
ON_SQLITE = DATABASE_URL.startswith("sqlite")
TESTING = "pytest" in sys.modules
DEPLOYMENT_ID = env.text("ECSPORTAL_DEPLOYMENT_ID", "local")
ALLOW_PRIVATE_ENDPOINTS = env.flag("ECSPORTAL_ALLOW_PRIVATE_ENDPOINTS")
TRUST_PROXY = env.flag("ECSPORTAL_TRUST_PROXY")
FAULT_INJECTION = read_faults(env, DEPLOYMENT_ID)
#: Always shorter than the lease: whoever holds a job knows the outcome before another may claim it.
CALL_WALL_S = env.number("ECSPORTAL_CALL_WALL_S", 60, 5, 60)
#: So long the answer to a call is tried to be stored; after that, the job's traces have to be read.
STORE_WITHIN_S = 30.0
BREAKER = env.flag("ECSPORTAL_BREAKER", True)
#: Outside of the database on purpose: a restored database does not know what was done since.
HIGH_WATER_MARK = None if TESTING else DATA_DIR / "high-water-mark.json"
AUTO_NOT_APPLIED = env.flag("ECSPORTAL_AUTO_NOT_APPLIED")
SECOND_PERSON = env.choice("ECSPORTAL_SECOND_PERSON", "production", ("production", "always", "never"))
SECOND_FACTOR = env.choice("ECSPORTAL_SECOND_FACTOR", "real", ("real", "always", "never"))
try:
    SIGN_ON = read_sign_on(env.text("ECSPORTAL_OIDC"))
except ValueError as error:
    raise ImproperlyConfigured(f"ECSPORTAL_OIDC {error}.") from None
FORM_WAIT_S = env.number("ECSPORTAL_FORM_WAIT_S", 3, 0, 30)
KEEP_SECRETS_DAYS = env.number("ECSPORTAL_KEEP_SECRETS_DAYS", 30, 1, 3650)
LEASE_S = read_lease(env, DEPLOYMENT_ID)
#: Seconds from the end of one reading of a project's inventory to the next; 0: only when somebody asks.
SYNC_EVERY_S = env.number("ECSPORTAL_SYNC_EVERY_S", 300, 0, 86_400)
try:
    CALLS_PER_SECOND = parse_rates(env.items("ECSPORTAL_CALLS_PER_SECOND"))
except ValueError as error:
    raise ImproperlyConfigured(f"ECSPORTAL_CALLS_PER_SECOND: {error}.") from None
try:
    THROTTLES = parse_limits(env.items("ECSPORTAL_THROTTLES"))
except ValueError as error:
    raise ImproperlyConfigured(f"ECSPORTAL_THROTTLES: {error}.") from None

# ---------------------------------------------------------------- secrets
SECRET_KEY = env.text("ECSPORTAL_SECRET_KEY")
ENCRYPTION_KEYS = env.keys("ECSPORTAL_ENCRYPTION_KEYS")
#: Keys nobody gave: `check --deploy` names them.
MADE_HERE = [
    name
    for name, given in (("ECSPORTAL_SECRET_KEY", SECRET_KEY), ("ECSPORTAL_ENCRYPTION_KEYS", ENCRYPTION_KEYS))
    if not given
]
if ON_SQLITE:
    writable("ECSPORTAL_DATA_DIR", DATA_DIR)
    SECRET_KEY = SECRET_KEY or own_secret_key(DATA_DIR)
    ENCRYPTION_KEYS = ENCRYPTION_KEYS or own_encryption_keys(DATA_DIR)
if len(SECRET_KEY) < 32:
    raise ImproperlyConfigured("ECSPORTAL_SECRET_KEY is missing or shorter than 32 characters.")
if not ENCRYPTION_KEYS:
    raise ImproperlyConfigured(
        "ECSPORTAL_ENCRYPTION_KEYS is missing: write id:base64 of 32 random bytes, "
        "for example k1:$(head -c 32 /dev/urandom | base64)."
    )

# ---------------------------------------------------------------- who is answered
ALLOWED_HOSTS = env.hosts("ECSPORTAL_ALLOWED_HOSTS") or ["localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = [BASE_URL] if BASE_URL else []
_HTTPS = BASE_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _HTTPS
SESSION_COOKIE_NAME = "__Host-session" if _HTTPS else "ecsportal-session"
CSRF_COOKIE_NAME = "__Host-csrf" if _HTTPS else "ecsportal-csrf"
#: A session ends so long after its last request, and so long after the sign-in whatever is done with it.
SESSION_IDLE_S = 60 * env.number("ECSPORTAL_SESSION_IDLE_MIN", 30, 1, 1440)
SESSION_COOKIE_AGE = 3600 * env.number("ECSPORTAL_SESSION_HOURS", 12, 1, 168)
SECURE_HSTS_SECONDS = 31_536_000 if _HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _HTTPS
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if TRUST_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# Only a proxy says by which way a request came. Probes of this machine ask past it.
SECURE_SSL_REDIRECT = _HTTPS and TRUST_PROXY
SECURE_REDIRECT_EXEMPT = [r"^live$", r"^ready$", r"^metrics$"]
# Whether a domain goes on the list that browsers are shipped with is for its owner to decide.
SILENCED_SYSTEM_CHECKS = ["security.W021"]
CSRF_FAILURE_VIEW = "reinstall.web.stale.csrf_failure"
# One reinstall form: 32 KB of script, percent-encoded at worst three bytes each, and the rest.
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
CONTENT_SECURITY_POLICY = {"DIRECTIVES": POLICY}

# ---------------------------------------------------------------- parts
INSTALLED_APPS = [
    "ecsportal.adminconfig.PortalAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "csp",
    "lucide",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "ecsportal",
    "reinstall.apps.ReinstallConfig",
]
MIDDLEWARE = [
    "ecsportal.requestid.RequestIdMiddleware",
    # Outside of everything that may refuse: an error is a page too.
    "ecsportal.headers.BrowserHeadersMiddleware",
    "ecsportal.headers.ContentPolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "ecsportal.forwarded.ForwardedForMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "reinstall.web.errors.ErrorPageMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "reinstall.web.drafts.SignInFirst",
    "reinstall.web.stale.KeptForms",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
ROOT_URLCONF = "ecsportal.urls"
ASGI_APPLICATION = "ecsportal.asgi.application"
WSGI_APPLICATION = "ecsportal.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "reinstall.web.context.portal",
            ],
            "builtins": ["django.templatetags.static", "reinstall.templatetags.portal"],
        },
    }
]

# ---------------------------------------------------------------- database
DATABASES = {"default": environ.Env.db_url_config(DATABASE_URL)}
if ON_SQLITE:
    # Measured: without IMMEDIATE, WAL and a timeout four writers lose 15 to 80 % of their transactions.
    # FULL, not NORMAL: a committed intent must survive a power cut.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
    writable("ECSPORTAL_DATABASE_URL", Path(DATABASES["default"]["NAME"]).parent)
    # A file, not memory: tests start threads and processes that must see the same rows.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
else:
    # Asked before it is handed out: the server may have been started anew since.
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    DATABASES["default"]["OPTIONS"] = {"pool": {"min_size": 1, "max_size": 20, "timeout": 20}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# ---------------------------------------------------------------- people
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
# Of allauth its tables and its arithmetic are used; no page or address of its own is here.
ACCOUNT_EMAIL_VERIFICATION = "none"
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/servers/"
LOGOUT_REDIRECT_URL = "/sign-in/"

# ---------------------------------------------------------------- words, times, files
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True
USE_THOUSAND_SEPARATOR = False
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
# Files are served from where the packages keep them; no collect step stands between clone and first page.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
LOGGING_CONFIG = "logging.config.dictConfig"
LOGGING = logging_config(
    level=env.choice("ECSPORTAL_LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
    layout=env.choice("ECSPORTAL_LOG_FORMAT", "text", ("text", "json")),
)

# ---------------------------------------------------------------- queue: hints only, the row is the truth
CELERY_BROKER_URL = BROKER_URL
# Installations that share a broker do not read each other's hints.
CELERY_TASK_DEFAULT_QUEUE = f"ecsportal-{DEPLOYMENT_ID}"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"
# Celery would close the pool of connections before and after each task, under the threads that sweep:
# measured 10 ms a task. Tasks give their connection back themselves.
CELERY_DB_REUSE_MAX = sys.maxsize
# max_retries: a form that queues a hint never waits for a second try (measured: 6 s without it).
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"polling_interval": 0.05}
    if BROKER_URL.startswith("memory")
    else {
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
        "health_check_interval": 10,
        "retry_on_timeout": False,
        "max_retries": 0,
    }
    if BROKER_URL.startswith("redis")
    else {"connect_timeout": 2, "read_timeout": 5, "write_timeout": 5, "max_retries": 0}
)
CELERY_BEAT_SCHEDULE = {
    # Expires: a sweep that was not run in time is worth nothing, the next one sees the same rows.
    "sweep": {"task": "reinstall.sweep", "schedule": 1.0, "options": {"expires": 5}},
    "tidy": {"task": "reinstall.tidy", "schedule": 3600.0, "options": {"expires": 600}},
}

# ---------------------------------------------------------------- REST
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "reinstall.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["reinstall.api.authentication.SignedIn"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "reinstall.api.problems.problem_handler",
    "URL_FORMAT_OVERRIDE": None,
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "ecsportal",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    # Choices stand where they are used; named enums would get made-up names.
    "POSTPROCESSING_HOOKS": [],
}
