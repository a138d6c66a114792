"""A page's elements, read without a browser."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import unquote

_VOID: Final = {"meta", "link", "img", "input", "br", "hr"}


@dataclass
class Element:
    """An element with its attributes, its ancestors' tags and the text in it."""

    tag: str
    attributes: dict[str, str]
    ancestors: tuple[Element, ...]
    text: str = ""

    def get(self, name: str) -> str | None:
        """An attribute."""
        return self.attributes.get(name)

    @property
    def classes(self) -> set[str]:
        """Of its class attribute."""
        return set((self.get("class") or "").split())

    def inside(self, tag: str) -> bool:
        """Whether it stands in an element of a tag."""
        return any(one.tag == tag for one in self.ancestors)


@dataclass
class Document(HTMLParser):
    """All elements of a page in order; fails on tags that are not closed in order."""

    path: Path
    elements: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[Element] = []
        self.feed(self.path.read_text(encoding="utf-8"))
        self.close()
        assert not self._open, [one.tag for one in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        assert len(attributes) == len(attrs), (self.path, tag, attrs)
        element = Element(tag, attributes, tuple(self._open))
        self.elements.append(element)
        if tag not in _VOID and not self.get_starttag_text().endswith("/>"):
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        opened = self._open.pop().tag
        assert opened == tag, f"{self.path}: <{opened}> closed by </{tag}>"

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def all(self, *tags: str) -> list[Element]:
        """Elements of some tags."""
        return [one for one in self.elements if one.tag in tags]

    def ids(self) -> list[str]:
        """Every id."""
        return [one.attributes["id"] for one in self.elements if "id" in one.attributes]

    def links(self) -> list[str]:
        """Everything that the page points to or loads."""
        names = {"a": "href", "link": "href", "script": "src", "img": "src"}
        found = (one.get(names[one.tag]) for one in self.all(*names))
        return [link for link in found if link is not None and not link.startswith("data:")]

    def file(self, link: str) -> tuple[Path, str]:
        """The file that a link means, and the part behind ``#``."""
        path, _, part = link.partition("#")
        target = self.path if path == "" else self.path.parent / unquote(path)
        return target.resolve(), part
