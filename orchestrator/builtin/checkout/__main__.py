"""One checkout, from its order to its answer; see the package."""

import shutil
import signal
import sys
from pathlib import Path

if __name__ == "__main__":  # -I keeps our package off the path
    sys.path.append(str(Path(__file__).parents[3]))

from orchestrator.builtin.checkout import refs
from orchestrator.builtin.checkout.console import Console
from orchestrator.builtin.checkout.failures import Failure, GitFailed, Stopped
from orchestrator.builtin.checkout.git import Git
from orchestrator.builtin.checkout.host_key import explained
from orchestrator.builtin.checkout.mirror import Mirror
from orchestrator.builtin.checkout.order import CheckoutOrder, CheckoutResult
from orchestrator.builtin.checkout.tree import WorkTree

FAILED = 1
STOPPED = 128 + signal.SIGTERM


def main(order: CheckoutOrder) -> int:
    """Carry it out; the exit status."""
    console = Console(Path(order.progress))
    try:
        answer = _carried_out(order, Git(order, console))
    except Stopped:
        console.say("stopped")
        return STOPPED
    except Failure as failure:
        answer = CheckoutResult(error=str(failure), setting=failure.setting)
    except GitFailed as failed:
        text = explained(failed.lines, order.known_hosts)
        answer = CheckoutResult(error=text or f"{order.url}: {failed}", setting="url")
    except OSError as error:
        answer = CheckoutResult(error=f"{error.filename}: {error.strerror}", setting="")
    finally:
        shutil.rmtree(order.draft, ignore_errors=True)
    answer.write(Path(order.result))
    if answer.error:
        console.say(answer.error)
    return FAILED if answer.error else 0


def _carried_out(order: CheckoutOrder, git: Git) -> CheckoutResult:
    git.demand_version()
    if order.look_only:
        remote = _look(order, git)
        return _answer(refs.select(order.ref, remote, order.url))
    tree = WorkTree(git, order)
    tree.demand_place()
    remote = _look(order, git)
    wanted = refs.select(order.ref, remote, order.url)
    mirror = Mirror(git, Path(order.mirrors), order.url)
    commit = _taken(mirror, tree, wanted, remote)
    if order.submodules:
        tree.add_submodules()
    tree.demand_directory()
    described = tree.describe(commit)
    tree.put_in_place()
    name = commit if wanted.is_bare_commit else wanted.name
    git.console.say(f"commit {commit} ({described})")
    return CheckoutResult(commit=commit, ref=name, describe=described, rebuilt=mirror.rebuilt)


def _answer(wanted: refs.Wanted) -> CheckoutResult:
    return CheckoutResult(commit=wanted.commit, ref=wanted.name)


def _look(order: CheckoutOrder, git: Git) -> refs.RemoteRefs:
    """What the remote has now."""
    git.console.say(f"looking at {order.url}")
    named = [order.ref] if order.ref.startswith("refs/") else []
    patterns = ("HEAD", f"{refs.HEADS}*", f"{refs.TAGS}*", *named)
    return refs.parse(git.read("ls-remote", "--symref", "--", order.url, *patterns))


def _taken(mirror: Mirror, tree: WorkTree, wanted: refs.Wanted, remote: refs.RemoteRefs) -> str:
    """Check out from the mirror, which is made anew if it turns out to be damaged."""
    with mirror.locked():
        commit = mirror.get(wanted, remote)
        try:
            tree.clone(mirror.path)
            tree.check_out(commit)
        except GitFailed as failed:
            if mirror.rebuilt or mirror.is_sound():
                raise
            mirror.rebuild(str(failed))
            commit = mirror.get(wanted, remote)
            tree.clone(mirror.path)
            tree.check_out(commit)
    return commit


if __name__ == "__main__":
    sys.exit(main(CheckoutOrder.read(Path(sys.argv[1]))))
