// go run ./kafka 127.0.0.1:9092 casino casino.json
package main

import (
	"context"
	"log"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	server, topic, file := os.Args[1], os.Args[2], os.Args[3]
	body, err := os.ReadFile(file)
	if err == nil {
		err = send(server, topic, body)
	}
	if err != nil {
		log.Fatal(err) // ends with exit code 1: send the same again
	}
}

func send(server, topic string, body []byte) error {
	// The client is idempotent by default, and never makes the broker create a topic.
	client, err := kgo.NewClient(
		kgo.SeedBrokers(server),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.RecordDeliveryTimeout(30*time.Second),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	record := &kgo.Record{
		Topic:   topic,
		Key:     []byte("player-17"),
		Value:   body,
		Headers: []kgo.RecordHeader{{Key: "type", Value: []byte("CASINO")}},
	}
	// An error unless all replicas in sync have it.
	return client.ProduceSync(context.Background(), record).FirstErr()
}
