#!/usr/bin/env bash
# Makes the three topics where they are missing; changes none that is there. Runs in Kafka's own image.
#
#   BOOTSTRAP_SERVERS    where Kafka listens
#   PARTITIONS           of each topic; at most as many workers get jobs
#   REPLICATION_FACTOR   1 for one broker; 3 in a cluster
#   MIN_ISR              1 for one broker; 2 in a cluster, so that one broker may be down and nothing written is lost
#   COMMAND_CONFIG       a properties file with TLS and SASL settings, if any
set -euo pipefail

: "${BOOTSTRAP_SERVERS:?}" "${PARTITIONS:=12}" "${REPLICATION_FACTOR:=1}" "${MIN_ISR:=1}"

# --largest-record is 8 MiB; the worker adds 64 KiB for what stands around a record.
readonly largest_message=9437184
readonly day=86400000

# Arguments: name, days that records are kept.
create() {
  /opt/kafka/bin/kafka-topics.sh --bootstrap-server "$BOOTSTRAP_SERVERS" \
    ${COMMAND_CONFIG:+--command-config "$COMMAND_CONFIG"} \
    --create --if-not-exists --topic "$1" --partitions "$PARTITIONS" --replication-factor "$REPLICATION_FACTOR" \
    --config "min.insync.replicas=$MIN_ISR" --config "max.message.bytes=$largest_message" \
    --config cleanup.policy=delete --config "retention.ms=$(($2 * day))"
}

# Jobs must be kept longer than the last one waits, standstills included: what expires unread is lost.
create focus.jobs 14
create focus.results 14
create focus.dead-letters 30
