<?php
// php rabbitmq.php amqp://guest:guest@127.0.0.1:5672 casino casino.json
require 'vendor/autoload.php';

use PhpAmqpLib\Connection\AMQPStreamConnection;
use PhpAmqpLib\Message\AMQPMessage;

[, $url, $queue, $file] = $argv;
$server = parse_url($url);

$connection = new AMQPStreamConnection(
    $server['host'], $server['port'], $server['user'], $server['pass']
);
$channel = $connection->channel();
$channel->confirm_select();
$channel->set_return_listener(function (int $code, string $text): void {
    throw new RuntimeException("no queue took the message: $text");
});
$channel->set_nack_handler(function (): void {
    throw new RuntimeException('the broker refused the message');
});
$message = new AMQPMessage(
    file_get_contents($file),
    ['type' => 'CASINO', 'delivery_mode' => AMQPMessage::DELIVERY_MODE_PERSISTENT]
);
$channel->basic_publish($message, '', $queue, mandatory: true);
// Throws unless the broker confirms within 10 s: then send the same again.
$channel->wait_for_pending_acks_returns(10);
$connection->close();
