// java -cp 'lib/*' Nats.java nats://127.0.0.1:4222 inbound.casino casino.json

import io.nats.client.Connection;
import io.nats.client.PublishOptions;
import io.nats.client.api.PublishAck;
import io.nats.client.impl.Headers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;

class Nats {
    public static void main(String[] args) throws Exception {
        String url = args[0];
        String subject = args[1];
        byte[] body = Files.readAllBytes(Path.of(args[2]));
        byte[] hash = MessageDigest.getInstance("SHA-256").digest(body);
        PublishOptions options =
                PublishOptions.builder()
                        .messageId(HexFormat.of().formatHex(hash))
                        .streamTimeout(Duration.ofSeconds(10))
                        .build();
        Headers headers = new Headers().add("type", "CASINO");

        try (Connection connection = io.nats.client.Nats.connect(url)) {
            // Throws unless a stream has stored it: then send the same again.
            PublishAck ack = connection.jetStream().publish(subject, headers, body, options);
            if (ack.isDuplicate()) {
                System.out.println("the server had these bytes already, and dropped them");
            }
        }
    }
}
