"""A secret reaches the step that names it, and nobody finds it anywhere else."""

import base64
import json
import os
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from tests import needs
from tests.e2e.e2e_bench import WAITS, Installation, command, until

pytestmark = pytest.mark.slow

SECRET = 'p4ss/w+rd?"&é~ and more'
ROTATED = "another-one-since-then"

LEAKS = f"""
import base64, json, urllib.parse
token = os.environ["TOKEN"]
raw = token.encode()
def write(data):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
write(b"begin " + raw[:9])
{WAITS}
write(raw[9:] + b" plain\\n")
for before in (b"", b"x", b"xy"):
    write(base64.b64encode(before + raw) + b" base64\\n")
    write(base64.urlsafe_b64encode(before + raw + b"z") + b" urlsafe\\n")
write(raw.hex().encode() + b" hex\\n" + raw.hex().upper().encode() + b" HEX\\n")
write(urllib.parse.quote(token, safe="").encode() + b" url\\n")
write(urllib.parse.quote_plus(token).encode() + b" form\\n")
write(json.dumps({{"token": token}}).encode() + b" json\\n")
print("err", token, file=sys.stderr, flush=True)
with open(os.environ["ORCHESTRATOR_OUTPUT"], "a") as outputs:
    outputs.write(f"told=<{{token}}>\\nsize={{len(token)}}\\n")
print("end", flush=True)
"""
OTHER = "print(os.environ.get('TOKEN', 'no token'), sys.argv[1:])"


def pipeline(gate: Path) -> str:
    return (
        'kind = "deploy"\n'
        '[[steps]]\nname = "leak"\nuses = "command"\nenv = { TOKEN = { secret = "cloud-token" } }\n'
        f"with = {command(LEAKS, gate)}\n"
        '[[steps]]\nname = "other"\nuses = "command"\n'
        f"with = {command(OTHER, '${steps.leak.outputs.told}', '${steps.leak.outputs.size}')}\n"
    )


def forms(secret: str) -> list[bytes]:
    """What must be found nowhere."""
    raw = secret.encode()
    found = [raw, raw[:9], raw[9:], raw.hex().encode(), raw.hex().upper().encode()]
    found += [quote(secret, safe="").encode(), quote_plus(secret).encode()]
    found += [json.dumps(secret)[1:-1].encode()]
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + raw)[4:-4]
        found += [encoded, encoded.replace(b"+", b"-").replace(b"/", b"_")]
    return [form for form in found if len(form) >= 4]


def holders(installation: Installation, secret: str) -> list[str]:
    """Files of the whole installation, and of the state, with any form of the secret in it."""
    found = []
    for path in installation.root.rglob("*"):
        if path.is_file() and any(form in path.read_bytes() for form in forms(secret)):
            found.append(str(path.relative_to(installation.root)))
    return found


def nothing_of(secret: str, *texts: str) -> None:
    for text in texts:
        assert [form for form in forms(secret) if form in text.encode()] == []


@pytest.fixture
def given(installation: Installation) -> Path:
    secret = installation.root / "token"
    secret.touch(mode=0o600)
    secret.write_text(f"{SECRET}\n")
    installation.write(
        {"environments/staging.toml": "", "pipelines/p.toml": pipeline(installation.root / "gate")},
        f'[secrets.cloud-token]\nfile = "{secret}"\n',
    )
    return secret


def begun(installation: Installation) -> bool:
    return b"begin" in b"".join(
        path.read_bytes() for path in installation.state.glob("jobs/*/steps/leak/1/log")
    )


@pytest.mark.parametrize("killed", [False, True], ids=["one daemon", "killed in between"])
def test_where_a_secret_is_found(installation: Installation, given: Path, killed: bool) -> None:
    """Nothing of a secret is found but where it came from."""
    installation.start()
    job = installation.submit("p", "staging")
    following = installation.spawn("log", str(job), "leak", "-f")
    until("the step works", lambda: begun(installation))
    live = installation.says("log", str(job), "leak")
    assert live == "begin \n"
    log = installation.state / "jobs" / str(job) / "steps" / "leak" / "1" / "log"
    assert log.stat().st_mode & 0o777 == 0o600
    if killed:
        installation.kill()
        given.write_text(ROTATED)
        installation.start()
        assert installation.says("log", str(job), "leak") == "begin \n"
    (installation.root / "gate").touch()
    ended = installation.finished(job)
    assert ended["conclusion"] == "success"
    followed = following.communicate(timeout=60)[0]
    said = installation.says("log", str(job), "leak")
    stars = "*" * len(SECRET.encode())
    assert said == followed
    assert said.startswith(f"begin {stars} plain\n")
    assert f"err {stars}\n" in said
    assert said.endswith("end\n")
    assert ended["steps"][0]["outputs"] == {"told": "<***>", "size": str(len(SECRET))}
    assert installation.says("log", str(job), "other") == f"no token ['<***>', '{len(SECRET)}']\n"
    tail = installation.says("log", str(job), "leak", "--tail", "2")
    assert said.endswith(tail) and tail.count("\n") == 2
    until("its secrets are removed", lambda: not list(installation.state.glob("secrets/*/*")))
    nothing_of(
        SECRET,
        said,
        followed,
        installation.says("show", str(job), "--json"),
        installation.says("show", str(job)),
        installation.says("events", "--json"),
        installation.says("output", str(job), "leak", "told"),
        installation.says("submit", "p", "staging", "--dry-run", "--json"),
        installation.log_tail(),
    )
    assert holders(installation, SECRET) == ([] if killed else ["token"])
    installation.stop()
    assert holders(installation, SECRET) == ([] if killed else ["token"])


def test_a_secret_that_others_can_read(installation: Installation, given: Path) -> None:
    """A secret that others can read fails its step before anything is touched."""
    given.chmod(0o644)
    installation.start()
    job = installation.submit("p", "staging")
    step = installation.finished(job)["steps"][0]
    assert step["conclusion"] == "failure"
    assert step["reason"] == (
        f"secrets.cloud-token: {given} has mode 0644, so others than its owner may read or change "
        f"it: chmod 600 {given}"
    )
    given.chmod(0o600)
    os.truncate(given, 3)
    again = int(installation.says("retry", str(job)))
    step = installation.finished(again)["steps"][0]
    assert "it has fewer than 4 characters" in step["reason"]
    assert "p4s" not in step["reason"].replace("pass", "")


# --- secret parameters ----------------------------------------------------------------------

PARAMETERS = """
kind = "deploy"
cleanup = "p-cleanup"
[params.token]
secret = true
required = true
pattern = '[^;]+'
[params.version]
default = "1"
"""
SAYS_IT = """
import base64
token = os.environ["ORCHESTRATOR_PARAM_TOKEN"]
assert os.environ["MINE"] == f"<{token}>"
print(len(token), token, base64.b64encode(token.encode()).decode(), flush=True)
"""


def with_parameters(installation: Installation) -> Path:
    step = f'[[steps]]\nname = "work"\nuses = "command"\nwith = {command(SAYS_IT)}\n'
    env = "[steps.env]\nMINE = '<${params.token}>'\n"
    cleanup = 'kind = "cleanup"\n[params.token]\nsecret = true\nrequired = true\n'
    installation.write(
        {
            "environments/staging.toml": "",
            "pipelines/p.toml": PARAMETERS + step + env,
            "pipelines/p-cleanup.toml": cleanup + step + env,
        }
    )
    installation.start()
    given = installation.root / "given"
    given.write_text(f"{SECRET}\n")
    return given


def test_a_secret_parameter_reaches_its_jobs(installation: Installation) -> None:
    """A secret parameter reaches its jobs, and nobody else."""
    given = with_parameters(installation)
    job = installation.submit("p", "staging", "-p", f"token=@{given}", "--key", "k")
    assert installation.finished(job)["conclusion"] == "success"
    assert installation.finished(job + 1)["conclusion"] == "success"  # what it owed
    assert installation.submit("p", "staging", "-p", f"token=@{given}", "--key", "k") == job
    installation.kill()
    given.unlink()
    installation.start()
    again = int(installation.says("retry", str(job)))
    assert installation.finished(again)["conclusion"] == "success"
    installation.until_idle()
    size, starred = len(SECRET), "*" * len(SECRET.encode())
    for one in (job, job + 1, again, again + 1):
        assert installation.job(one)["params"]["token"] == "***"
        log = installation.says("log", str(one), "work")
        assert log.startswith(f"{size} {starred} **")
        nothing_of(SECRET, log, installation.says("show", str(one), "--json"))
    nothing_of(SECRET, installation.says("events", "--json"), installation.log_tail())
    [kept] = installation.state.glob("secrets/params/*")
    assert kept.stat().st_mode & 0o777 == 0o600
    assert json.loads(kept.read_text()) == {"token": SECRET}
    kept.unlink()
    until("attempts are forgotten", lambda: not list(installation.state.glob("secrets/*/*")))
    assert holders(installation, SECRET) == []
    lost = int(installation.says("retry", str(job)))
    reason = installation.finished(lost)["steps"][0]["reason"]
    assert reason == ("parameter token: the file that held its value is gone: submit the job anew")


def test_a_debt_is_paid_by_its_secret(installation: Installation) -> None:
    """By a run by hand whose file has the same value, and by no other."""
    given = with_parameters(installation)
    fails = installation.root / "fails"
    installation.write({"pipelines/p-cleanup.toml": failing_while(fails)})
    installation.says("reload")
    fails.touch()
    job = installation.submit("p", "staging", "-p", f"token=@{given}")
    assert installation.finished(job)["conclusion"] == "success"
    assert installation.finished(job + 1)["conclusion"] == "failure"
    fails.unlink()
    other, same = installation.root / "other", installation.root / "same"
    other.write_text(ROTATED)
    same.write_text(SECRET)
    waits = installation.submit("p-cleanup", "staging", "-p", f"token=@{other}")
    pays = installation.submit("p-cleanup", "staging", "-p", f"token=@{same}")
    assert installation.finished(pays)["conclusion"] == "success"
    paid = [event for event in installation.events() if event["type"] == "debt_paid"]
    assert [(event["job"], event["paid_by"]) for event in paid] == [(job, pays)]
    assert installation.finished(waits)["conclusion"] == "success"
    nothing_of(SECRET, installation.says("events", "--json"))


def failing_while(there: Path) -> str:
    """A cleanup that fails while there is this file."""
    look = command(f"sys.exit(os.path.exists({str(there)!r}))")
    cleanup = 'kind = "cleanup"\n[params.token]\nsecret = true\nrequired = true\n'
    return f'{cleanup}[[steps]]\nname = "look"\nuses = "command"\nwith = {look}\n'


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("open-secret-value", "parameter token is a secret and was given openly"),
        ("@no;match;here", "parameter token: the value does not match [^;]+"),
        ("@§¶", "parameter token: the value must have at least 4 characters"),
        (None, "parameter token is required: -p token=@FILE"),
    ],
)
def test_a_refused_submission_leaves_nothing(
    installation: Installation, value: str | None, said: str
) -> None:
    given = with_parameters(installation)
    words = []
    if value is not None:
        given.write_text(value.removeprefix("@"))
        words = ["-p", f"token=@{given}" if value.startswith("@") else f"token={value}"]
    for more in ([], ["--dry-run"]):
        done = installation.run("submit", "p", "staging", *words, *more)
        assert done.returncode == 2
        assert said in done.stderr
        assert value is None or value.removeprefix("@") not in done.stderr
    given.unlink()
    assert not list(installation.state.glob("secrets/params/*"))
    if value is not None:
        assert holders(installation, value.removeprefix("@")) == []
    assert installation.json("jobs")["jobs"] == []


def test_a_dry_run_shows_and_keeps_no_secret(installation: Installation) -> None:
    given = with_parameters(installation)
    plan = installation.json("submit", "p", "staging", "-p", f"token=@{given}", "--dry-run")
    assert plan["params"]["token"] == "***"
    assert plan["cleanup"]["params"] == {"token": "***"}
    given.unlink()
    assert holders(installation, SECRET) == []


def test_leftovers_of_a_submission_are_removed(installation: Installation) -> None:
    """What a killed daemon left of a submission is removed."""
    with_parameters(installation)
    installation.kill()
    folder = installation.state / "secrets" / "params"
    folder.mkdir(parents=True)
    (folder / f"{'0' * 32}.new").write_text(json.dumps({"token": SECRET}))
    installation.start()
    assert list(folder.iterdir()) == []


TERRAFORM = """
variable "token" {}
variable "table" {}
output "told" { value = var.token }
output "size" { value = length(var.table.inner[0]) }
"""
PLANS = """
kind = "deploy"
source = { path = "../infra" }
[[steps]]
name = "apply"
uses = "terraform"
[steps.with]
action = "apply"
vars = { token = { secret = "t" }, table = { inner = [{ secret = "t" }] } }
"""


@needs.TERRAFORM
def test_terraform_gets_secrets_in_a_file(
    installation: Installation,
) -> None:
    """Terraform gets secrets in a file that goes with the attempt."""
    token = installation.root / "token"
    token.touch(mode=0o600)
    token.write_text(SECRET)
    infra = installation.root / "infra"
    infra.mkdir()
    (infra / "main.tf").write_text(TERRAFORM)
    installation.write(
        {"environments/staging.toml": "", "pipelines/p.toml": PLANS},
        f'[secrets.t]\nfile = "{token}"\n',
    )
    installation.start()
    job = installation.submit("p", "staging")
    ended = installation.finished(job)
    log = installation.says("log", str(job))
    assert ended["conclusion"] == "success", log
    assert ended["steps"][0]["outputs"] == {"told": "***", "size": len(SECRET)}
    assert "*" * 10 in log
    nothing_of(SECRET, log, installation.says("events", "--json"), installation.log_tail())
    until("its secrets are removed", lambda: not list(installation.state.glob("secrets/*/*")))
    assert sorted(holders(installation, SECRET)) == ["infra/terraform.tfstate", "token"]
