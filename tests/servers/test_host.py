"""The life of a server process: the ready line, the stop, the end of its parent, and errors at the start."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading

import pytest

import servers
from tests.servers._process import WITHIN_S, Server, alive, eventually, launch, new_topic
from tests.servers._subscribers import subscribed

STOP_S = 2.0
NAMES = servers.names()


@pytest.mark.parametrize("name", NAMES)
def test_the_ready_line_and_health_identify_the_server(shared, name):
    server = shared(name)
    keys = {"variant", "pid", "port", "ingest_port", "nonce", "broker", "broker_pid", "broker_port", "broker_command"}
    assert set(server.ready) == keys
    response = server.request("GET", "/health")
    health = json.loads(response.body)
    assert response.headers["Content-Type"] == "application/json"
    assert (health["variant"], health["pid"], health["nonce"]) == (name, server.process.pid, "a-nonce")
    variant = servers.load(name)
    assert health["technique"] == variant.technique
    assert health["wire"] == dict(variant.wire)
    assert health["versions"] == servers.versions(variant)
    assert dict(variant.options).items() <= health["options"].items()
    if server.ready["broker_pid"] is not None:
        assert alive(server.ready["broker_pid"])


@pytest.mark.parametrize("name", NAMES)
def test_the_server_stops_in_time_with_open_streams(fresh, name):
    server = fresh(name)
    topic = new_topic()
    with subscribed(server, topic):
        connections = [server.connect() for _ in range(3)]
        connections[0].sendall(b"GET /half")
        code, seconds = server.stop()
        for connection in connections:
            connection.close()
    assert code == 0
    assert seconds < STOP_S
    assert server.ready["broker_pid"] is None or not alive(server.ready["broker_pid"])


def test_ctrl_c_stops_the_server(fresh):
    server = fresh("polling")
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(STOP_S) == 0
    assert "Traceback" not in server.errors()


def test_a_subscriber_that_never_reads_does_not_delay_the_end(fresh):
    server = fresh("websocket")
    topic = new_topic()
    with server.connect() as silent, subscribed(server, topic) as subscriber:
        silent.sendall(websocket_request(topic))
        assert b"101" in silent.recv(12)
        texts = [b"x" * 1_000_000] * 8
        server.publish(topic, *texts)
        subscriber.expect(texts)
        code, seconds = server.stop()
    assert code == 0
    assert seconds < STOP_S


def websocket_request(topic: str) -> bytes:
    return (
        f"GET /ws?topic={topic} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    ).encode()


PARENT = """
import os, subprocess, sys, time
environment = os.environ | {{"PUSHBENCH_PARENT": str(os.getpid())}}
server = subprocess.Popen([sys.executable, "-m", "servers", "{name}"], env=environment, stdout=subprocess.PIPE)
print(server.stdout.readline().decode(), end="", flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("name", ["sse", "flask_sse"])
def test_the_server_and_its_broker_end_with_the_parent(name):
    reason = servers.unavailable(servers.load(name))
    if reason:
        pytest.skip(reason)
    parent = launch(code=PARENT.format(name=name))
    assert parent.stdout is not None
    ready = json.loads(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    eventually(lambda: not alive(ready["pid"]), "the server's end")
    eventually(lambda: not alive(ready["broker_pid"] or 0), "its broker's end")


def test_the_server_survives_the_thread_that_started_it():
    started: list[Server] = []
    thread = threading.Thread(target=lambda: started.append(Server("sse")))
    thread.start()
    thread.join()
    server = started[0]
    try:
        for _ in range(3):
            assert server.healthy()
    finally:
        code, _ = server.stop()
        server.close()
    assert code == 0


def test_a_port_in_use_is_reported_in_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for variable in ("PUSHBENCH_PORT", "PUSHBENCH_INGEST_PORT"):
            process = launch("polling", **{variable: str(port)})
            output, errors = process.communicate(timeout=WITHIN_S)
            assert (process.returncode, output) == (2, "")
            assert len(errors.splitlines()) == 1
            assert str(port) in errors
            assert variable in errors


@pytest.mark.parametrize(
    ("arguments", "environment", "reason"),
    [
        (["web_socket"], {}, "websocket"),
        ([], {}, "--list"),
        (["sse", "--port", "70000"], {}, "70000"),
        (["sse"], {"PUSHBENCH_PORT": "http"}, "http"),
        (["flask_sse"], {"REDIS_URL": "redis://user:secret@127.0.0.1:1/0"}, "no Redis at redis://127.0.0.1:1/0"),
    ],
    ids=["unknown variant", "no variant", "no port", "port in words", "skipped variant"],
)
def test_a_server_that_cannot_run_reports_the_reason_in_one_line(arguments, environment, reason):
    process = launch(*arguments, **environment)
    output, errors = process.communicate(timeout=WITHIN_S)
    assert (process.returncode, output) == (2, "")
    assert len(errors.splitlines()) == 1
    assert reason in errors
    assert "secret" not in errors


def test_help_shows_examples():
    process = launch("--help")
    output, _ = process.communicate(timeout=WITHIN_S)
    assert process.returncode == 0
    assert "python -m servers sse --port 8000" in output


def test_the_list_shows_every_variant_and_what_is_missing():
    process = launch("--list", REDIS_URL="redis://127.0.0.1:1")
    output, _ = process.communicate(timeout=WITHIN_S)
    lines = {line.split()[0]: line for line in output.splitlines()}
    assert sorted(lines) == NAMES
    assert "skipped: no Redis" in lines["flask_sse"]
    assert servers.description("sse") in lines["sse"]


@pytest.mark.parametrize("name", ["sse", "websocket"])
def test_a_server_started_by_hand_prints_shell_lines_that_work(name):
    process = launch(name)
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        ready = json.loads(process.stdout.readline())
        hints = dict(process.stderr.readline().split(None, 1) for _ in range(3))
        assert str(ready["port"]) in hints["subscribe:"]
        subscriber = subprocess.Popen(
            hints["subscribe:"].replace("python", sys.executable), shell=True, text=True, start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert subscriber.stdout is not None
        output: list[str] = []
        reader = threading.Thread(target=lambda: output.extend(iter(subscriber.stdout.readline, "")))
        reader.start()
        subprocess.run(hints["publish:"].replace("--max-time 1", "--max-time 0.2"), shell=True, stdout=-3, stderr=-3)
        eventually(lambda: subprocess.run(hints["publish:"].replace("--max-time 1", "--max-time 0.2"), shell=True,
                   stdout=-3, stderr=-3) and any("hello" in line for line in output), "the text")  # fmt: skip
        os.killpg(subscriber.pid, signal.SIGKILL)
        reader.join()
        subscriber.communicate()
    finally:
        process.terminate()
        process.communicate(timeout=WITHIN_S)
    assert process.returncode == 0


ELSEWHERE = """
import sys
from servers import Technique, Variant
PROGRAM = "import os; print(os.getcwd(), *[os.environ['PUSHBENCH_' + name] for name in ('PORT', 'NONCE', 'TOKEN')])"
VARIANT = Variant(label="E", technique=Technique.SSE, client="sse", wire={}, command=(sys.executable, "-c", PROGRAM))
"""


def test_a_variant_with_a_command_becomes_that_program_with_the_settings_in_its_environment(
    tmp_path,
):
    package = tmp_path / "servers"
    package.mkdir()
    (package / "elsewhere.py").write_text(ELSEWHERE)
    code = (f"import servers; servers.__path__.insert(0, {str(package)!r})\n"
            "from servers.__main__ import main; main(['elsewhere', '--port', '1234'])")  # fmt: skip
    process = launch(code=code, PUSHBENCH_NONCE="a-nonce", PUSHBENCH_TOKEN="a-token")
    output, errors = process.communicate(timeout=WITHIN_S)
    assert output.split() == [str(tmp_path), "1234", "a-nonce", "a-token"], errors


def test_the_server_raises_its_limit_of_open_files(shared):
    with open(f"/proc/{shared('polling').process.pid}/limits") as limits:
        soft, hard = next(line for line in limits if line.startswith("Max open files")).split()[3:5]
    assert soft == hard
