"""Django's settings, from what `clinic.environment` read.

Secrets are made on first start and kept in the data folder, readable by its owner alone. Debug is always off.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from urllib.parse import unquote, urlsplit

from csp.constants import NONE, SELF

from clinic import logs
from clinic.environment import LOOPBACK, here

PACKAGE = Path(__file__).parent
ENVIRONMENT = here()
DATA_DIR = ENVIRONMENT.data_dir
HOST = ENVIRONMENT.host
IS_BEHIND_TLS = ENVIRONMENT.is_behind_tls
AUDIT_ANCHOR = ENVIRONMENT.audit_anchor
PUBLIC_URL = ENVIRONMENT.public_url


SECRET_FILE = DATA_DIR / "secret"


def _secret() -> str:
    """The installation's own key, which the command line makes on first start; elsewhere one for this moment."""
    return SECRET_FILE.read_text().strip() if SECRET_FILE.exists() else secrets.token_urlsafe(48)


def _database() -> dict[str, object]:
    url = ENVIRONMENT.database_url
    if not url:
        # FULL: an acknowledged write survives a loss of power. IMMEDIATE: two writers queue instead of failing midway.
        first = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": DATA_DIR / "clinic.sqlite3",
            "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": first},
        }
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
    }


def _mail() -> dict[str, object]:
    """How Django's own mail reaches the server that MAIL_URL names."""
    parts = urlsplit(ENVIRONMENT.mail_url)
    is_tls = parts.scheme == "smtps"
    return {
        "EMAIL_HOST": parts.hostname or "",
        "EMAIL_PORT": parts.port or (465 if is_tls else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": is_tls,
        "EMAIL_USE_TLS": not is_tls and parts.hostname not in LOOPBACK,
    }


SECRET_KEY = _secret()
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]", *filter(None, (HOST, urlsplit(PUBLIC_URL).hostname))]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PUBLIC_URL else []
ROOT_URLCONF = "clinic.urls"
ASGI_APPLICATION = "clinic.asgi.application"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth.account",  # what allauth.mfa stands on; none of its pages has an address
    "allauth.mfa",
    "django_htmx",
    "heroicons",
    "clinic.record",
    "clinic.access",
    "clinic.practice",
    "clinic.web",
]
MIGRATION_MODULES = {name: f"clinic.migrations.{name}" for name in ("record", "access", "practice")}
AUTH_USER_MODEL = "access.Account"
DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

MIDDLEWARE = [
    "clinic.logs.note_route",
    "clinic.web.compressed.compressed",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "clinic.web.frame.frame",
    "clinic.web.lock.watch",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [PACKAGE / "web" / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "clinic.web.frame.surroundings",
            ],
            "builtins": [
                "django.templatetags.i18n",
                "django.templatetags.static",
                "clinic.web.templatetags.clinic",
                "clinic.web.templatetags.board",
            ],
            "libraries": {
                "heroicons": "heroicons.templatetags.heroicons",
                "django_htmx": "django_htmx.templatetags.django_htmx",
            },
            "string_if_invalid": "",
        },
    }
]
FORM_RENDERER = "django.forms.renderers.DjangoTemplates"

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [PACKAGE / "web" / "static"]
SERVESTATIC_ALLOW_ALL_ORIGINS = False
STORAGES = {"staticfiles": {"BACKEND": "servestatic.storage.CompressedManifestStaticFilesStorage"}}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
LOCALE_PATHS = [PACKAGE / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    # ASVS 5.0, 6.2.1 and 6.2.4: 15 characters, 8 beside a second factor, and not a common one.
    {"NAME": "clinic.access.sign_in.Length"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "sign-in"
# Sign-in is access.sign_in's; of allauth we take the tables and the arithmetic of second factors, nothing by mail.
ACCOUNT_USER_MODEL_EMAIL_FIELD = None
ACCOUNT_RATE_LIMITS = MFA_RATE_LIMITS = False  # access.throttle is the one place
MFA_ADAPTER = "clinic.access.sealed.SealedFactors"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_RECOVERY_CODE_DIGITS = 10
MAIL_FROM = ENVIRONMENT.mail_from if ENVIRONMENT.mail_url else ""  # empty: nothing leaves, and the page says so
EMAIL_TIMEOUT = 20
globals().update(_mail())
IDLE_MINUTES = ENVIRONMENT.idle_minutes  # access.stays locks, or ends, what has been idle for so long
SESSION_HOURS = ENVIRONMENT.session_hours  # and ends everything after so long
SESSION_COOKIE_AGE = int(SESSION_HOURS * 3600)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_BEHIND_TLS
if IS_BEHIND_TLS:
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-session", "__Host-csrf"  # only this host, only through TLS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "clinic.web.problems.page_too_old"
SECURE_HSTS_SECONDS = 31_536_000 if IS_BEHIND_TLS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ENVIRONMENT.tls_proxy else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024  # the largest form a person can fill in is a few kilobytes

LOGGING = logs.configuration(level=ENVIRONMENT.log_level, requests=ENVIRONMENT.log_requests)
