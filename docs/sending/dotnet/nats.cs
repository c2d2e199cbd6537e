// dotnet run nats.cs nats://127.0.0.1:4222 inbound.casino casino.json
#:package NATS.Net@3.3.2
using System.Security.Cryptography;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Net;

var (url, subject, file) = (args[0], args[1], args[2]);
var body = await File.ReadAllBytesAsync(file);
var id = Convert.ToHexString(SHA256.HashData(body));

await using var client = new NatsClient(url);
using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
// Throws if no stream answers: then send the same again.
var ack = await client.CreateJetStreamContext().PublishAsync(
    subject,
    body,
    opts: new NatsJSPubOpts { MsgId = id },
    headers: new NatsHeaders { ["type"] = "CASINO" },
    cancellationToken: limit.Token);
if (ack.Error is not null)
{
    throw new InvalidOperationException($"not stored: {ack.Error.Description}");
}
if (ack.Duplicate)
{
    Console.WriteLine("the server had these bytes already, and dropped them");
}
