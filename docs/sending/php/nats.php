<?php
// php nats.php nats://127.0.0.1:4222 inbound.casino casino.json
require 'vendor/autoload.php';

use Basis\Nats\Client;
use Basis\Nats\Configuration;
use Basis\Nats\Message\Payload;

[, $url, $subject, $file] = $argv;
$server = parse_url($url);

$client = new Client(new Configuration(
    host: $server['host'], port: $server['port'], timeout: 10
));
$body = file_get_contents($file);
$message = new Payload($body, ['type' => 'CASINO', 'Nats-Msg-Id' => hash('sha256', $body)]);
// Throws if no stream answers: then send the same again.
$ack = $client->dispatch($subject, $message);
// The client does not throw if JetStream answers with an error.
if (!$ack->seq) {
    throw new RuntimeException("not stored: $ack");
}
if ($ack->duplicate) {
    echo "the server had these bytes already, and dropped them\n";
}
