<?php
// php kafka.php 127.0.0.1:9092 casino casino.json

[, $server, $name, $file] = $argv;

$settings = new RdKafka\Conf();
$settings->set('bootstrap.servers', $server);
$settings->set('acks', 'all');
$settings->set('enable.idempotence', 'true');
$error = RD_KAFKA_RESP_ERR__IN_PROGRESS;
$settings->setDrMsgCb(function ($producer, $message) use (&$error): void {
    $error = $message->err;
});

$producer = new RdKafka\Producer($settings);
// A list of all topics. The producer would make the broker create a topic that does not exist.
$topics = [];
foreach ($producer->getMetadata(true, null, 10_000)->getTopics() as $found) {
    $topics[] = $found->getTopic();
}
if (!in_array($name, $topics, true)) {
    throw new RuntimeException("there is no topic $name");
}

$producer->newTopic($name)->producev(
    RD_KAFKA_PARTITION_UA, 0, file_get_contents($file), 'player-17', ['type' => 'CASINO']
);
// Waits until the broker has confirmed, or refused. If there is an error, send the same again.
$producer->flush(30_000);
if ($error !== RD_KAFKA_RESP_ERR_NO_ERROR) {
    throw new RuntimeException('not confirmed: ' . rd_kafka_err2str($error));
}
