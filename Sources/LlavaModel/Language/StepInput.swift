import Batching

/// One step's rows as the language model's graph takes them.
struct StepInput {
  /// Token ids of the text rows, in row order.
  var tokens: [Int32] = []
  /// Projected rows of the image, `[rows, D]`, in row order.
  var imageRows: [Float] = []
  var imageRowCount = 0
  /// For each row its index among the text rows followed by the image rows; empty where there is one kind only.
  var order: [Int32] = []
  var positions: [Int32] = []
  /// Cell of each row.
  var cells: [Int64] = []
  var slices: [Slice] = []
  /// Rows whose logits are wanted.
  var outputs: [Int32] = []

  struct Slice {
    var rows: Range<Int>
    var span: Range<Int>
    /// `[row, cell of the span]` as F16: 0 where the row sees the cell, -∞ elsewhere. nil where all see all.
    var mask: [UInt16]?
  }

  /// A text row's token, or an image row's `[D]` values.
  enum Source {
    case token(Int32)
    case image(ArraySlice<Float>)
  }

  init(_ step: Step, source: (_ group: Int, StepRow.Content) -> Source) {
    var isImage: [Bool] = []
    for slice in step.slices {
      let first = positions.count
      for row in slice.rows {
        switch source(slice.group, row.content) {
        case .token(let token):
          tokens.append(token)
          isImage.append(false)
        case .image(let values):
          imageRows.append(contentsOf: values)
          imageRowCount += 1
          isImage.append(true)
        }
        if row.wantsLogits { outputs.append(Int32(positions.count)) }
        positions.append(Int32(row.position))
        cells.append(Int64(row.cell))
      }
      slices.append(
        Slice(rows: first..<positions.count, span: slice.span, mask: AttentionMask.of(slice)))
    }
    if !tokens.isEmpty, imageRowCount > 0 {
      var text: Int32 = 0
      var image = Int32(tokens.count)
      order = isImage.map { isImage in
        defer { if isImage { image += 1 } else { text += 1 } }
        return isImage ? image : text
      }
    }
  }
}

/// Builds a slice's attention mask on the host.
enum AttentionMask {
  private static let hidden: UInt16 = 0xFC00  // -∞ as F16

  static func of(_ slice: StepSlice) -> [UInt16]? {
    let width = slice.span.count
    if slice.rows.allSatisfy({ $0.visible == [slice.span] }) { return nil }
    return [UInt16](unsafeUninitializedCapacity: slice.rows.count * width) { mask, count in
      mask.initialize(repeating: hidden)
      for (row, place) in zip(slice.rows, stride(from: 0, to: slice.rows.count * width, by: width)) {
        for cells in row.visible {
          let start = place + cells.lowerBound - slice.span.lowerBound
          mask[start..<start + cells.count].update(repeating: 0)
        }
      }
      count = slice.rows.count * width
    }
  }
}
