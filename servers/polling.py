"""Short polling: the subscriber sends a request at every poll interval, and the server answers at once.

    GET /poll?topic=T                     the cursor of the topic's end, and no text
    GET /poll?topic=T&after=EPOCH:OFFSET  the texts after the cursor, one per line, and the next cursor
    POST /publish?topic=T                 the body is published

The staleness of the data depends on the poll interval, which the subscriber chooses and the server does not know.
"""

from flask import Flask, Response

from servers import _routes
from servers._broker import Broker
from servers._variant import Capability, Technique, Variant


def serve(app: Flask, broker: Broker) -> None:
    """Add the routes."""

    @app.get("/poll")
    def poll() -> Response:
        return _routes.reply(broker.read(_routes.topic(), _routes.after()))

    @app.post("/publish")
    def publish() -> tuple[str, int]:
        return _routes.publish(broker)


VARIANT = Variant(
    label="Short polling",
    technique=Technique.POLLING,
    client="polling",
    wire={"subscribe": "/poll?topic={topic}", "upstream": "/publish?topic={topic}"},
    serve=serve,
    capabilities=frozenset({Capability.RESUME}),
    by_hand="curl -i 'http://{address}/poll?topic={topic}'  # again with &after= and the Push-Cursor of the reply",
    runs_on=("flask", "werkzeug", "gevent"),
)
