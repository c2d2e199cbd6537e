// go run ./rabbitmq amqp://guest:guest@127.0.0.1:5672/%2F casino casino.json
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

func main() {
	url, queue, file := os.Args[1], os.Args[2], os.Args[3]
	body, err := os.ReadFile(file)
	if err == nil {
		err = send(url, queue, body)
	}
	if err != nil {
		log.Fatal(err) // ends with exit code 1: send the same again
	}
}

func send(url, queue string, body []byte) error {
	connection, err := amqp.Dial(url)
	if err != nil {
		return err
	}
	defer connection.Close()
	channel, err := connection.Channel()
	if err != nil {
		return err
	}
	if err := channel.Confirm(false); err != nil {
		return err
	}
	returned := channel.NotifyReturn(make(chan amqp.Return, 1))

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	const mandatory, immediate = true, false
	confirmation, err := channel.PublishWithDeferredConfirmWithContext(
		ctx, "", queue, mandatory, immediate,
		amqp.Publishing{Type: "CASINO", DeliveryMode: amqp.Persistent, Body: body},
	)
	if err != nil {
		return err
	}
	acked, err := confirmation.WaitContext(ctx)
	if err != nil {
		return err
	}
	if !acked {
		return fmt.Errorf("the broker refused the message")
	}
	select {
	case message := <-returned: // it comes before the confirmation
		return fmt.Errorf("no queue took the message: %s", message.ReplyText)
	default:
		return nil
	}
}
