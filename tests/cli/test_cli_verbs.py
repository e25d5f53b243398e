"""Each verb as a process: what it asks, prints and ends with."""

import json
import os
import socket
import stat
from pathlib import Path

import pytest

from orchestrator.cli.client.wire import DaemonState, Job, Quarantine, Recheck, Status
from tests import needs
from tests.cli import cli_samples as samples
from tests.cli.cli_recording import (
    Answer,
    Asked,
    Recording,
    begin_stream,
    chunk,
    end_stream,
    orchestrator,
    problem,
    reply,
    watch_of,
)
from tests.cli.cli_samples import at, job, queued, running, step


def refusing(status: int, **fields: object) -> Answer:
    def answer(asked: Asked, connection: socket.socket) -> None:
        problem(connection, status, "that is how it is", **fields)

    return answer


def test_version_and_help(tmp_path: Path) -> None:
    assert orchestrator(tmp_path, "--version").out.startswith("orchestrator ")
    overview = orchestrator(tmp_path, "--help")
    assert (overview.status, "submit" in overview.out) == (0, True)
    assert "usage: orchestrator jobs" in orchestrator(tmp_path, "jobs", "--help").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "say what to do"),
        (("jbos",), "jbos: no such verb; did you mean jobs"),
        (("hold", "x"), "hold: not built yet"),
        (("watch",), "watch: not built yet"),
        (("-n", "5", "jobs"), "options of a verb go after it"),
        (("jobs", "-n", "0"), "'0' is not a number from 1 on"),
        (("jobs", "--phase", "done"), "invalid choice"),
        (("show",), "required: JOB"),
        (("show", "x"), "'x' is not a job's number"),
        (("submit", "web"), "required: ENVIRONMENT"),
        (("submit", "web", "x", "-p", "v"), "not of the form NAME=VALUE"),
        (("submit", "web", "x", "-p", "v=1", "-p", "v=2"), "parameter v is given twice"),
        (("submit", "web", "x", "-p", "v=@-", "-p", "w=@-"), "only one parameter"),
        (("submit", "web", "x", "-p", "v=@/no/such"), "parameter v: cannot read /no/such"),
        (
            ("submit", "web", "x", "-p", "v=@/no", "-p", "w=1", "-p", "w=2", "-p", "u=@/none"),
            "parameter v: cannot read /no: No such file or directory\n"
            "  parameter w is given twice\n"
            "  parameter u: cannot read /none: No such file or directory",
        ),
        (("submit", "web", "x", "--key", "a\nb"), "a key is"),
        (("submit", "web", "x", "--on-disconnect", "cancel"), "needs --wait or --follow"),
        (("submit", "web", "x", "--strict"), "--strict needs --wait or --follow"),
        (("submit", "web", "x", "--result-file", "r"), "--result-file needs --wait"),
        (("submit", "web", "x", "--dry-run", "--wait"), "--dry-run queues nothing"),
        (("submit", "web", "x", "--wait", "--follow"), "not allowed with argument"),
        (("submit", "web", "x", "--wait", "--result-file", "/no/such/r"), "cannot write in"),
        (("cancel",), "say which"),
        (("cancel", "1", "--environment", "x"), "say which"),
        (("waive", "x"), "required: --reason"),
        (("waive", "x", "--reason", " "), "it must say something"),
        (("unknown", "7"), "say what it is: unknown JOB --dead|--wait --reason T"),
        (("unknown", "--reason", "x"), "say what it is"),
        (("unknown", "7", "--dead"), "needs the number and --reason T"),
        (("unknown", "--dead", "--reason", "x"), "needs the number and --reason T"),
        (("unknown", "7", "--dead", "--wait", "--reason", "x"), "not allowed with argument"),
        (("unknown", "x", "--dead", "--reason", "x"), "argument JOB"),
        (("wait", "1", "--timeout", "soon"), "is not a duration"),
        (("log", "1", "--timestamps"), "not built yet"),
        (("log", "1", "--attempt", "2"), "--attempt needs a STEP"),
        (("serve", "--socket", "x"), "takes its socket from orchestrator.toml"),
    ],
)
def test_usage_mistakes_are_status_2(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    ran = orchestrator(tmp_path / "none.sock", *words)
    assert (ran.status, ran.out) == (2, "")
    assert said in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    "words",
    [
        ("environment", ""),
        ("waive", " ", "--reason", "x"),
        ("recheck", ""),
        ("pipeline", ""),
        ("submit", "", "x"),
        ("submit", "web", ""),
        ("output", "1", ""),
        ("output", "1", "plan", ""),
        ("log", "1", ""),
        ("approve", "1", ""),
        ("reject", "1", ""),
        ("cancel", "--environment", ""),
        ("jobs", "--environment", ""),
        ("jobs", "--pipeline", ""),
        ("jobs", "--kind", ""),
    ],
)
def test_an_empty_name_is_a_usage_mistake(tmp_path: Path, words: tuple[str, ...]) -> None:
    ran = orchestrator(tmp_path / "none.sock", *words)
    assert (ran.status, ran.out) == (2, "")
    assert "a name is needed" in ran.err


def test_no_daemon(tmp_path: Path) -> None:
    ran = orchestrator(tmp_path / "none.sock", "jobs")
    assert (ran.status, ran.out) == (5, "")
    assert ran.err.startswith(f"error: no daemon at {tmp_path}/none.sock")


def test_a_result_file_that_is_no_regular_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    words = ("submit", "web", "x", "--wait", "--result-file", str(tmp_path / "pipe"))
    ran = orchestrator(tmp_path / "none.sock", *words)
    assert ran.status == 2
    assert ran.err == f"error: --result-file: {tmp_path}/pipe is not a regular file\n"


def test_nobody_listens_any_more(tmp_path: Path) -> None:
    path = tmp_path / "o.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
    assert orchestrator(path, "jobs").status == 5


def test_an_impossible_socket_path(tmp_path: Path) -> None:
    """A socket path that the kernel does not take."""
    ran = orchestrator(tmp_path / ("x" * 200), "jobs")
    assert ran.status == 5
    assert "too long" in ran.err


@needs.ROOT
def test_a_socket_that_we_may_not_use(daemon: Recording) -> None:
    import subprocess
    import sys

    from tests.cli.cli_recording import environment_for

    daemon.path.parent.chmod(0o700)
    code = (
        "import locale, os, orchestrator.cli.arguments, orchestrator.cli.verbs.jobs\n"
        "from orchestrator.cli.main import main\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "raise SystemExit(main(['jobs']))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env=environment_for(daemon.path),
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 3
    assert "file permissions keep you out" in ran.stderr


def test_socket_before_or_after_the_verb(daemon: Recording, tmp_path: Path) -> None:
    """Where the socket is said goes before or after."""
    daemon.play({"GET /v1/environments": {"environments": []}})
    elsewhere = tmp_path / "none.sock"
    for words in (
        ("--socket", str(daemon.path), "environments"),
        ("environments", f"--socket={daemon.path}"),
        ("--json", f"--socket={daemon.path}", "environments"),
    ):
        assert orchestrator(elsewhere, *words).status == 0


@pytest.mark.parametrize(
    ("status", "exit"),
    [(400, 2), (403, 3), (404, 13), (409, 13), (410, 13), (413, 2), (422, 2), (429, 9), (500, 9)],
)
def test_what_a_refusal_exits_with(daemon: Recording, status: int, exit: int) -> None:
    daemon.play({"GET /v1/jobs/1": refusing(status, near=["web"], reference="r-1")})
    ran = orchestrator(daemon.path, "show", "1")
    assert (ran.status, ran.out) == (exit, "")
    assert ran.err == (
        "error: that is how it is. Did you mean web? (look for r-1 in the daemon's log)\n"
    )


def test_a_refusal_is_harmless_and_lists_its_problems(daemon: Recording) -> None:
    daemon.play({"POST /v1/daemon/reload": refusing(422, problems=["a.toml:1: k: \x1b[2J bad"])})
    ran = orchestrator(daemon.path, "reload")
    assert (ran.status, ran.err) == (
        2,
        "error: that is how it is\n  a.toml:1: k: \\x1b[2J bad\n",
    )


@pytest.mark.parametrize(
    ("bytes_sent", "exit"),
    [(b"SSH-2.0\r\n", 9), (b"HTTP/1.1 200 OK\r\n\r\nnot json", 9)],
)
def test_whoever_answers_is_not_a_daemon(daemon: Recording, bytes_sent: bytes, exit: int) -> None:
    daemon.answer = lambda asked, connection: connection.sendall(bytes_sent)
    ran = orchestrator(daemon.path, "jobs")
    assert ran.status == exit
    assert "Traceback" not in ran.err


def test_a_fault_of_ours_is_one_line(daemon: Recording) -> None:
    daemon.play({"GET /v1/jobs": {"unexpected": True}})
    ran = orchestrator(daemon.path, "jobs")
    assert ran.status == 9
    assert ran.err.startswith("error: a fault of the command line itself, at jobs.py:")
    assert ran.err.count("\n") == 1


def test_jobs_asks_for_what_was_typed(daemon: Recording) -> None:
    daemon.play({"GET /v1/jobs": {"jobs": [job()], "next": None}})
    words = [
        "--environment",
        "a/b",
        "--phase",
        "finished",
        "--mine",
        "--label",
        "k=v=w",
        "--label",
        "l=m",
        "-n",
        "3",
    ]
    assert orchestrator(daemon.path, "jobs", *words).status == 0
    assert daemon.asked[0].path == (
        "/v1/jobs?environment=a%2Fb&phase=finished&mine=true&label=k%3Dv%3Dw&label=l%3Dm&limit=3"
    )


def test_jobs_goes_on_over_pages_even_empty_ones(daemon: Recording) -> None:
    pages = {
        "": {"jobs": [job(9)], "next": 9},
        "9": {"jobs": [], "next": 5},
        "5": {"jobs": [job(4), job(3)], "next": None},
    }

    def answer(asked: Asked, connection: socket.socket) -> None:
        _, _, before = asked.path.partition("before=")
        reply(connection, pages[before])

    daemon.answer = answer
    ran = orchestrator(daemon.path, "jobs", "--json", "-n", "3")
    assert [one["id"] for one in json.loads(ran.out)["jobs"]] == [9, 4, 3]
    assert json.loads(ran.out)["next"] is None


def test_a_reader_that_goes_away_is_no_error(daemon: Recording) -> None:
    import subprocess
    import sys

    from tests.cli.cli_recording import environment_for

    many = [job(number) for number in range(5000)]
    daemon.play({"GET /v1/jobs": {"jobs": many, "next": None}})
    ran = subprocess.Popen(
        [sys.executable, "-m", "orchestrator.cli.main", "jobs", "-n", "5000"],
        env=environment_for(daemon.path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert ran.stdout and ran.stderr
    ran.stdout.readline()
    ran.stdout.close()
    assert ran.stderr.read() == ""
    assert ran.wait(30) == 0


def test_submit_prints_the_id(daemon: Recording) -> None:
    """Submit prints the id, and sends a key of its own."""
    daemon.play({"POST /v1/jobs": queued(7)})
    words = ("web", "production", "-p", "v=1", "-p", "text=@-", "--label", "a=b", "--reason", "r")
    ran = orchestrator(daemon.path, "submit", *words, stdin="from stdin\n")
    assert (ran.status, ran.out, ran.err) == (0, "7\n", "")
    assert daemon.asked[0].body == {
        "pipeline": "web",
        "environment": "production",
        "params": {"v": "1", "text": "from stdin"},
        "from_file": ["text"],
        "reason": "r",
        "priority": 0,
        "labels": {"a": "b"},
        "url": None,
        "dry_run": False,
        "on_disconnect": "keep",
        "pays": None,
    }
    assert daemon.asked[0].headers["idempotency-key"].startswith("cli-")


def test_submit_sends_the_key_that_was_given(daemon: Recording) -> None:
    daemon.play({"POST /v1/jobs": queued(7)})
    assert orchestrator(daemon.path, "submit", "web", "x", "--key", "build 5").status == 0
    assert daemon.asked[0].headers["idempotency-key"] == "build 5"


@pytest.mark.parametrize(
    ("ended", "words", "status"),
    [
        (job(), (), 0),
        (job(warnings=1), (), 0),
        (job(warnings=1), ("--strict",), 10),
        (job(halted_by="plan", warnings=1), ("--strict",), 11),
        (job(conclusion="failure"), (), 1),
        (job(conclusion="failure", dirty=True), (), 7),
        (job(conclusion="lost"), (), 7),
        (job(conclusion="cancelled"), (), 4),
        (job(conclusion="timed_out"), (), 8),
        (job(conclusion="superseded"), (), 6),
        (job(conclusion="rejected"), (), 6),
        (job(conclusion="expired"), (), 6),
    ],
    ids=[
        "success",
        "warnings",
        "warnings, strict",
        "halted with warnings, strict",
        "failure",
        "dirty failure",
        "lost",
        "cancelled",
        "timed out",
        "superseded",
        "rejected",
        "expired",
    ],
)
def test_wait_exits_with_how_it_ended(
    daemon: Recording, ended: Job, words: tuple[str, ...], status: int
) -> None:
    daemon.play({"GET /v1/jobs/118/watch": watch_of(running(), ended)})
    assert orchestrator(daemon.path, "wait", "118", *words).status == status


def test_wait_for_several_exits_with_the_worst(daemon: Recording) -> None:
    ends = {1: "cancelled", 2: "failure", 3: "success", 4: "timed_out"}
    daemon.play(
        {f"GET /v1/jobs/{n}/watch": watch_of(job(n, conclusion=c)) for n, c in ends.items()}
    )
    ran = orchestrator(daemon.path, "wait", "1", "2", "3", "4", "--json")
    assert ran.status == 1
    assert [json.loads(line)["id"] for line in ran.out.splitlines()] == [1, 2, 3, 4]


def test_wait_gives_up_in_time(daemon: Recording) -> None:
    def forever(asked: Asked, connection: socket.socket) -> None:
        begin_stream(connection)
        connection.recv(1)

    daemon.play({"GET /v1/jobs/1/watch": forever})
    ran = orchestrator(daemon.path, "wait", "1", "--timeout", "0.2s")
    assert ran.status == 124
    assert "it goes on" in ran.err


def test_cancel_goes_on_after_a_refusal(daemon: Recording) -> None:
    """Cancel says what it does, and goes on after a refusal."""
    daemon.play(
        {
            "POST /v1/jobs/1/cancel": refusing(409),
            "POST /v1/jobs/2/cancel": job(2, conclusion="cancelled", started_at=None),
        }
    )
    ran = orchestrator(daemon.path, "cancel", "1", "2", "--reason", "wrong")
    assert (ran.status, ran.err) == (13, "error: that is how it is\n")
    assert ran.out == "job 2  web → production was cancelled before it began.\n"
    assert daemon.asked[1].body == {"reason": "wrong"}


def test_cancel_a_recheck(daemon: Recording) -> None:
    """It is named by its environment, whose name may have slashes."""
    daemon.play({"POST /v1/environments/a/b/cancel-recheck": samples.ENVIRONMENT})
    ran = orchestrator(daemon.path, "cancel", "a/b/recheck-2", "--reason", "enough")
    assert ran.status == 0 and ran.out.startswith("environment production")
    assert daemon.asked[0].body == {"number": 2, "reason": "enough"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("cancel", "staging/2"), "such as staging/recheck-2"),
        (("cancel", "staging/recheck-x"), "not a job's number"),
        (("cancel", "staging/recheck-2", "--wait"), "--wait is for jobs"),
    ],
)
def test_what_is_no_recheck(daemon: Recording, words: tuple[str, ...], told: str) -> None:
    ran = orchestrator(daemon.path, *words)
    assert ran.status == 2 and told in ran.err


def test_cancel_and_wait(daemon: Recording) -> None:
    """It is done when the job was cancelled."""
    environment = {**samples.ENVIRONMENT, "running": [1], "queued": [2]}
    daemon.play(
        {
            "GET /v1/environments/a/b": environment,
            **{f"POST /v1/jobs/{n}/force-cancel": running(n) for n in (1, 2)},
            **{f"GET /v1/jobs/{n}/watch": watch_of(job(n, conclusion="cancelled")) for n in (1, 2)},
        }
    )
    ran = orchestrator(daemon.path, "cancel", "--environment", "a/b", "--force", "--wait")
    assert ran.status == 0
    posted = [asked.path for asked in daemon.asked if asked.method == "POST"]
    assert posted == ["/v1/jobs/2/force-cancel", "/v1/jobs/1/force-cancel"]


def test_show_json_is_the_job_itself(daemon: Recording) -> None:
    odd = job(reason="\x9b2J\u202e é")
    daemon.play({"GET /v1/jobs/118": odd})
    ran = orchestrator(daemon.path, "show", "118", "--json")
    assert json.loads(ran.out) == odd
    assert "é" in ran.out
    assert "\x9b" not in ran.out


def test_show_adds_the_quarantine_that_the_job_left(daemon: Recording) -> None:
    daemon.play(
        {
            "GET /v1/jobs/118": job(conclusion="failure", dirty=True),
            "GET /v1/environments/production": samples.ENVIRONMENT,
        }
    )
    assert "type:  terraform" in orchestrator(daemon.path, "show", "118").out


def test_output(daemon: Recording) -> None:
    outputs = {"url": "https://x", "n": 3, "list": ["a"], "text": "a\nb"}
    daemon.play({"GET /v1/jobs/118": job(steps=[step("plan", outputs=outputs)])})

    def said(*words: str) -> str:
        return orchestrator(daemon.path, "output", "118", "plan", *words).out

    assert said() == 'url=https://x\nn=3\nlist=["a"]\ntext=a\\nb\n'
    assert said("url") == "https://x\n"
    assert said("text") == "a\nb\n"
    assert said("list") == '["a"]\n'
    assert json.loads(said("--json")) == outputs
    missing = orchestrator(daemon.path, "output", "118", "plan", "x")
    assert (missing.status, "it has url, n" in missing.err) == (13, True)
    missing = orchestrator(daemon.path, "output", "118", "x")
    assert (missing.status, "its steps: plan" in missing.err) == (13, True)


def a_log(text: bytes) -> Answer:
    def answer(asked: Asked, connection: socket.socket) -> None:
        begin_stream(connection, "text/plain", Log_Offset="0")
        if text:
            chunk(connection, text)
        end_stream(connection)

    return answer


def test_log_of_all_steps_and_of_one(daemon: Recording) -> None:
    daemon.play(
        {
            "GET /v1/jobs/118": job(steps=[step("plan"), step("apply", attempt=2), step("quiet")]),
            "GET /v1/jobs/118/steps/plan/log": a_log(b"\x1b[32mgreen\x1b[0m\n\x1b[2Jx"),
            "GET /v1/jobs/118/steps/apply/log": a_log(b"done\n"),
            "GET /v1/jobs/118/steps/quiet/log": a_log(b""),
        }
    )
    ran = orchestrator(daemon.path, "log", "118")
    assert ran.out == "==> plan <==\ngreen\n\\x1b[2Jx\n\n==> apply (attempt 2) <==\ndone\n"
    assert orchestrator(daemon.path, "logs", "118", "apply", "--tail", "0").out == "done\n"
    assert daemon.asked[-1].path == "/v1/jobs/118/steps/apply/log?attempt=2&tail=0"
    lines = orchestrator(daemon.path, "log", "118", "apply", "--json").out.splitlines()
    assert [json.loads(line) for line in lines] == [{"step": "apply", "attempt": 2, "line": "done"}]


def test_events_until_the_newest(daemon: Recording) -> None:
    event = {"id": 3, "at": at(1), "by": None, "type": "job_finished", "job": 1, "dirty": True}

    def answer(asked: Asked, connection: socket.socket) -> None:
        begin_stream(connection)
        chunk(connection, f"id: 3\nevent: job_finished\ndata: {json.dumps(event)}\n\n".encode())
        end_stream(connection)

    daemon.play({"GET /v1/events": answer})
    ran = orchestrator(daemon.path, "events", "--since", "0")
    assert ran.out == "2026-01-31 12:01:00  3  job_finished  job 1  dirty\n"
    assert daemon.asked[0].path == "/v1/events?since=0"
    assert json.loads(orchestrator(daemon.path, "events", "--json").out) == event


def test_drain_waits_for_what_runs(daemon: Recording) -> None:
    """Drain waits for what runs, and for what that starts."""

    def status(*ids: int) -> Status:
        return {**samples.STATUS, "running": [running(one) for one in ids]}

    later = [status(2), status()]
    daemon.play(
        {
            "POST /v1/daemon/drain": status(1),
            "GET /v1/status": lambda asked, connection: reply(connection, later.pop(0)),
            **{f"GET /v1/jobs/{n}/watch": watch_of(job(n)) for n in (1, 2)},
        }
    )
    ran = orchestrator(daemon.path, "drain", "--wait", "--cancel")
    assert ran.status == 0
    assert "running  nothing" in ran.out
    assert daemon.asked[0].body == {"cancel": True, "reason": None}


def test_drain_waits_for_a_look(daemon: Recording) -> None:
    """What it runs may act as a cleanup may."""
    recheck: Recheck = {**samples.RECHECK, "started": at(9), "blockers": []}
    looks: Quarantine = {**samples.QUARANTINE, "recheck": recheck}
    looking: Status = {
        **samples.STATUS,
        "running": [],
        "quarantines": [{**samples.ENVIRONMENT, "quarantine": looks}],
    }
    later = [looking, {**samples.STATUS, "running": [], "quarantines": []}]
    daemon.play(
        {
            "POST /v1/daemon/drain": looking,
            "GET /v1/status": lambda asked, connection: reply(connection, later.pop(0)),
        }
    )
    assert orchestrator(daemon.path, "drain", "--wait").status == 0
    assert later == []


def test_cancel_all_stops_a_look_too(daemon: Recording) -> None:
    quarantine: Quarantine = {**samples.QUARANTINE, "recheck": samples.RECHECK}
    environment = {**samples.ENVIRONMENT, "queued": [], "quarantine": quarantine}
    daemon.play(
        {
            "GET /v1/environments/production": environment,
            "POST /v1/environments/production/cancel-recheck": samples.ENVIRONMENT,
        }
    )
    assert orchestrator(daemon.path, "cancel", "--environment", "production").status == 0
    assert daemon.asked[1].body == {"number": 2, "reason": None}


def test_unknown_runs(daemon: Recording) -> None:
    found = {"runs": [samples.UNKNOWN]}
    daemon.play({"GET /v1/unknown": found, "POST /v1/unknown/121": {"runs": []}})
    assert "job 121 (web) may be at work in production" in orchestrator(daemon.path, "unknown").out
    assert json.loads(orchestrator(daemon.path, "unknown", "--json").out) == found
    ran = orchestrator(daemon.path, "unknown", "121", "--wait", "--reason", "ps shows it")
    assert (ran.status, ran.out) == (0, "")
    assert "the journal knows every run" in ran.err
    assert daemon.asked[-1].body == {"verdict": "wait", "reason": "ps shows it"}
    orchestrator(daemon.path, "unknown", "121", "--dead", "--reason", "gone")
    assert daemon.asked[-1].body == {"verdict": "dead", "reason": "gone"}


def test_what_admins_type(daemon: Recording) -> None:
    plugin = {"name": "a", "version": None, "problem": None}
    daemon.play(
        {
            "POST /v1/environments/a/b/waive": samples.ENVIRONMENT,
            "POST /v1/environments/a/b/recheck": samples.ENVIRONMENT,
            "POST /v1/jobs/5/retry": queued(6),
            "POST /v1/daemon/resume": samples.STATUS,
            "POST /v1/daemon/reload": samples.STATUS,
            "GET /v1/plugins": {
                "plugins": [
                    {**plugin, "adapters": ["x", "y"], "version": "1", "api": "1.0"},
                    {**plugin, "name": "b", "adapters": [], "problem": "broken", "api": None},
                    {**plugin, "name": "c", "adapters": ["z"], "api": None},
                ]
            },
        }
    )
    assert orchestrator(daemon.path, "waive", "a/b", "--reason", "why").status == 0
    assert orchestrator(daemon.path, "recheck", "a/b").status == 0
    assert orchestrator(daemon.path, "retry", "5", "--latest").out == "6\n"
    assert daemon.asked[-1].headers["idempotency-key"].startswith("cli-")
    assert daemon.asked[-1].body == {"latest": True, "reason": None}
    assert orchestrator(daemon.path, "resume").status == 0
    assert orchestrator(daemon.path, "reload").out == "reloaded /etc/orchestrator\n"
    assert orchestrator(daemon.path, "plugins").out == (
        "PLUGIN  VERSION  ADAPTERS  STATE\n"
        "a       1        x, y      loaded\n"
        "b                          not loaded: broken\n"
        "c                z         loaded; states no plugin API, taken as 1.0\n"
    )


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion(tmp_path: Path, shell: str) -> None:
    script = orchestrator(tmp_path, "completion", shell).out
    for word in ("submit", "--on-disconnect", "environments"):
        assert word in script


@pytest.mark.slow
def test_first_configuration_checked_and_broken(tmp_path: Path) -> None:
    made = orchestrator(tmp_path, "init", str(tmp_path / "c"))
    assert made.status == 0
    assert all(Path(line).is_file() for line in made.out.splitlines())
    assert orchestrator(tmp_path, "init", str(tmp_path / "c")).status == 2
    good = orchestrator(tmp_path, "check", cwd=tmp_path / "c")
    assert (good.status, good.out) == (0, "")
    (tmp_path / "c" / "environments" / "bad.toml").write_text("locsk = []\n")
    bad = orchestrator(tmp_path, "check", "--config", str(tmp_path / "c"))
    assert bad.status == 2
    assert bad.out.startswith("environments/bad.toml:1: locsk: ")
    found = json.loads(
        orchestrator(tmp_path, "check", "--json", "--config", str(tmp_path / "c")).out
    )
    assert found["mistakes"][0]["key"] == "locsk"
    assert orchestrator(tmp_path, "check", "--config", "/no/such").status == 2


def test_schema(tmp_path: Path) -> None:
    assert "$schema" in json.loads(orchestrator(tmp_path, "schema", "pipeline").out)
    assert orchestrator(tmp_path, "schema", "x").status == 2


@pytest.mark.slow
def test_doctor(daemon: Recording, tmp_path: Path) -> None:
    directory = tmp_path / "c"
    orchestrator(tmp_path, "init", str(directory))
    state: DaemonState = {
        **samples.STATUS["daemon"],
        "draining": None,
        "state_dir": str(tmp_path),
        "configuration": {"directory": str(directory), "accepted_at": None, "problems": []},
    }
    daemon.play({"GET /v1/status": {**samples.STATUS, "daemon": state}})
    found = json.loads(orchestrator(daemon.path, "doctor", "--json").out)["findings"]
    subjects = {finding["subject"] for finding in found}
    assert subjects >= {"daemon", "socket", "groups", "configuration", "tool", "disk", "clock"}
    assert "unknown" in subjects
    assert orchestrator(tmp_path / "none.sock", "doctor").status == 5


@pytest.mark.slow
def test_serve_becomes_the_daemon(tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    ran = orchestrator(tmp_path, "serve", "--strict", "--config", str(tmp_path / "c"))
    assert ran.status == 2
    assert "orchestrator.toml" in ran.err


def test_result_file_is_private(daemon: Recording, tmp_path: Path) -> None:
    outputs = {"url": "https://x", "text": "a\nconclusion=success", "n": 3}
    ended = job(conclusion="failure", steps=[step("a-plan", outputs=outputs)])
    daemon.play({"POST /v1/jobs": queued(), "GET /v1/jobs/118/watch": watch_of(ended)})
    result = tmp_path / "result"
    ran = orchestrator(daemon.path, "submit", "web", "x", "--wait", "--result-file", str(result))
    assert ran.status == 1
    assert result.read_text() == (
        "job=118\nconclusion=failure\nhalted_by=\nwarnings=0\ndirty=false\n"
        'output_a_plan_url=https://x\noutput_a_plan_text="a\\nconclusion=success"\n'
        "output_a_plan_n=3\n"
    )
    assert stat.S_IMODE(result.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["o.sock", "result"]
