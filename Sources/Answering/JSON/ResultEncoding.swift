extension JobResult {
  /// The record of `schemas/result.schema.json`, fields in its order, absent ones left out.
  package var record: OrderedJSON {
    let answer = try? outcome.get()
    var rejection: Rejection?
    if case .failure(let failure) = outcome { rejection = failure }
    return [
      "job_id": .string(jobID),
      "question_id": .string(questionID),
      "answer": answer.map { .string($0.text) },
      "finish_reason": answer.map { .string($0.finishReason.rawValue) },
      "choice_probabilities": answer?.choiceProbabilities.map { choices in
        .object(choices.map { ($0.choice, .number($0.probability)) })
      },
      "answer_logprob": answer?.logprob.flatMap { $0.isFinite ? .number($0) : nil },
      "error": rejection.map { ["code": .string($0.reason.rawValue), "message": .string($0.message)] },
      "image_sha256": .string(imageSHA256),
      "model": ["name": .string(model.name), "fingerprint": .string(model.fingerprint)],
      "visual_tokens": visualTokens?.record,
      "usage": answer.map {
        [
          "prompt_tokens": OrderedJSON($0.promptTokens),
          "completion_tokens": OrderedJSON($0.completionTokens),
        ]
      },
      "token_cache": .string(tokenCache.rawValue),
      "timings_ms": timings.record,
      "metadata": metadata.map(OrderedJSON.init),
    ]
  }

  /// The record in UTF-8, on one line without a newline.
  public var json: [UInt8] { record.utf8 }
}

extension TokenLedger {
  package var record: OrderedJSON {
    let sortedScales = scales.sorted { $0.key < $1.key }
    return [
      "encoded": OrderedJSON(encoded),
      "compressed": OrderedJSON(compressed),
      "selected": OrderedJSON(selected),
      "scales": scales.isEmpty ? nil : .object(sortedScales.map { (String($0.key), OrderedJSON($0.value)) }),
      "selection": .string(selection.rawValue),
      "selection_layer": selectionLayer.map { OrderedJSON($0) },
    ]
  }
}

extension StageTimings {
  /// Milliseconds to the microsecond: further digits are noise.
  fileprivate var record: OrderedJSON {
    func rounded(_ value: Double) -> OrderedJSON { .number((value * 1000).rounded() / 1000) }
    return [
      "fetch": rounded(fetch), "vision": rounded(vision), "prefill": rounded(prefill),
      "decode": rounded(decode),
    ]
  }
}
