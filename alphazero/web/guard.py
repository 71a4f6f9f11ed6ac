"""Who may ask: this machine's own page, and nobody through another site's.

A page of another site can make a browser send requests here. They are refused by their Origin, by Sec-Fetch-Site, and by the name
that was asked for (DNS rebinding). A server that others can reach has a token, which the address brings and a cookie keeps.
"""

from __future__ import annotations

import hmac
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OWN_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
# No script, style or font but ours; nothing is asked of another host; no other page may frame this one.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """ASGI middleware. names: the hosts by which the server may be asked; None: any, and a token is needed."""

    def __init__(self, app: ASGIApp, names: frozenset[str] | None = OWN_NAMES, token: str = "", cookie: str = ""):
        self.app = app
        self.names = names
        self.token = token
        self.cookie = cookie or "alphazero"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal and scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": refusal})
            return
        if refusal:
            await PlainTextResponse(refusal + "\n", 403, HEADERS)(scope, receive, send)
            return
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        if self.token and "token" in query and scope["type"] == "http" and scope["method"] == "GET":
            query.pop("token")
            clean = "/" + scope["path"].lstrip("/") + (f"?{urlencode(query)}" if query else "")
            answer = RedirectResponse(clean, 303, HEADERS)
            answer.set_cookie(self.cookie, self.token, httponly=True, samesite="strict")
            await answer(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, with_headers)

    def _refusal(self, scope: Scope) -> str:
        """Why a request is refused; "" where it is not."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self.names is not None and _name(host) not in self.names:
            return "this page is served under its own name only: open http://127.0.0.1 with the port that was printed"
        origin = headers.get("origin")
        secure = scope.get("scheme") in ("https", "wss")  # behind a proxy that says so
        if origin is not None and origin != f"{'https' if secure else 'http'}://{host}":
            return "a request from another origin is refused"
        site = headers.get("sec-fetch-site", "same-origin")
        opened = headers.get("sec-fetch-mode") == "navigate" and scope.get("method") == "GET"
        if site not in ("same-origin", "none") and not opened:
            return "a request from another site is refused"
        if self.token and not self._knows_token(scope, headers):
            return "this page needs the token of the address that `alphazero serve` printed"
        return ""

    def _knows_token(self, scope: Scope, headers: Headers) -> bool:
        given = [value for key, value in parse_qsl(scope["query_string"].decode("latin-1")) if key == "token"]
        try:
            kept = SimpleCookie(headers.get("cookie", "")).get(self.cookie)
        except CookieError:
            kept = None
        given += [kept.value] if kept is not None else []
        return any(hmac.compare_digest(each.encode("utf-8", "replace"), self.token.encode()) for each in given)


def _name(host: str) -> str:
    """A Host header without its port."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdecimal() else host).lower()
