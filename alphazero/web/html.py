"""HTML from parts: what is text is escaped, always; only what was made here is markup."""

from __future__ import annotations

from html import escape

Attribute = str | int | float | bool | None


class Html(str):
    """Markup that is safe to be shown."""

    __slots__ = ()


def tag(name: str, /, *inside: str, **attributes: Attribute) -> Html:
    """An element. Children that are no Html are text. Attributes: class_="a", data_do="go" is data-do; False and None: none."""
    told = []
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")
        told.append(f" {key}" if value is True else f' {key}="{escape(str(value))}"')
    opening = f"<{name}{''.join(told)}>"
    return Html(opening if name in ("input", "br") else f"{opening}{joined(*inside)}</{name}>")


def joined(*parts: str) -> Html:
    """Parts one after the other."""
    return Html("".join(part if isinstance(part, Html) else escape(part) for part in parts))


def button(text: str, do: str, *, testid: str | None = None, **attributes: Attribute) -> Html:
    """A button that sends {"do": do} and its data attributes."""
    return tag("button", text, type="button", data_do=do, data_testid=testid, **attributes)


def options(choices: dict[str, str], chosen: str = "") -> Html:
    """The options of a select: value to text."""
    return joined(*(tag("option", text, value=value, selected=value == chosen) for value, text in choices.items()))


def field(label: str, name: str, control: Html, *, note: str = "") -> Html:
    """A control with its label; its id is the name."""
    told = tag("small", note) if note else Html()
    return tag("p", tag("label", label, for_=name), control, told, class_="field")


def select(name: str, choices: dict[str, str], chosen: str = "", **attributes: Attribute) -> Html:
    return tag("select", options(choices, chosen), name=name, id=name, **attributes)


def entry(name: str, value: str = "", /, **attributes: Attribute) -> Html:
    """An input of one line."""
    given: dict[str, Attribute] = {
        "name": name or None,
        "id": name or None,
        "value": value or None,
        "autocomplete": "off",
    }
    return tag("input", **{**given, **attributes})


PAGES = {"play": "Play", "analyse": "Analyse", "watch": "Watch", "tournaments": "Tournaments"}


def document(page: str, body: Html) -> str:
    """A whole page. All that changes comes over its socket."""
    links = joined(
        *(tag("a", name, href=f"/{key}", aria_current="page" if key == page else None) for key, name in PAGES.items())
    )
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><link rel="icon" href="/static/icon.svg" type="image/svg+xml">'
        '<link rel="stylesheet" href="/static/page.css"><script type="module" src="/static/page.js"></script>'
    )
    top = tag(
        "header",
        tag("a", "To the content", href="#main", class_="skip"),
        tag("a", "alphazero", href="/", class_="brand"),
        tag("nav", links, aria_label="Pages"),
    )
    toast = tag("p", id="say", class_="say", role="alert")
    main = tag("main", body, id="main", class_=page, tabindex=-1)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head>{head}<title>{PAGES[page]} · alphazero</title></head>'
        f'<body data-page="{page}">{top}{main}{toast}</body></html>\n'
    )
