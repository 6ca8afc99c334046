import KafkaJobs

/// librdkafka, and Kafka as the worker needs it.
enum BrokerChecks {
  static func all(_ options: KafkaOptions) throws -> [Check] {
    let library = Check("librdkafka") { look(.current) }
    guard options.brokers != nil else {
      return [
        library,
        Check("brokers") { .advice("not looked at", todo: "add --brokers HOST:PORT to check Kafka") },
      ]
    }
    let settings = try options.settings()
    return [library, Check("brokers") { await look(settings) }]
  }

  static func look(_ library: KafkaLibrary) -> Finding {
    if library.isTooOld {
      return .failure("version \(library.version) is too old", todo: "use 2.0.2 or newer")
    }
    if library.faults.isEmpty { return .fine("version \(library.version)") }
    return .advice(
      "version \(library.version) works, with faults that newer ones have mended: "
        + library.faults.joined(separator: "; "),
      todo: "use \(KafkaLibrary.recommended) or newer for a worker")
  }

  static func look(_ settings: KafkaSettings) async -> Finding {
    do {
      return finding(try await BrokerReport.of(settings), settings)
    } catch KafkaFailure.settings(let reason) {
      return .failure(reason, todo: "see --kafka-property, and librdkafka's CONFIGURATION.md for its names")
    } catch {
      return .failure(
        "cannot reach \(settings.brokers): \(error)",
        todo: "see that the brokers run and that --brokers, and --kafka-property for TLS and SASL, are right")
    }
  }

  static func finding(_ report: BrokerReport, _ settings: KafkaSettings) -> Finding {
    let missing = [settings.jobsTopic, settings.resultsTopic, settings.deadLettersTopic].filter {
      report.partitions[$0] == nil
    }
    let brokers = "\(report.brokers) at \(settings.brokers)"
    guard missing.isEmpty else {
      return .failure(
        "\(brokers), but there is no topic \(missing.joined(separator: ", "))",
        todo: "make it: kafka-topics.sh --create --topic NAME --partitions N")
    }
    let jobs = report.partitions[settings.jobsTopic] ?? 0
    return .fine(
      "\(brokers); \(settings.jobsTopic) has \(jobs) partitions, so at most as many workers have work")
  }
}
