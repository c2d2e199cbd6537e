// java -cp 'lib/*' Rabbitmq.java amqp://guest:guest@127.0.0.1:5672/%2F casino casino.json

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.Return;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReference;

class Rabbitmq {
    public static void main(String[] args) throws Exception {
        String url = args[0];
        String queue = args[1];
        byte[] body = Files.readAllBytes(Path.of(args[2]));
        AMQP.BasicProperties properties =
                new AMQP.BasicProperties.Builder().type("CASINO").deliveryMode(2).build();

        ConnectionFactory factory = new ConnectionFactory();
        factory.setUri(url);
        try (Connection connection = factory.newConnection();
                Channel channel = connection.createChannel()) {
            AtomicReference<Return> returned = new AtomicReference<>();
            channel.addReturnListener(returned::set);
            channel.confirmSelect();
            channel.basicPublish("", queue, /* mandatory */ true, properties, body);
            // Throws unless the broker confirms: then send the same again.
            channel.waitForConfirmsOrDie(10_000);
            if (returned.get() != null) {
                throw new IOException("no queue took the message: " + returned.get().getReplyText());
            }
        }
    }
}
