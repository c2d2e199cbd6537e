// dotnet run rabbitmq.cs amqp://guest:guest@127.0.0.1:5672/%2F casino casino.json
#:package RabbitMQ.Client@7.2.2
using RabbitMQ.Client;

var (url, queue, file) = (args[0], args[1], args[2]);
var body = await File.ReadAllBytesAsync(file);
var properties = new BasicProperties { Type = "CASINO", Persistent = true };

var factory = new ConnectionFactory { Uri = new Uri(url) };
await using var connection = await factory.CreateConnectionAsync();
await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(
    publisherConfirmationsEnabled: true,
    publisherConfirmationTrackingEnabled: true));

using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
// Throws unless the broker confirms, and if no queue took it: then send the same again.
await channel.BasicPublishAsync("", queue, mandatory: true, properties, body, limit.Token);
