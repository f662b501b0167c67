// k6 as an experienced user writes it: the WebSocket API with the event loop, all connections from one virtual user,
// and a handler that only counts. That is the cheapest way. When it was chosen, 500 connections at 20 messages/s cost
// 32, 32, 35 and 40 µs of CPU per message with 1, 5, 50 and 500 virtual users, and twice the memory with the last. One
// virtual user per connection is the custom of the older k6/ws, where a connection blocks its virtual user.
// The lines printed ten times a second carry no time, because k6 has no monotonic clock: the reading process has one.
//
//     k6 run -e URL=ws://127.0.0.1:8000/ws?topic=T -e SUBSCRIBERS=1000 k6.js
//
// It is CommonJS, because the module's name depends on the version: k6/websockets or k6/experimental/websockets.
let sockets;
try {
  sockets = require("k6/websockets");
} catch (unknown) {
  sockets = require("k6/experimental/websockets");
}

exports.options = {
  systemTags: [], // not used
  scenarios: {
    subscribers: { executor: "per-vu-iterations", vus: 1, iterations: 1, maxDuration: "10h", gracefulStop: "0s" },
  },
};

exports.default = function () {
  let connected = 0;
  let received = 0;
  const count = (message) => {
    if (typeof message.data === "string") received += 1; // the server's control frames are binary
  };
  const open = () => {
    connected += 1;
  };
  for (let index = 0; index < Number(__ENV.SUBSCRIBERS); index++) {
    const socket = new sockets.WebSocket(__ENV.URL);
    socket.onopen = open;
    socket.onmessage = count;
  }
  setInterval(() => console.log(JSON.stringify({ connected, received })), 100);
};
