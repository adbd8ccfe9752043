"""A customer's web site for the browser: pages with forms, where they post to, and bad weather.

Its pages say what a strict site says of scripts and connections, so that what works here
works under a content security policy.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Final
from urllib.parse import parse_qsl

from starlette.types import Message, Receive, Scope, Send

from service.forms.embed import script

__all__ = ["HUBSPOT", "LEAD_FORM", "PROGRESSIVE", "Site", "weather"]

LEAD_FORM: Final = """
<form data-goodfit method="post" action="/thanks">
  <label for="email">E-mail</label><input id="email" name="email" required>
  <label for="fleet">Vehicles</label>
  <input id="fleet" name="fleet" data-goodfit-attribute="vehicles" inputmode="numeric">
  <label for="note">Note</label><textarea id="note" name="note"></textarea>
  <button name="send" value="now">Send</button>
</form>"""

PROGRESSIVE: Final = """
<form data-goodfit data-goodfit-mode="progressive" method="post" action="/thanks">
  <label for="email">E-mail</label><input id="email" name="email" required>
  <label for="country">Country</label><select id="country" name="country">
    <option></option><option>DE</option><option>FR</option></select>
  <p data-goodfit-question="has_budget"><label for="has_budget">Budget</label>
    <select id="has_budget" name="has_budget" required>
    <option></option><option value="yes">Yes</option><option value="no">No</option></select></p>
  <p data-goodfit-question="seniority"><label for="seniority">Role</label>
    <select id="seniority" name="seniority" required><option></option>
    <option>individual</option><option>manager</option><option>director</option>
    <option>vp</option></select></p>
  <p data-goodfit-question="vehicles"><label for="vehicles">Fleet</label>
    <input id="vehicles" name="vehicles" required></p>
  <button>Send</button>
</form>"""

HUBSPOT: Final = """
// What HubSpot's scripts do, as far as a page can see it.
window.told = [];
window.addEventListener("goodfit:decision", function (e) { window.told.push(e.detail.verdict); });
var values = {}, kind = document.body.dataset.kind, form = document.querySelector("form");
var hub = {
  getFormId: function () { return "f-1"; },
  getFormFieldValues: function () {
    var told = [{ name: "0-1/email", value: "hs4@gmail.com" },
      { name: "0-2/vehicles", value: "1" }];
    if (form) told = Array.from(new FormData(form)).map(function (pair) {
      return { name: pair[0], value: pair[1] }; });
    return Promise.resolve(told);
  },
  setFieldValue: function (name, given) { values[name] = given[0]; }
};
if (kind.indexOf("new") === 0) window.HubSpotFormsV4 = {
  getFormFromEvent: function () { return hub; },
  getForms: function () { return form ? [hub] : []; }
};
function said(name) { window.dispatchEvent(new CustomEvent("hs-form-event:" + name)); }
function called(name, data) {
  window.postMessage({ type: "hsFormCallback", eventName: name, id: "f-1", data: data }, "*"); }
function sent(body) {
  return fetch("/thanks", { method: "POST", body: new URLSearchParams(body) }).then(function () {
    if (kind.indexOf("new") === 0) said("on-submission:success");
    else called("onFormSubmitted", { submissionValues: body });
    document.title = "sent";
  });
}
if (form) form.addEventListener("submit", function (event) {
  event.preventDefault();
  sent(Object.assign(Object.fromEntries(new FormData(form)), values));
});
window.sendFromFrame = function () { return sent({ email: "hsf@gmail.com", vehicles: "1" }); };
setTimeout(function () {
  if (kind.indexOf("new") === 0) said("on-ready"); else called("onFormReady", {});
  document.title = "ready";
}, 0);
"""
_HUBSPOT_FORM: Final = """
<form id="hsForm_f-1" data-form-id="f-1"><label>E-mail <input name="email"></label>
<label>Vehicles <input name="{prefix}vehicles"></label><button>Send</button></form>"""


@dataclass
class Site:
    """The pages and what was posted to them. *scripts* by name are what a page loads."""

    scripts: dict[str, str] = field(default_factory=dict)
    sources: str = ""
    posted: list[dict[str, str]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope["path"]
        if scope["method"] == "POST":
            body = b""
            while True:
                message: Message = await receive()
                body += message.get("body", b"")
                if not message.get("more_body"):
                    break
            if path == "/thanks":
                self.posted.append(dict(parse_qsl(body.decode(), keep_blank_values=True)))
        if path == "/v1.js":
            await _answer(send, script().content, "text/javascript")
        elif path == "/hubspot.js":
            await _answer(send, HUBSPOT.encode(), "text/javascript")
        elif path.startswith("/page/"):
            _, _, form, service, *options = path.split("/")
            page = self._page(form, service, options)
            await _answer(send, page.encode(), "text/html; charset=utf-8", self._policy())
        else:
            await _answer(send, f"<title>{escape(path)}</title>".encode(), "text/html")

    def _policy(self) -> Mapping[str, str]:
        rule = (
            f"default-src 'none'; script-src 'self' {self.sources}; connect-src 'self' "
            f"{self.sources}; form-action 'self'; style-src 'none'; img-src 'self'"
        )
        return {"Content-Security-Policy": rule}

    def _page(self, form: str, service: str, options: list[str]) -> str:
        mode = next((one for one in options if one in {"redirect", "submit"}), "submit")
        tag = self.scripts[service].replace("MODE", mode)
        forms = {
            "lead": LEAD_FORM,
            "progressive": PROGRESSIVE,
            "new-inline": _HUBSPOT_FORM.format(prefix="0-2/"),
            "old-inline": _HUBSPOT_FORM.format(prefix=""),
        }
        hubspot = '<script src="/hubspot.js"></script>' if "-" in form else ""
        return (
            f'<!doctype html><html lang="en"><title>{form}</title>{tag}<body data-kind="{form}">'
            f"<main><h1>Talk to us</h1>{forms.get(form, '')}</main>{hubspot}</body></html>"
        )


async def weather(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer as a service does that is in trouble; the path's first part says in which."""
    kind = scope["path"].split("/")[1]
    origin = next((v for n, v in scope["headers"] if n == b"origin"), b"*").decode()
    cors = {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Headers": "authorization, content-type, goodfit-visit",
    }
    if scope["method"] == "OPTIONS":
        await _answer(send, b"", "text/plain", {} if kind == "closed" else cors)
        return
    while (await receive()).get("more_body"):
        pass
    answer = {"id": "dec_1", "verdict": "qualify", "next": {"url": "/book"}, "missing": []}
    good = json.dumps(answer).encode()
    match kind:
        case "slow":
            await asyncio.sleep(20)
            await _answer(send, good, "application/json", cors)
        case "failing":
            await _answer(send, good, "application/json", cors, status=500)
        case "garbage":
            await _answer(send, b"<html>", "text/html", cors)
        case "strange":
            await _answer(send, b'{"verdict":"maybe"}', "application/json", cors)
        case _:  # closed: well, but not for this page
            await _answer(send, good, "application/json")


async def _answer(
    send: Send,
    body: bytes,
    kind: str,
    headers: Mapping[str, str] | None = None,
    *,
    status: int = 200,
) -> None:
    told = {"Content-Type": kind, "Content-Length": str(len(body))} | dict(headers or {})
    pairs = [(name.encode(), value.encode()) for name, value in told.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
