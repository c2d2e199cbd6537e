// java -cp 'lib/*' Kafka.java 127.0.0.1:9092 casino casino.json

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

class Kafka {
    public static void main(String[] args) throws Exception {
        String topic = args[1];
        byte[] body = Files.readAllBytes(Path.of(args[2]));
        Map<String, Object> server = Map.of("bootstrap.servers", args[0]);
        Map<String, Object> settings =
                Map.of("bootstrap.servers", args[0], "acks", "all", "enable.idempotence", true);

        try (Admin admin = Admin.create(server)) {
            // Throws if the topic does not exist. The producer would make the broker create it.
            admin.describeTopics(List.of(topic)).allTopicNames().get();
        }
        try (KafkaProducer<String, byte[]> producer =
                new KafkaProducer<>(settings, new StringSerializer(), new ByteArraySerializer())) {
            ProducerRecord<String, byte[]> record = new ProducerRecord<>(topic, "player-17", body);
            record.headers().add("type", "CASINO".getBytes(UTF_8));
            // Throws unless all replicas in sync have it: then send the same again.
            producer.send(record).get();
        }
    }
}
