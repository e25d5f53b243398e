"""Where in its file each key of a TOML document stands.

tomllib gives values without places, tree-sitter gives the places. Only a file with a mistake is
looked through, so that places cost a valid configuration nothing.
"""

import tomllib
from collections.abc import Iterator

import tree_sitter
import tree_sitter_toml

from orchestrator.core.values.references import Path

_LANGUAGE = tree_sitter.Language(tree_sitter_toml.language())
_KEYS = ("bare_key", "quoted_key", "dotted_key")


class Places:
    """Lines (from 1) of every key and list item of one document, by path.

    `headers` are the paths that a `[header]` or `[[header]]` opens.
    """

    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {(): 1}
        self.headers: set[Path] = set()
        self._counts: dict[Path, int] = {}
        parser = tree_sitter.Parser(_LANGUAGE)
        self._document(parser.parse(text.encode()).root_node)

    def line(self, path: Path) -> int:
        """The line of the key at `path`, or of the nearest thing around it that has one."""
        while path not in self.lines:
            path = path[:-1]
        return self.lines[path]

    def _document(self, root: tree_sitter.Node) -> None:
        for node in root.named_children:
            match node.type:
                case "pair":
                    self._pair(node, ())
                case "table":
                    self._table(node, self._header(node))
                case "table_array_element":
                    self._table(node, self._next_item(node))

    def _header(self, node: tree_sitter.Node) -> Path:
        return self._open(_key_of(node), (), node.start_point.row + 1)

    def _next_item(self, node: tree_sitter.Node) -> Path:
        line = node.start_point.row + 1
        key = _key_of(node)
        listing = (*self._open(key[:-1], (), line), *key[-1:])
        self.lines.setdefault(listing, line)
        count = self._counts.get(listing, 0)
        self._counts[listing] = count + 1
        self.lines[(*listing, count)] = line
        return (*listing, count)

    def _open(self, key: tuple[str, ...], path: Path, line: int) -> Path:
        """Go down from `path`; a list of tables on the way means its last item."""
        for part in key:
            path = (*path, part)
            self.lines.setdefault(path, line)
            if path in self._counts:
                path = (*path, self._counts[path] - 1)
        return path

    def _table(self, node: tree_sitter.Node, path: Path) -> None:
        self.headers.add(path)
        for child in node.named_children:
            if child.type == "pair":
                self._pair(child, path)

    def _pair(self, node: tree_sitter.Node, path: Path) -> None:
        inner = self._open(_key_of(node), path, node.start_point.row + 1)
        self._value(node.named_children[-1], inner)

    def _value(self, node: tree_sitter.Node, path: Path) -> None:
        if node.type == "inline_table":
            for pair in node.named_children:
                if pair.type == "pair":
                    self._pair(pair, path)
        elif node.type == "array":
            items = (child for child in node.named_children if child.type != "comment")
            for place, item in enumerate(items):
                self.lines[(*path, place)] = item.start_point.row + 1
                self._value(item, (*path, place))


def _key_of(node: tree_sitter.Node) -> tuple[str, ...]:
    for child in node.named_children:
        if child.type in _KEYS:
            return tuple(_parts(child))
    return ()


def _parts(key: tree_sitter.Node) -> Iterator[str]:
    while key.type == "dotted_key":
        left, right = key.named_children[0], key.named_children[-1]
        if left.type != "dotted_key":
            yield _unquoted(left)
            yield _unquoted(right)
            return
        yield from _parts(left)
        key = right
    yield _unquoted(key)


def _unquoted(key: tree_sitter.Node) -> str:
    text = (key.text or b"").decode()
    if key.type == "bare_key":
        return text
    [name] = tomllib.loads(f"{text} = 0")
    return name
