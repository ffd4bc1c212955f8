"""The Glue API for jobs on a cluster: signed requests with the standard library alone, since a cluster's Python need not have boto3.

Where it stands: catalog.py asks here when no engine serves the catalog.  Endpoint, region and key are those of AWS's own environment variables.
Invariant: the secret goes into the signature only.  Signature: AWS documentation, "Signature Version 4 signing process"; protocol: AWS JSON 1.1.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import http.client
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Iterator

from awsglue.errors import GlueException

__all__ = ["GlueApi", "GlueApiError"]

_ATTEMPTS = 4
_SECONDS = 60


class GlueApiError(GlueException):
    """An error that the service answered; code is its class, such as EntityNotFoundException."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


def _sign(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class GlueApi:
    """Calls by the environment's key."""

    def __init__(self) -> None:
        variables = os.environ
        self._region = variables.get("AWS_REGION") or variables.get("AWS_DEFAULT_REGION") or "us-east-1"
        self._endpoint = variables.get("AWS_ENDPOINT_URL_GLUE") or variables.get("AWS_ENDPOINT_URL") or f"https://glue.{self._region}.amazonaws.com"
        self._key, self._secret, self._token = (variables.get(f"AWS_{name}", "") for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"))
        if not self._key or not self._secret:
            raise GlueException("the Data Catalog needs a key: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set")

    def _headers(self, target: str, body: bytes) -> dict[str, str]:
        """What the request is sent with, signed."""
        now = datetime.datetime.now(datetime.timezone.utc)
        stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
        signed = {"content-type": "application/x-amz-json-1.1", "host": urllib.parse.urlsplit(self._endpoint).netloc, "x-amz-date": stamp, "x-amz-target": target}
        if self._token:
            signed["x-amz-security-token"] = self._token
        names = ";".join(sorted(signed))
        lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
        request = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
        scope = f"{day}/{self._region}/glue/aws4_request"
        key = f"AWS4{self._secret}".encode()
        for part in scope.split("/"):
            key = _sign(key, part)
        signature = _sign(key, f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}").hex()
        return {**signed, "authorization": f"AWS4-HMAC-SHA256 Credential={self._key}/{scope}, SignedHeaders={names}, Signature={signature}"}

    def call(self, operation: str, **members: Any) -> dict[str, Any]:
        """The operation's output. GlueApiError: the service refused; GlueException: it could not be reached."""
        body = json.dumps(members).encode()
        for attempt in range(1, _ATTEMPTS + 1):
            request = urllib.request.Request(self._endpoint.rstrip("/") + "/", body, self._headers(f"AWSGlue.{operation}", body))
            try:
                with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
                    return dict(json.load(answer))
            except urllib.error.HTTPError as e:
                if e.code < 500 or attempt == _ATTEMPTS:
                    raise _refusal(e) from None
            except (OSError, http.client.HTTPException, ValueError) as e:  # the last: an answer that is no JSON
                if attempt == _ATTEMPTS:
                    raise GlueException(f"the Data Catalog at {self._endpoint} can't be reached: {e}") from None
            time.sleep(0.2 * 2**attempt)
        raise AssertionError("not reached")

    def pages(self, operation: str, member: str, **members: Any) -> Iterator[Any]:
        """The items of a paged list."""
        token: str | None = None
        while True:
            page = self.call(operation, **members, **({"NextToken": token} if token else {}))
            yield from page.get(member) or []
            token = page.get("NextToken")
            if not token:
                return


def _refusal(error: urllib.error.HTTPError) -> GlueApiError:
    """The error of an answer: its class stands behind a # in __type."""
    try:
        content = json.loads(error.read())
    except ValueError:
        content = {}
    code = str(content.get("__type") or error.code).rsplit("#", 1)[-1]
    return GlueApiError(code, str(content.get("Message") or content.get("message") or error.reason))
