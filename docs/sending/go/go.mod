module brand/sending

go 1.25.0

require (
	github.com/nats-io/nats.go v1.52.0
	github.com/rabbitmq/amqp091-go v1.16.0
	github.com/twmb/franz-go v1.21.4
)

require (
	github.com/klauspost/compress v1.18.6 // indirect
	github.com/nats-io/nkeys v0.4.15 // indirect
	github.com/nats-io/nuid v1.0.1 // indirect
	github.com/pierrec/lz4/v4 v4.1.26 // indirect
	github.com/twmb/franz-go/pkg/kmsg v1.13.1 // indirect
	golang.org/x/crypto v0.51.0 // indirect
	golang.org/x/sys v0.44.0 // indirect
)
