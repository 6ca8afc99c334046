import TokenSampling

/// Model, settings and times of a report.
struct ReportDetails {
  private let inspected: InspectedImage

  init(_ inspected: InspectedImage) {
    self.inspected = inspected
  }

  var section: Markup {
    """
    <section>
    <h2>Model, settings and times</h2>
    <dl>
    \(rows.map { "<dt>\($0.name)</dt><dd>\($0.value)</dd>" })
    </dl>
    </section>
    """
  }

  private var rows: [(name: String, value: String)] {
    let times = inspected.timings
    return [
      ("model", inspected.model.name), ("fingerprint", inspected.model.fingerprint),
      ("prompt", inspected.promptName), ("vision-guided sampling", compression),
      ("text-guided sampling", selection), ("image SHA-256", inspected.sha256),
      ("tiles", inspected.hasOverview ? "\(inspected.tiles - 1) and the overview" : "\(inspected.tiles)"),
      (
        "times",
        "fetch \(ProgressText.milliseconds(times.fetch)), vision \(ProgressText.milliseconds(times.vision)), prefill "
          + "\(ProgressText.milliseconds(times.prefill)), decode \(ProgressText.milliseconds(times.decode))"
      ), ("focus", Focus.version),
    ]
  }

  private var compression: String {
    let (inspection, sampler) = (inspected.inspection, inspected.inspection.sampler)
    guard inspected.scales != nil else { return "none" }
    let budget = sampler.budget.map { "budget \(percent($0))" } ?? "no budget"
    return "\(inspection.routerIsLearned ? "learned" : "density") router, \(budget), "
      + "blocks of \(sampler.blockSide) × \(sampler.blockSide), \(sampler.pooling.rawValue) pooling"
      + (inspected.hasOverview ? ", overview at scale \(sampler.overviewScale)" : "")
  }

  private var selection: String {
    let inspection = inspected.inspection
    guard let amount = inspection.amount else { return "none" }
    let kept =
      switch amount {
      case .ratio(let ratio): "the top \(percent(ratio)) of the tokens"
      case .cumulative(let share): "the fewest tokens with \(percent(share)) of the importance"
      }
    return "\(inspection.ledger.selection.rawValue) at layer \(inspection.selectionLayer) of "
      + "\(inspection.importance.count), \(kept), \(inspection.heads.rawValue) over heads"
  }
}
