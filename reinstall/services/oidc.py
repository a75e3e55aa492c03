"""OpenID Connect, code flow with PKCE: sends a person to the identity provider, reads what it says of them.

The discovery document has to name the issuer that is set up. The ID token counts when it is signed by one of
the issuer's keys, for this client, for the question that was asked in this browser, and now.
"""

import logging
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.oauth2.utils import generate_code_challenge
from django.utils.crypto import constant_time_compare

from reinstall.domain.errors import RuleBroken
from reinstall.domain.signon import SignOn

log = logging.getLogger(__name__)

#: Signatures by a key only the issuer has; "none" and shared secrets are not among them.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384"]
LEEWAY_S = 30
#: So old a sign-in at the provider may be to count as a fresh proof.
FRESH_S = 300
_SAID = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class NotSignedIn(RuleBroken):
    """The provider, or what it said, did not do. The log has the cause; the person gets one sentence."""

    def __init__(self, sign_on: SignOn, cause: object) -> None:
        log.warning("single sign-on refused: %s", cause)
        super().__init__(f"Signing in with {sign_on.name} did not work. Try again, or use a password.")


@dataclass(frozen=True, slots=True)
class Question:
    """What the browser keeps until it comes back. again: the person has to sign in anew at the provider."""

    state: str
    nonce: str
    verifier: str
    again: bool


@dataclass(frozen=True, slots=True)
class Claims:
    """What a good ID token says. strong: the provider asked for a second factor."""

    subject: str
    username: str
    email: str
    groups: tuple[str, ...]
    strong: bool


def ask(*, sign_on: SignOn, callback: str, again: bool) -> tuple[str, Question]:
    """Where the browser goes, and what it keeps. Raises NotSignedIn."""
    challenge = generate_code_challenge()
    question = Question(
        secrets.token_urlsafe(32), secrets.token_urlsafe(32), challenge["code_verifier"], again
    )
    query = {
        "response_type": "code",
        "client_id": sign_on.client_id,
        "redirect_uri": callback,
        "scope": "openid profile email",
        "state": question.state,
        "nonce": question.nonce,
        "code_challenge": challenge["code_challenge"],
        "code_challenge_method": "S256",
    }
    if again:
        query |= {"prompt": "login", "max_age": "0"}
    return f"{_discovered(sign_on)['authorization_endpoint']}?{urlencode(query)}", question


def answer(*, sign_on: SignOn, callback: str, question: Question, code: str, now: datetime) -> Claims:
    """What the provider says of the person, for the code it gave the browser. Raises NotSignedIn."""
    document = _discovered(sign_on)
    token = _exchanged(sign_on, document["token_endpoint"], callback, question, code)
    claims = _checked(sign_on, document["jwks_uri"], token)
    if not constant_time_compare(str(claims["nonce"]), question.nonce):
        raise NotSignedIn(sign_on, "the nonce is not the one that was sent")
    if question.again and now.timestamp() - _number(claims.get("auth_time")) > FRESH_S:
        raise NotSignedIn(sign_on, "the person was not asked to sign in anew")
    return _claims(sign_on, claims)


def _discovered(sign_on: SignOn) -> dict[str, Any]:
    document = _fetched(sign_on, f"{sign_on.issuer.rstrip('/')}/.well-known/openid-configuration")
    if document.get("issuer") != sign_on.issuer:
        raise NotSignedIn(sign_on, "the discovery document is of another issuer")
    scheme = urlsplit(sign_on.issuer).scheme
    wrong = [name for name in _SAID if urlsplit(str(document.get(name, ""))).scheme != scheme]
    if wrong:
        raise NotSignedIn(sign_on, f"the discovery document has no usable {', '.join(wrong)}")
    return document


def _exchanged(sign_on: SignOn, url: str, callback: str, question: Question, code: str) -> str:
    body = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": callback,
        "client_id": sign_on.client_id,
        "client_secret": sign_on.client_secret,
        "code_verifier": question.verifier,
    }
    token = _fetched(sign_on, url, body).get("id_token")
    if not isinstance(token, str):
        raise NotSignedIn(sign_on, "the token endpoint gave no ID token")
    return token


def _fetched(sign_on: SignOn, url: str, body: dict[str, str] | None = None) -> dict[str, Any]:
    """A JSON object. No redirect is followed: code and secret go to the address that was discovered."""
    try:
        with get_adapter().get_requests_session() as session:
            session.trust_env = False
            way = "GET" if body is None else "POST"
            got = session.request(way, url, data=body, allow_redirects=False)
            if got.status_code != 200:
                raise NotSignedIn(sign_on, f"{way} {url} answered {got.status_code}")
            document = got.json()
    except (OSError, ValueError) as error:
        raise NotSignedIn(sign_on, f"{url}: {type(error).__name__}") from None
    if not isinstance(document, dict):
        raise NotSignedIn(sign_on, f"{url} gave no object")
    return document


def _checked(sign_on: SignOn, keys_url: str, token: str) -> dict[str, Any]:
    try:
        head = jwt.get_unverified_header(token)
        keys = jwt.PyJWKSet.from_dict(_fetched(sign_on, keys_url)).keys
        fitting = [key for key in keys if "kid" not in head or key.key_id == head["kid"]]
        if len(fitting) != 1:
            raise NotSignedIn(sign_on, "no key of the issuer fits the token")
        claims: dict[str, Any] = jwt.decode(
            token,
            fitting[0],
            algorithms=ALGORITHMS,
            audience=sign_on.client_id,
            issuer=sign_on.issuer,
            leeway=LEEWAY_S,
            options={"require": ["exp", "iat", "iss", "aud", "sub", "nonce"]},
        )
    except jwt.PyJWTError as error:
        raise NotSignedIn(sign_on, f"the ID token: {type(error).__name__}") from None
    if claims.get("azp", sign_on.client_id) != sign_on.client_id:
        raise NotSignedIn(sign_on, "the ID token was made for another client")
    return claims


def _claims(sign_on: SignOn, claims: dict[str, Any]) -> Claims:
    groups = claims.get(sign_on.groups_claim) or []
    named = claims.get("preferred_username") or claims.get("email") or claims["sub"]
    return Claims(
        subject=str(claims["sub"]),
        username=str(named),
        email=str(claims.get("email") or ""),
        groups=tuple(str(group) for group in groups) if isinstance(groups, list) else (str(groups),),
        strong="mfa" in (claims.get("amr") or []),
    )


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
