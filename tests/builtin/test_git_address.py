"""Which addresses and refs git is given."""

import pytest

from orchestrator.builtin.git_address import (
    LOCAL,
    REMOTE,
    AddressInvalid,
    RefInvalid,
    check_ref,
    transports_of,
)


@pytest.mark.parametrize(
    ("url", "transports"),
    [
        ("ssh://git@host/infra.git", REMOTE),
        ("ssh://git@[::1]:2222/infra.git", REMOTE),
        ("git@host:team/infra.git", REMOTE),
        ("host:infra.git", REMOTE),
        ("https://host/team/infra.git", REMOTE),
        ("https://ada@host:8443/infra.git", REMOTE),
        ("http://127.0.0.1:80/infra", REMOTE),
        ("git://host/infra", REMOTE),
        ("file:///srv/infra.git", LOCAL),
        ("/srv/in fra.git", LOCAL),
    ],
)
def test_addresses_that_are_taken(url: str, transports: tuple[str, ...]) -> None:
    assert transports_of(url) == transports


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "no address"),
        ("--upload-pack=touch x", "no address"),
        ("-oProxyCommand=x", "no address"),
        ("ext::sh -c touch% x", "run a program"),
        ("fd::3", "run a program"),
        ("helper::/srv/infra.git", "run a program"),
        ("ext://sh", "ext:// is not used"),
        ("ftp://host/x", "ftp:// is not used"),
        ("ssh://-oProxyCommand=x/y", "names no host"),
        ("ssh://-l@host/y", "no user name"),
        ("ssh:///y", "names no host"),
        ("ssh://host:nan/y", "Port"),
        ("ssh://host/a b", "a space"),
        ("https://host/a\nb", "control character"),
        ("https://ada:hunter2@host/x", "read this password"),
        ("-host:x", "no address"),
        ("git@-host:x", "USER@HOST"),
        ("-git@host:x", "no address"),
        ("git@host:-x", "USER@HOST:PATH"),
        ("git@host:", "USER@HOST:PATH"),
        ("a b@host:x", "USER@HOST:PATH"),
        ("file://host/x", "no host"),
        ("srv/infra", "no absolute path"),
        ("/srv/a\nb", "control character"),
    ],
)
def test_addresses_that_are_refused(url: str, problem: str) -> None:
    with pytest.raises(AddressInvalid, match=problem) as refused:
        transports_of(url)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "ref", ["HEAD", "main", "v1.2.3", "team/x-1", "refs/tags/v1", "a" * 40, "ünï", "v1^"[:2]]
)
def test_refs_that_are_taken(ref: str) -> None:
    check_ref(ref)


@pytest.mark.parametrize(
    "ref",
    [
        *("", "-x", "--upload-pack=x", "a b", "a\n", "v1^{}", "a~1", "a:b", "a..b", "@{-1}"),
        *("*", "[a", "a\\b", "/a", "a/", "a//b", ".a", "a.lock", "a.", "?"),
    ],
)
def test_refs_that_are_refused(ref: str) -> None:
    with pytest.raises(RefInvalid):
        check_ref(ref)
