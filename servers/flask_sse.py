"""Flask-SSE over Redis: the library as published, one Redis subscription per subscriber.

    GET /stream?channel=T  the stream; its head is sent with the first event
    POST /publish?topic=T  the body is published with `sse.publish`

The library opens a Redis connection per subscriber and one more per publish, ignores Last-Event-ID, sends no
keep-alive, and finds that a subscriber has closed when it next writes to it; our HTTP server notices that before. So
there is no resume: a subscriber does not receive what is published while it is disconnected.

The library writes `data:` and the text without a space between them, so a subscriber removes a space at the beginning
of the text, as the standard says. It writes no line for an empty text, which is therefore never delivered.

Without Redis a stream ends with an error, and a new one is answered with 500. `sse.publish` raises: at once if no
process listens on the port, after redis-py's own timeout if Redis does not answer. We add what every application would
need: a POST is then answered with 503, and a message of the ingest is dropped and reported on stderr. The ingest
publishes one message after the other, so messages behind one that waits for the timeout are late.

Options set on the library: SSE_REDIS_URL. Options set on our own Redis, which is used if REDIS_URL names none: `bind`
to loopback; nothing on disk (`save`, `appendonly`, `daemonize`); `maxclients` for a connection per subscriber; no limit
on what waits for a slow subscriber (`client-output-buffer-limit`).
"""

import sys

from flask import Flask, request

from servers import _limits, _redis, _routes
from servers._broker import Broker
from servers._variant import Limit, Technique, Variant, Wiring, package


def serve(app: Flask, broker: Broker) -> Wiring:
    """Add the library's blueprint; the broker of the techniques is not used."""
    from flask_sse import sse
    from redis.exceptions import ConnectionError as RedisGone
    from redis.exceptions import TimeoutError as RedisSilent

    redis = _redis.start()
    app.config["SSE_REDIS_URL"] = redis.url
    app.register_blueprint(sse, url_prefix="/stream")

    def publish(topic: str, text: bytes) -> None:
        with app.app_context():
            sse.publish(text.decode("ascii"), channel=topic)

    def ingest(topic: str, text: bytes) -> None:
        try:
            publish(topic, text)
        except (RedisGone, RedisSilent) as error:
            print(f"a message was not published: {type(error).__name__}: {error}", file=sys.stderr, flush=True)

    @app.before_request
    def check_channel() -> None:
        if request.endpoint == "sse.stream":
            _limits.topic(request.args.get("channel"))

    @app.errorhandler(RedisGone)
    @app.errorhandler(RedisSilent)
    def no_redis(error: Exception) -> tuple[str, int]:
        return "Redis does not answer\n", 503

    @app.post("/publish")
    def upstream() -> tuple[str, int]:
        publish(_routes.topic(), _limits.text(request.get_data()))
        return "", 204

    return Wiring(
        publish=ingest,
        broker=redis.used,
        broker_pid=redis.pid,
        broker_port=redis.port,
        broker_command=redis.command,
        options=_options(redis),
        stop=redis.stop,
    )


def _options(redis: _redis.Redis) -> dict[str, str]:
    """What is set and granted; the options of our own Redis only if that is the one in use."""
    ours = {f"own redis {name}": value or "(empty)" for name, value in _redis.OPTIONS.items()}
    return {
        "SSE_REDIS_URL": redis.used.reached,
        "redis": f"{redis.used.version} from {redis.used.origin}",
        "redis maxclients granted": redis.max_clients,
        **(ours if redis.command else {}),
    }


VARIANT = Variant(
    label="Flask-SSE",
    technique=Technique.SSE,
    product="Flask-SSE",
    client="sse",
    wire={"subscribe": "/stream?channel={topic}", "upstream": "/publish?topic={topic}", "head": "late"},
    serve=serve,
    limits=frozenset({Limit.EMPTY_TEXT, Limit.LEADING_SPACE}),
    needs=(package("flask_sse"), package("redis"), _redis.missing),
    works=_redis.unusable,
    descriptors=2,  # each subscriber has a Redis connection
    broker=_redis.not_ours,
    runs_on=("flask", "werkzeug", "gevent", "flask-sse", "redis"),
)
