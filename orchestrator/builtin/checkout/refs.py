"""What a remote has, and which commit a ref means there."""

import difflib
import re
from dataclasses import dataclass, field

from orchestrator.builtin.checkout.failures import Failure

HEADS, TAGS = "refs/heads/", "refs/tags/"
_PEELED = "^{}"
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_FULL_LENGTHS = (40, 64)
_NEAR = 3


@dataclass(frozen=True)
class RemoteRefs:
    """Branches and tags with what they point to; `peeled` has the commits of annotated tags.

    `head` is the full name of the default branch, "" where the remote does not tell.
    """

    refs: dict[str, str] = field(default_factory=dict)
    peeled: dict[str, str] = field(default_factory=dict)
    head: str = ""
    head_commit: str = ""

    def commit(self, name: str) -> str:
        """The commit of a full name."""
        return self.peeled.get(name) or self.refs[name]

    @property
    def mirrored(self) -> dict[str, str]:
        """What a mirror has when it is up to date."""
        return {name: id for name, id in self.refs.items() if name.startswith((HEADS, TAGS))}


@dataclass(frozen=True)
class Wanted:
    """A commit (its id may be short in a ref that is one), and the full name that led to it."""

    commit: str
    name: str

    @property
    def is_bare_commit(self) -> bool:
        """Whether it was asked for by its id, so that nobody has said that it exists."""
        return self.name == self.commit

    @property
    def is_whole(self) -> bool:
        """Whether the id is not abbreviated."""
        return len(self.commit) in _FULL_LENGTHS

    @property
    def short(self) -> str:
        """The name as people write it."""
        return short(self.name)


def short(name: str) -> str:
    """A branch or a tag as people write it."""
    return name.removeprefix(HEADS).removeprefix(TAGS)


def parse(listing: str) -> RemoteRefs:
    """The output of `git ls-remote --symref`."""
    refs: dict[str, str] = {}
    peeled: dict[str, str] = {}
    head = head_commit = ""
    for line in listing.splitlines():
        value, _, name = line.partition("\t")
        if value.startswith("ref: ") and name == "HEAD":
            head = value.removeprefix("ref: ")
        elif name == "HEAD":
            head_commit = value
        elif name.endswith(_PEELED):
            peeled[name.removesuffix(_PEELED)] = value
        elif name:
            refs[name] = value
    return RemoteRefs(refs, peeled, head, head_commit)


def select(ref: str, remote: RemoteRefs, url: str) -> Wanted:
    """Which commit `ref` means. Raises Failure where there is none, or more than one."""
    if ref == "HEAD":
        return _default(remote, url)
    names = [ref] if ref.startswith("refs/") else [TAGS + ref, HEADS + ref]
    found = {name: remote.commit(name) for name in names if name in remote.refs}
    if len(set(found.values())) > 1:
        written = " or ".join(f'"{name}"' for name in found)
        text = f"{ref} is a branch and a tag in {url}, of different commits: write {written}"
        raise Failure("ref", text)
    if found:
        name = next(iter(found))
        return Wanted(found[name], name)
    if _COMMIT.fullmatch(ref):
        return Wanted(ref, ref)
    raise unknown(ref, remote, url)


def unknown(ref: str, remote: RemoteRefs, url: str) -> Failure:
    """Nothing has this name; what is near."""
    names = list(remote.refs) if ref.startswith("refs/") else sorted(map(short, remote.refs))
    near = difflib.get_close_matches(ref, names, _NEAR)
    hint = f" (near: {', '.join(near)})" if near else ""
    if not remote.refs:
        hint = " (it has no commits yet)"
    return Failure("ref", f"there is no branch, tag or commit {ref} in {url}{hint}")


def _default(remote: RemoteRefs, url: str) -> Wanted:
    if not remote.head_commit:
        known = ", ".join(sorted(map(short, remote.mirrored))[:_NEAR])
        hint = f"; name a branch or tag (it has {known})" if known else ": it has no commits yet"
        raise Failure("ref", f"{url} does not say which branch is its default one{hint}")
    return Wanted(remote.head_commit, remote.head or "HEAD")
