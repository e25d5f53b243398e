"""Staying with a job: through signals, restarts of the daemon, and lost answers."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from orchestrator.cli.client.wire import Step
from tests.cli.cli_recording import (
    Answer,
    Asked,
    Recording,
    begin_stream,
    chunk,
    end_stream,
    environment_for,
    job_event,
    orchestrator,
    problem,
    reply,
    watch_of,
)
from tests.cli.cli_samples import at, job, queued, running, step

SECONDS = 30


class Watched:
    """A job that runs until it is told to end; tells when it is watched."""

    def __init__(self) -> None:
        self.watched = threading.Semaphore(0)
        self.ended = threading.Event()
        self.end = job()

    def answer(self, asked: Asked, connection: socket.socket) -> None:
        begin_stream(connection)
        job_event(connection, running())
        self.watched.release()
        self.ended.wait(SECONDS)
        job_event(connection, self.end)
        end_stream(connection)

    def finish(self, **fields: object) -> None:
        self.end = job(**fields)
        self.ended.set()


def start(path: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "orchestrator.cli.main", *words],
        env=environment_for(path),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def lose(asked: Asked, connection: socket.socket) -> None:
    """The daemon dies before it answers."""


def test_a_lost_answer_is_asked_again(daemon: Recording) -> None:
    """A lost answer is asked for again with the same key."""
    answers: list[Answer] = [lose, lambda asked, connection: reply(connection, queued(7))]
    daemon.play({"POST /v1/jobs": lambda asked, connection: answers.pop(0)(asked, connection)})
    ran = orchestrator(daemon.path, "submit", "web", "x")
    assert (ran.status, ran.out) == (0, "7\n")
    assert "the daemon is away" in ran.err
    first, second = daemon.asked
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert first.body == second.body


def test_a_daemon_that_stops_is_asked_again(daemon: Recording) -> None:
    answers: list[Answer] = [
        lambda asked, connection: problem(connection, 503, "stopping", type="stopping"),
        lambda asked, connection: reply(connection, queued(7)),
    ]
    daemon.play({"POST /v1/jobs": lambda asked, connection: answers.pop(0)(asked, connection)})
    assert orchestrator(daemon.path, "submit", "web", "x").out == "7\n"


def test_a_daemon_without_its_state(daemon: Recording) -> None:
    """A daemon that can't read its state is not asked again."""
    daemon.play(
        {
            "POST /v1/jobs": lambda asked, connection: problem(
                connection, 503, "no state", type="state-unreadable"
            )
        }
    )
    assert orchestrator(daemon.path, "submit", "web", "x").status == 9
    assert len(daemon.asked) == 1


def test_wait_goes_on_over_a_restart(daemon: Recording) -> None:
    states: list[Answer] = [watch_of(running()), lose, watch_of(running(), job())]
    daemon.play(
        {"GET /v1/jobs/118/watch": lambda asked, connection: states.pop(0)(asked, connection)}
    )
    ran = orchestrator(daemon.path, "wait", "118")
    assert ran.status == 0
    assert len(daemon.asked) == 3


def test_wait_goes_on_while_the_socket_is_gone(daemon: Recording) -> None:
    gone = threading.Event()

    def cut(asked: Asked, connection: socket.socket) -> None:
        begin_stream(connection)
        job_event(connection, running())
        daemon.stop()
        gone.set()

    daemon.play({"GET /v1/jobs/118/watch": cut})
    waiting = start(daemon.path, "wait", "118")
    assert gone.wait(SECONDS)
    assert waiting.stderr
    assert "running" in waiting.stderr.readline()
    assert "the daemon is away" in waiting.stderr.readline()
    daemon.play({"GET /v1/jobs/118/watch": watch_of(job())})
    daemon.start()
    out, _ = waiting.communicate(timeout=SECONDS)
    assert (waiting.returncode, out.startswith("job 118")) == (0, True)


def test_a_daemon_that_stays_away(
    daemon: Recording, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from orchestrator.cli.client import daemon as module
    from orchestrator.cli.main import main

    monkeypatch.setattr(module, "PATIENCE", 0.2)
    daemon.play({"GET /v1/jobs/118/watch": lose})
    assert main(["wait", "118", "--socket", str(daemon.path)]) == 5
    assert "did not come back" in capsys.readouterr().err


def test_an_interrupt_asks_for_a_stop(daemon: Recording) -> None:
    """An interrupt asks for a stop and waits for it."""
    watched = Watched()

    def cancel(asked: Asked, connection: socket.socket) -> None:
        reply(connection, running(phase="cancelling"))
        watched.finish(conclusion="cancelled")

    daemon.play(
        {
            "POST /v1/jobs": queued(),
            "GET /v1/jobs/118/watch": watched.answer,
            "POST /v1/jobs/118/cancel": cancel,
        }
    )
    submitting = start(daemon.path, "submit", "web", "production", "--wait")
    assert watched.watched.acquire(timeout=SECONDS)
    submitting.send_signal(signal.SIGINT)
    out, err = submitting.communicate(timeout=SECONDS)
    assert submitting.returncode == 4
    assert out.startswith("118\njob 118  web → production  deploy  cancelled")
    assert "asking job 118 to stop" in err


def test_a_second_interrupt_detaches(daemon: Recording) -> None:
    watched = Watched()
    daemon.play(
        {
            "POST /v1/jobs": queued(),
            "GET /v1/jobs/118/watch": watched.answer,
            "POST /v1/jobs/118/cancel": running(phase="cancelling"),
        }
    )
    submitting = start(daemon.path, "submit", "web", "production", "--wait")
    for number in (signal.SIGTERM, signal.SIGINT):
        assert watched.watched.acquire(timeout=SECONDS)
        submitting.send_signal(number)
    _, err = submitting.communicate(timeout=SECONDS)
    watched.finish()
    assert submitting.returncode == 12
    assert "Look again: orchestrator wait 118" in err


def test_a_second_interrupt_while_the_daemon_is_asked(daemon: Recording) -> None:
    """It detaches too, although the daemon has not answered the request to stop."""
    watched, asking = Watched(), threading.Semaphore(0)

    def answer_late(asked: Asked, connection: socket.socket) -> None:
        asking.release()
        watched.ended.wait(SECONDS)

    daemon.play(
        {
            "POST /v1/jobs": queued(),
            "GET /v1/jobs/118/watch": watched.answer,
            "POST /v1/jobs/118/cancel": answer_late,
        }
    )
    submitting = start(daemon.path, "submit", "web", "production", "--wait")
    for reached in (watched.watched, asking):
        assert reached.acquire(timeout=SECONDS)
        submitting.send_signal(signal.SIGINT)
    _, err = submitting.communicate(timeout=SECONDS)
    watched.finish()
    assert submitting.returncode == 12
    assert "Look again: orchestrator wait 118" in err


def test_an_interrupt_that_may_only_detach(daemon: Recording) -> None:
    watched = Watched()
    daemon.play({"POST /v1/jobs": queued(), "GET /v1/jobs/118/watch": watched.answer})
    submitting = start(daemon.path, "submit", "web", "x", "--wait", "--on-interrupt", "detach")
    assert watched.watched.acquire(timeout=SECONDS)
    submitting.send_signal(signal.SIGINT)
    submitting.communicate(timeout=SECONDS)
    watched.finish()
    assert submitting.returncode == 12
    assert not any(asked.path.endswith("/cancel") for asked in daemon.asked)


def test_an_interrupt_by_somebody_else(daemon: Recording) -> None:
    """An interrupt by one who may not stop it."""
    watched = Watched()

    def forbid(asked: Asked, connection: socket.socket) -> None:
        problem(connection, 403, "you may not stop job 118", holders=["@release", "root"])

    daemon.play(
        {
            "POST /v1/jobs": queued(),
            "GET /v1/jobs/118/watch": watched.answer,
            "POST /v1/jobs/118/cancel": forbid,
        }
    )
    submitting = start(daemon.path, "submit", "web", "x", "--follow")
    assert watched.watched.acquire(timeout=SECONDS)
    submitting.send_signal(signal.SIGINT)
    _, err = submitting.communicate(timeout=SECONDS)
    watched.finish()
    assert submitting.returncode == 12
    assert "you may not stop job 118; it may be stopped by @release, root; job 118 goes on" in err


def test_an_interrupt_before_the_number_is_known(daemon: Recording) -> None:
    asked_once = threading.Event()
    watched = Watched()

    def slowly(asked: Asked, connection: socket.socket) -> None:
        if not asked_once.is_set():
            asked_once.set()
            connection.recv(1)  # until the client gives up
        else:
            reply(connection, queued())

    def cancel(asked: Asked, connection: socket.socket) -> None:
        watched.finish(conclusion="cancelled")
        reply(connection, running(phase="cancelling"))

    daemon.play(
        {
            "POST /v1/jobs": slowly,
            "GET /v1/jobs/118/watch": watched.answer,
            "POST /v1/jobs/118/cancel": cancel,
        }
    )
    submitting = start(daemon.path, "submit", "web", "x", "--wait")
    assert asked_once.wait(SECONDS)
    submitting.send_signal(signal.SIGTERM)
    submitting.communicate(timeout=SECONDS)
    assert submitting.returncode == 4
    keys = {asked.headers.get("idempotency-key") for asked in daemon.asked[:2]}
    assert len(keys) == 1


def test_presence_is_told_only_when_asked_for(daemon: Recording) -> None:
    daemon.play({"POST /v1/jobs": queued(), "GET /v1/jobs/118/watch": watch_of(job())})
    orchestrator(daemon.path, "submit", "web", "x", "--wait")
    orchestrator(daemon.path, "submit", "web", "x", "--wait", "--on-disconnect", "cancel")
    watches = [asked.path for asked in daemon.asked if asked.method == "GET"]
    assert watches == ["/v1/jobs/118/watch", "/v1/jobs/118/watch?attend=true"]
    submitted = daemon.asked[2].body
    assert isinstance(submitted, dict) and submitted["on_disconnect"] == "cancel"


def test_interrupts_of_those_who_only_look(daemon: Recording) -> None:
    for words in (("wait", "118"), ("log", "118", "-f"), ("drain", "--wait")):
        watched = Watched()
        status = {"daemon": {}, "running": [running()], "queued": [], "preparing": []}
        daemon.play(
            {
                "GET /v1/jobs/118": running(),
                "GET /v1/jobs/118/watch": watched.answer,
                "POST /v1/daemon/drain": status,
            }
        )
        looking = start(daemon.path, *words)
        assert watched.watched.acquire(timeout=SECONDS)
        looking.send_signal(signal.SIGINT)
        _, err = looking.communicate(timeout=SECONDS)
        watched.finish()
        assert (looking.returncode, "Traceback" in err) == (12, False)


def test_an_interrupted_quick_verb_dies_of_it(daemon: Recording) -> None:
    asked_once = threading.Event()

    def never(asked: Asked, connection: socket.socket) -> None:
        asked_once.set()
        connection.recv(1)

    daemon.play({"GET /v1/jobs": never})
    looking = start(daemon.path, "jobs")
    assert asked_once.wait(SECONDS)
    looking.send_signal(signal.SIGINT)
    _, err = looking.communicate(timeout=SECONDS)
    assert (looking.returncode, err) == (-signal.SIGINT, "")


def at_work(name: str, **fields: object) -> Step:
    live = {"phase": "applying", "conclusion": None, "exit": None, "finished_at": None}
    return step(name, **{**live, **fields})


class FollowedLog:
    """Two steps side by side whose logs break off in the middle, once."""

    def __init__(self, daemon: Recording) -> None:
        self.asked_for: list[str] = []
        self.first = {"a": threading.Event(), "b": threading.Event()}
        self.finished = threading.Barrier(2)
        daemon.play(
            {
                "GET /v1/jobs/118": running(steps=[at_work("a")]),
                "GET /v1/jobs/118/watch": self.watch,
                "GET /v1/jobs/118/steps/a/log": self.log,
                "GET /v1/jobs/118/steps/b/log": self.log,
            }
        )
        self.watches = 0

    def watch(self, asked: Asked, connection: socket.socket) -> None:
        self.watches += 1
        begin_stream(connection)
        job_event(connection, running(steps=[at_work("a"), at_work("b")]))
        if self.watches == 1:
            for event in self.first.values():
                event.wait(SECONDS)
            return  # the daemon dies
        self.finished.wait(SECONDS)
        job_event(connection, job(steps=[step("a"), step("b")]))
        end_stream(connection)

    def log(self, asked: Asked, connection: socket.socket) -> None:
        name = asked.path.split("/")[5]
        self.asked_for.append(asked.path)
        text = f"{name}: first\n{name}: second\n".encode()
        offset = int(asked.path.partition("offset=")[2].partition("&")[0] or 0)
        begin_stream(connection, "text/plain", Log_Offset=str(offset))
        if not offset:
            chunk(connection, text[:12])  # in the middle of the second line
            self.first[name].set()
            connection.recv(1)
            return
        chunk(connection, text[offset:])
        end_stream(connection)
        if name == "b":
            self.finished.wait(SECONDS)


def test_follow_goes_on_where_the_daemon_died(daemon: Recording) -> None:
    log = FollowedLog(daemon)
    ran = orchestrator(daemon.path, "log", "118", "-f")
    assert ran.status == 0
    for name in "ab":
        mine = [line for line in ran.out.splitlines() if line.startswith(f"{name}:")]
        assert mine == [f"{name}: first", f"{name}: second"]
        assert f"==> {name} <==" in ran.out
    assert any("offset=12" in path for path in log.asked_for)


def test_follow_of_one_step_ends_with_the_step(daemon: Recording) -> None:
    watched = threading.Event()

    def watch(asked: Asked, connection: socket.socket) -> None:
        begin_stream(connection)
        job_event(connection, running(steps=[step("a"), at_work("b")]))
        watched.wait(SECONDS)

    def log(asked: Asked, connection: socket.socket) -> None:
        begin_stream(connection, "text/plain", Log_Offset="40")
        chunk(connection, b"tail\n")
        end_stream(connection)

    daemon.play(
        {
            "GET /v1/jobs/118": running(steps=[step("a"), at_work("b")]),
            "GET /v1/jobs/118/watch": watch,
            "GET /v1/jobs/118/steps/a/log": log,
        }
    )
    ran = orchestrator(daemon.path, "log", "118", "a", "-f", "--tail", "1")
    watched.set()
    assert (ran.status, ran.out) == (0, "tail\n")
    assert "attempt=1&follow=true&tail=1" in daemon.asked[-1].path


def test_submit_and_follow_ends_with_the_job(daemon: Recording) -> None:
    def log(asked: Asked, connection: socket.socket) -> None:
        begin_stream(connection, "text/plain")
        chunk(connection, b"hello\n")
        end_stream(connection)

    ended = job(conclusion="failure", steps=[step("a"), step("b", started_at=None)])
    daemon.play(
        {
            "POST /v1/jobs": queued(),
            "GET /v1/jobs/118/watch": watch_of(ended),
            "GET /v1/jobs/118/steps/a/log": log,
        }
    )
    ran = orchestrator(daemon.path, "submit", "web", "production", "--follow")
    assert ran.status == 1
    assert ran.out.startswith("118\n==> a <==\nhello\njob 118")
    as_json = orchestrator(daemon.path, "submit", "web", "production", "--follow", "--json")
    lines = [json.loads(line) for line in as_json.out.splitlines()]
    assert lines == [{"step": "a", "attempt": 1, "line": "hello"}, ended]


def test_events_go_on_after_the_last(daemon: Recording) -> None:
    second = threading.Event()

    def answer(asked: Asked, connection: socket.socket) -> None:
        begin_stream(connection)
        number = int(asked.headers.get("last-event-id", 3)) + 1
        event = {"id": number, "at": at(1), "by": None, "type": "x"}
        chunk(connection, f"id: {number}\nevent: x\ndata: {json.dumps(event)}\n\n".encode())
        if number == 5:
            second.set()
            connection.recv(1)

    daemon.play({"GET /v1/events": answer})
    following = start(daemon.path, "events", "-f", "--since", "3", "--json")
    assert second.wait(SECONDS)
    assert following.stdout
    assert [json.loads(following.stdout.readline())["id"] for _ in range(2)] == [4, 5]
    following.send_signal(signal.SIGINT)
    following.communicate(timeout=SECONDS)
    assert following.returncode == 12
    assert [asked.path for asked in daemon.asked] == [
        "/v1/events?since=3&follow=true",
        "/v1/events?follow=true",
    ]


def test_live_progress_on_a_terminal(daemon: Recording) -> None:
    import pty

    daemon.play(
        {
            "POST /v1/jobs": queued(),
            "GET /v1/jobs/118/watch": watch_of(running(steps=[at_work("a\x1b[2J")]), job()),
        }
    )
    pid, master = pty.fork()
    if pid == 0:
        os.execve(
            sys.executable,
            [sys.executable, "-m", "orchestrator.cli.main", "submit", "web", "x", "--wait"],
            environment_for(daemon.path, TERM="xterm"),
        )
    shown = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # the other side is closed
            break
        if not piece:
            break
        shown += piece
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(master)
    text = shown.decode()
    assert "\r\x1b[Kjob 118  running" in text
    assert "a\\x1b[2J: applying" in text
    assert "\x1b[32m✓\x1b[0m \x1b[32msuccess\x1b[0m" in text
