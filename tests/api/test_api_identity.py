"""Who is at the other end: real sockets, real processes of other users."""

import grp
import os
from pathlib import Path

import trio

from orchestrator.api.identity import Credentials, Identities, credentials, group_name, user_name
from orchestrator.core.language.definition import Roles
from tests import needs
from tests.api.api_bench import ApiBench, configuration, open_bench
from tests.api.other_users import STRANGER, ask_as, open_to_all


async def test_credentials_are_those_of_the_process_that_connected() -> None:
    ours, theirs = trio.socket.socketpair()
    with ours, theirs:
        found = credentials(ours)
    assert (found.pid, found.uid) == (os.getpid(), os.geteuid())
    assert found.gids == {os.getegid(), *os.getgroups()}


async def test_numbers_without_a_name_are_their_own_names() -> None:
    caller = await Identities(owner=1).caller(Credentials(1, STRANGER, frozenset([STRANGER, 0])))
    assert caller.user == "54321"
    assert caller.groups == {"54321", group_name(0)}


async def test_root_and_the_daemons_own_user_are_owners() -> None:
    identities = Identities(owner=STRANGER)
    found = [
        (await identities.caller(Credentials(1, uid, frozenset()))).is_owner
        for uid in (0, STRANGER, STRANGER + 1)
    ]
    assert found == [True, True, False]
    assert user_name(0) == "root"


@needs.ROOT
async def test_a_stranger_gets_in_nowhere(bench: ApiBench) -> None:
    """A stranger gets in nowhere, whatever the request claims."""
    open_to_all(bench.root)
    status, found = await ask_as(bench.socket, "GET /v1/jobs", uid=STRANGER)
    assert (status, found["type"], found["role"]) == (403, "not-permitted", "viewer")
    assert "54321" in str(found["detail"])


@needs.ROOT
async def test_the_daemons_own_user_is_admin_without_roles(tmp_path: Path) -> None:
    open_to_all(tmp_path)
    async with open_bench(tmp_path, owner=STRANGER) as bench:
        status, found = await ask_as(bench.socket, "GET /v1/jobs", uid=STRANGER)
        assert (status, found["jobs"]) == (200, [])
        status, _ = await ask_as(bench.socket, "GET /v1/jobs", uid=STRANGER + 1)
        assert status == 403


@needs.ROOT
async def test_only_groups_of_the_process_count(tmp_path: Path) -> None:
    """Supplementary groups count, and only those of the process."""
    daemon = grp.getgrnam("daemon")
    open_to_all(tmp_path)
    config = configuration(tmp_path, roles=Roles(viewer=(f"@{daemon.gr_name}",)))
    async with open_bench(tmp_path, config) as bench:
        member = await ask_as(bench.socket, "GET /v1/jobs", uid=STRANGER, groups=(7, daemon.gr_gid))
        by_primary = await ask_as(bench.socket, "GET /v1/jobs", uid=STRANGER, gid=daemon.gr_gid)
        outsider = await ask_as(bench.socket, "GET /v1/jobs", uid=STRANGER, groups=(7,))
    assert [status for status, _ in (member, by_primary, outsider)] == [200, 200, 403]


@needs.ROOT
async def test_hundreds_of_groups_are_read(tmp_path: Path) -> None:
    many = tuple(range(70_000, 71_000))
    open_to_all(tmp_path)
    config = configuration(tmp_path, roles=Roles(viewer=("@70999",)))
    async with open_bench(tmp_path, config) as bench:
        status, _ = await ask_as(bench.socket, "GET /v1/jobs", uid=STRANGER, groups=many)
    assert status == 200
