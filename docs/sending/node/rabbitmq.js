// node rabbitmq.js amqp://guest:guest@127.0.0.1:5672/%2F casino casino.json
import { readFileSync } from "node:fs";
import amqp from "amqplib";

const [url, queue, file] = process.argv.slice(2);

setTimeout(() => {
  throw new Error("not confirmed within 10 s: send the same again");
}, 10_000).unref();

const connection = await amqp.connect(url);
try {
  const channel = await connection.createConfirmChannel();
  let returned;
  channel.on("return", (message) => {
    returned = message.fields.replyText;
  });
  const properties = { type: "CASINO", persistent: true, mandatory: true };
  channel.publish("", queue, readFileSync(file), properties);
  await channel.waitForConfirms(); // throws if the broker refuses
  if (returned) throw new Error(`no queue took the message: ${returned}`);
} finally {
  await connection.close();
}
