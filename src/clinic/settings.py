"""Django's settings, from what `clinic.environment` read.

Secrets are made on first start and kept in the data folder, readable by its owner alone. Debug is always off.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from urllib.parse import unquote, urlsplit

from csp.constants import NONE, SELF

from clinic import logs
from clinic.environment import here

PACKAGE = Path(__file__).parent
ENVIRONMENT = here()
DATA_DIR = ENVIRONMENT.data_dir
HOST = ENVIRONMENT.host
IS_BEHIND_TLS = ENVIRONMENT.is_behind_tls
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
    "clinic.logs.note_route",
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
    "clinic.web.frame.frame",
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
    # ASVS 5.0, 6.2.1 and 6.2.4: without a second factor a password has at least 15 characters and is not a common one.
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 15}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "sign-in"
SESSION_COOKIE_AGE = 60 * ENVIRONMENT.idle_minutes
# The age counts from the last request of a person, an idle limit: web.frame renews it, but not for a page that asks by
# itself.
SESSION_SAVE_EVERY_REQUEST = False
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_BEHIND_TLS
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
