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
    /// `[row, cell of the span]` as F16: 0 where the row sees the cell, -∞ elsewhere.
    var mask: [UInt16]
  }

  /// What the graph depends on; steps of one shape differ only in what is filled in.
  struct Shape: Hashable {
    var textRows, imageRows, outputs: Int
    var slices: [Range<Int>]
    var spans: [Range<Int>]
  }

  var shape: Shape {
    Shape(
      textRows: tokens.count, imageRows: imageRowCount, outputs: outputs.count, slices: slices.map(\.rows),
      spans: slices.map(\.span))
  }

  /// A span grows with every decoded token; in whole strides, a graph serves many steps.
  private static func padded(_ span: Range<Int>, within cells: Int) -> Range<Int> {
    let stride = 64
    let count = (span.count + stride - 1) / stride * stride
    return span.lowerBound..<min(span.lowerBound + count, cells)
  }

  /// A text row's token, or an image row's `[D]` values.
  enum Source {
    case token(Int32)
    case image(ArraySlice<Float>)
  }

  /// - Parameter cells: of the whole arena, which no span may leave.
  init(_ step: Step, cells arenaCells: Int, source: (_ group: Int, StepRow.Content) -> Source) {
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
      let span = Self.padded(slice.span, within: arenaCells)
      slices.append(
        Slice(
          rows: first..<positions.count, span: span, mask: AttentionMask.of(slice.rows, over: span)))
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

  static func of(_ rows: [StepRow], over span: Range<Int>) -> [UInt16] {
    let width = span.count
    return [UInt16](unsafeUninitializedCapacity: rows.count * width) { mask, count in
      mask.initialize(repeating: hidden)
      for (row, place) in zip(rows, stride(from: 0, to: rows.count * width, by: width)) {
        for cells in row.visible {
          let start = place + cells.lowerBound - span.lowerBound
          mask[start..<start + cells.count].update(repeating: 0)
        }
      }
      count = rows.count * width
    }
  }
}
