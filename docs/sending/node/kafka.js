// node kafka.js 127.0.0.1:9092 casino casino.json
import { readFileSync } from "node:fs";
import { Kafka, Partitioners } from "kafkajs";

const [server, topic, file] = process.argv.slice(2);

const producer = new Kafka({ brokers: [server] }).producer({
  idempotent: true,
  allowAutoTopicCreation: false, // a misspelt topic is an error
  createPartitioner: Partitioners.DefaultPartitioner, // that of the Java client
});
await producer.connect();
try {
  // Throws unless all replicas in sync have it: then send the same again.
  await producer.send({
    topic,
    acks: -1, // all
    messages: [{ key: "player-17", value: readFileSync(file), headers: { type: "CASINO" } }],
  });
} finally {
  await producer.disconnect();
}
