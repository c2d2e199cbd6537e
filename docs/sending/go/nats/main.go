// go run ./nats nats://127.0.0.1:4222 inbound.casino casino.json
package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func main() {
	url, subject, file := os.Args[1], os.Args[2], os.Args[3]
	body, err := os.ReadFile(file)
	if err == nil {
		err = send(url, subject, body)
	}
	if err != nil {
		log.Fatal(err) // ends with exit code 1: send the same again
	}
}

func send(url, subject string, body []byte) error {
	connection, err := nats.Connect(url)
	if err != nil {
		return err
	}
	defer connection.Close()
	stream, err := jetstream.New(connection)
	if err != nil {
		return err
	}

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	message := nats.NewMsg(subject)
	message.Header.Set("type", "CASINO")
	message.Data = body
	id := fmt.Sprintf("%x", sha256.Sum256(body))
	// An error unless a stream has stored it.
	ack, err := stream.PublishMsg(ctx, message, jetstream.WithMsgID(id))
	if err != nil {
		return err
	}
	if ack.Duplicate {
		fmt.Println("the server had these bytes already, and dropped them")
	}
	return nil
}
