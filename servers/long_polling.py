"""Long polling: the subscriber sends a request, and the server answers it once there is a text.

    GET /wait?topic=T                            the cursor of the topic's end, at once
    GET /wait?topic=T&after=EPOCH:OFFSET&hold=S  the texts after the cursor, one per line, as soon as there are any;
                                                 an empty answer after S seconds
    POST /publish?topic=T                        the body is published

Texts published between an answer and the next request come with the next answer, so at a higher rate one answer carries
more texts.
"""

from flask import Flask, Response, request

from servers import _limits, _routes
from servers._broker import Broker
from servers._variant import Capability, Technique, Variant


def serve(app: Flask, broker: Broker) -> None:
    """Add the routes."""

    @app.get("/wait")
    def wait() -> Response:
        hold_s = _limits.hold_s(request.args.get("hold"))
        return _routes.reply(broker.wait(_routes.topic(), _routes.after(), hold_s))

    @app.post("/publish")
    def publish() -> tuple[str, int]:
        return _routes.publish(broker)


VARIANT = Variant(
    label="Long polling",
    technique=Technique.LONG_POLLING,
    client="long_polling",
    wire={"subscribe": "/wait?topic={topic}", "upstream": "/publish?topic={topic}"},
    serve=serve,
    capabilities=frozenset({Capability.RESUME}),
    by_hand="curl -i 'http://{address}/wait?topic={topic}'  # again with &after= and the Push-Cursor of the reply",
    runs_on=("flask", "werkzeug", "gevent"),
)
