// dotnet run kafka.cs 127.0.0.1:9092 casino casino.json
#:package Confluent.Kafka@2.16.0
using Confluent.Kafka;

var (server, topic, file) = (args[0], args[1], args[2]);
var body = await File.ReadAllBytesAsync(file);
var config = new ProducerConfig
{
    BootstrapServers = server,
    Acks = Acks.All,
    EnableIdempotence = true,
};
using var producer = new ProducerBuilder<string, byte[]>(config).Build();

// A list of all topics. The producer would make the broker create a topic that does not exist.
using var admin = new DependentAdminClientBuilder(producer.Handle).Build();
var topics = admin.GetMetadata(TimeSpan.FromSeconds(10)).Topics;
if (!topics.Any(found => found.Topic == topic))
{
    throw new InvalidOperationException($"there is no topic {topic}");
}

// Throws unless all replicas in sync have it: then send the same again.
await producer.ProduceAsync(topic, new Message<string, byte[]>
{
    Key = "player-17",
    Value = body,
    Headers = new Headers { { "type", "CASINO"u8.ToArray() } },
});
