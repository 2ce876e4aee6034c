"""How does it run? The variables are those of README: HOST, PORT, DATA_DIR and so on.

Secrets are made on first start and kept in the data folder, readable by its owner alone. Debug is always off.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from urllib.parse import unquote, urlsplit

from csp.constants import NONE, SELF

PACKAGE = Path(__file__).parent
DATA_DIR = Path(os.environ.get("DATA_DIR") or "var").resolve()
HOST = os.environ.get("HOST") or "127.0.0.1"
IS_LOOPBACK = HOST in ("127.0.0.1", "localhost", "::1")
IS_BEHIND_TLS = os.environ.get("TLS_PROXY") == "1"
AUDIT_ANCHOR = Path(os.environ.get("AUDIT_ANCHOR") or DATA_DIR / "audit-anchor.log").resolve()
PUBLIC_URL = os.environ.get("PUBLIC_URL", "")  # as https://clinic.example, where a proxy hands requests on


def _number(name: str, standard: float, *, most: float) -> float:
    """A positive number out of the surroundings. Raises ValueError with one clear line."""
    given = os.environ.get(name) or str(standard)
    try:
        found = float(given)
    except ValueError:
        found = 0.0
    if not 0 < found <= most:
        raise ValueError(f"{name} {given!r}: give a number above 0, {most:g} at most; without it {standard:g} is used")
    return found


SECRET_FILE = DATA_DIR / "secret"


def _secret() -> str:
    """The installation's own key, which the command line makes on first start; elsewhere one for this moment."""
    return SECRET_FILE.read_text().strip() if SECRET_FILE.exists() else secrets.token_urlsafe(48)


def _database() -> dict[str, object]:
    url = os.environ.get("DATABASE_URL")
    if not url:
        # FULL: an acknowledged write survives a loss of power. IMMEDIATE: two writers queue instead of failing midway.
        first = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": DATA_DIR / "clinic.sqlite3",
            "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": first},
        }
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres"):
        raise ValueError("DATABASE_URL must begin with postgresql://; without it an SQLite file in DATA_DIR is used")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
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
    "clinic.web",
]
MIGRATION_MODULES = {"record": "clinic.migrations.record", "access": "clinic.migrations.access"}
AUTH_USER_MODEL = "access.Account"
DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

MIDDLEWARE = [
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
            "builtins": ["django.templatetags.i18n", "django.templatetags.static", "clinic.web.templatetags.clinic"],
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
IDLE_MINUTES = _number("IDLE_MINUTES", 15, most=60)  # access.stays locks, or ends, what has been idle for so long
SESSION_HOURS = _number("SESSION_HOURS", 12, most=24)  # and ends everything after so long
SESSION_COOKIE_AGE = int(SESSION_HOURS * 3600)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_BEHIND_TLS
if IS_BEHIND_TLS:
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-session", "__Host-csrf"  # only this host, only through TLS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "clinic.web.problems.page_too_old"
SECURE_HSTS_SECONDS = 31_536_000 if IS_BEHIND_TLS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if IS_BEHIND_TLS else None
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

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    # Django's own lines name the address, which names a person; web.problems logs faults by number and page instead.
    "loggers": {"django.request": {"level": "CRITICAL"}},
}
