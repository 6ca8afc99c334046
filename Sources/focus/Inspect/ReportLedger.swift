import Answering

/// The token ledger as a table of the report.
struct ReportLedger {
  private let inspected: InspectedImage

  init(_ inspected: InspectedImage) {
    self.inspected = inspected
  }

  var section: Markup {
    let ledger = inspected.inspection.ledger
    return """
      <section>
      <h2>Token ledger</h2>
      <table>
      <caption>Visual tokens at each stage, and the share of those encoded. Newlines are not counted.</caption>
      <thead><tr><th scope="col">stage</th><th scope="col" class="number">tokens</th>\
      <th scope="col" class="number">share</th><th aria-hidden="true"></th></tr></thead>
      <tbody>
      \(row("encoded", ledger.encoded, of: ledger.encoded))
      \(row("compressed", ledger.compressed, of: ledger.encoded))
      \(row("selected", ledger.selected, of: ledger.encoded))
      </tbody>
      </table>
      <p class="soft">\(how)</p>
      </section>
      """
  }

  private func row(_ stage: String, _ tokens: Int, of encoded: Int) -> Markup {
    let share = percent(Double(tokens) / Double(max(1, encoded)))
    let width = String(Int((100 * Double(tokens) / Double(max(1, encoded))).rounded()))
    return """
      <tr><th scope="row">\(stage)</th><td class="number">\(tokens)</td><td class="number">\(share)</td>\
      <td class="share" aria-hidden="true"><div class="bar" style="width: \(width)%"></div></td></tr>
      """
  }

  private var how: String {
    let ledger = inspected.inspection.ledger
    let scales = ledger.scales.sorted { $0.key < $1.key }.map { "\($0.value) at scale \($0.key)" }
    let compression = scales.isEmpty ? "Not compressed." : "Blocks: \(scales.joined(separator: ", "))."
    let selection =
      ledger.selectionLayer.map { "Selected at layer \($0), by \(ledger.selection.rawValue)." }
      ?? "Nothing was selected: the question keeps every token."
    return compression + " " + selection
  }
}
