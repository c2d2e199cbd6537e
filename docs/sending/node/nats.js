// node nats.js nats://127.0.0.1:4222 inbound.casino casino.json
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { jetstream } from "@nats-io/jetstream";
import { connect, headers } from "@nats-io/transport-node";

const [url, subject, file] = process.argv.slice(2);

const connection = await connect({ servers: url });
try {
  const body = readFileSync(file);
  const head = headers();
  head.set("type", "CASINO");
  // Throws unless a stream has stored it: then send the same again.
  const ack = await jetstream(connection).publish(subject, body, {
    headers: head,
    msgID: createHash("sha256").update(body).digest("hex"),
    timeout: 10_000,
  });
  if (ack.duplicate) console.log("the server had these bytes already, and dropped them");
} finally {
  await connection.close();
}
