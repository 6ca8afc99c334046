import Batching

/// Rows through a stretch of the language model's layers, as the graph takes them.
struct LanguagePass {
  /// Layers to run, from 0.
  var layers: Range<Int>
  /// From this layer on attention follows `upper`; nothing below sees it.
  var selectionLayer: Int
  var rows = PassRows()
  /// Attention below the selection layer; every row is in one slice, in order.
  var lower: [AttentionSlice] = []
  /// Attention from the selection layer on; empty where it is the same as below.
  var upper: [AttentionSlice] = []
  /// Attention probabilities wanted, each of one of the layers run.
  var importances: [ImportanceRequest] = []
  /// Rows whose logits are wanted, where the layers reach the last.
  var outputs: [Int32] = []

  /// Whether attention of layer `index` follows `upper`.
  func isUpper(_ index: Int) -> Bool { index >= selectionLayer && !upper.isEmpty }

  /// Rows whose importance is computed at once: with `[cells, rows, heads]` of scores, all rows of a long question
  /// would take gigabytes, and too few of them, at every layer, more nodes than a graph holds.
  var importanceRows: Int {
    max(64, importances.reduce(0) { $0 + $1.rows.count } / 1024)
  }

  /// What the graph depends on; passes of one shape differ only in what is filled in.
  struct Shape: Hashable {
    var layers: Range<Int>
    var textRows, imageRows, hiddenRows, outputs: Int
    var slices: [Range<Int>]
    var lowerSpans, upperSpans: [Range<Int>]
    var importances: [ImportanceRequest]
  }

  var shape: Shape {
    Shape(
      layers: layers, textRows: rows.tokens.count, imageRows: rows.imageCount, hiddenRows: rows.hiddenCount,
      outputs: outputs.count, slices: (lower + upper).map(\.rows), lowerSpans: lower.map(\.span),
      upperSpans: upper.map(\.span), importances: importances)
  }
}

extension LanguagePass {
  /// A step through all layers with nothing selected.
  init(
    whole step: Step, model: LanguageModel, source: (_ group: Int, StepRow.Content) throws -> PassRows.Source
  ) rethrows {
    layers = 0..<model.parameters.layers
    selectionLayer = 0
    rows = try PassRows(step.slices, source: source)
    var first = 0
    for slice in step.slices {
      lower.append(
        AttentionSlice(
          firstRow: first, visible: slice.rows.map(\.visible), span: slice.span, within: model.arena.cells))
      outputs += slice.rows.indices.filter { slice.rows[$0].wantsLogits }.map { Int32(first + $0) }
      first += slice.rows.count
    }
  }
}

/// The rows of a pass and where their keys and values go.
struct PassRows {
  /// Token ids of the text rows, in row order.
  var tokens: [Int32] = []
  /// Projected rows of images, `[rows, D]`, in row order.
  var images: [Float] = []
  var imageCount = 0
  /// For each row its index among the text rows followed by the image rows; empty where there is one kind only.
  var order: [Int32] = []
  /// Rows that come from the layers below, `[rows, D]`; a pass has either these or the others.
  var hidden: [Float] = []
  var hiddenCount = 0
  var positions: [Int32] = []
  /// Cell of each row.
  var cells: [Int64] = []

  /// A text row's token, or an image row's `[D]` values.
  enum Source {
    case token(Int32)
    case image(ArraySlice<Float>)
  }

  var count: Int { positions.count }

  /// Takes the rows of `slices` as they enter the first layer.
  init(_ slices: [StepSlice], source: (_ group: Int, StepRow.Content) throws -> Source) rethrows {
    var isImage: [Bool] = []
    for slice in slices {
      for row in slice.rows {
        switch try source(slice.group, row.content) {
        case .token(let token):
          tokens.append(token)
          isImage.append(false)
        case .image(let values):
          images.append(contentsOf: values)
          imageCount += 1
          isImage.append(true)
        }
        positions.append(Int32(row.position))
        cells.append(Int64(row.cell))
      }
    }
    guard !tokens.isEmpty, imageCount > 0 else { return }
    var text: Int32 = 0
    var image = Int32(tokens.count)
    order = isImage.map { isImage in
      defer { if isImage { image += 1 } else { text += 1 } }
      return isImage ? image : text
    }
  }

  init() {}
}

/// Rows of one group with the cells their attention runs over.
struct AttentionSlice {
  /// Among the pass's rows.
  var rows: Range<Int>
  var span: Range<Int>
  /// `[row, cell of the span]` as F16: 0 where the row sees the cell, -∞ elsewhere.
  var mask: [UInt16]

  private static let hidden: UInt16 = 0xFC00  // -∞ as F16
  /// A span grows with every decoded token; in whole strides, a graph serves many steps.
  private static let stride = 64

  /// - Parameters:
  ///   - visible: the cells each row sees, all within `span`.
  ///   - cells: of the whole arena, which no span may leave.
  init(firstRow: Int, visible: [[Range<Int>]], span: Range<Int>, within cells: Int) {
    rows = firstRow..<firstRow + visible.count
    let padded = (span.count + Self.stride - 1) / Self.stride * Self.stride
    let span = span.lowerBound..<min(span.lowerBound + padded, cells)
    self.span = span
    let width = span.count
    mask = [UInt16](unsafeUninitializedCapacity: visible.count * width) { mask, count in
      mask.initialize(repeating: Self.hidden)
      for (ranges, place) in zip(visible, Swift.stride(from: 0, to: visible.count * width, by: width)) {
        for cells in ranges {
          let start = place + cells.lowerBound - span.lowerBound
          mask[start..<start + cells.count].update(repeating: 0)
        }
      }
      count = visible.count * width
    }
  }
}

/// Asks how much some rows of a slice attend to each cell of its span, at one layer.
struct ImportanceRequest: Hashable {
  /// From 0.
  var layer: Int
  /// Index into the pass's slices at that layer.
  var slice: Int
  /// Rows to average over, among the slice's.
  var rows: Range<Int>
}

/// What a pass computed.
struct PassOutput {
  /// `[wanted row, vocabulary]`, where the layers reach the last.
  var logits: [Float] = []
  /// `[row, D]`, where they don't.
  var hidden: [Float] = []
  /// For each request `[head, cell of the slice's span]`.
  var importances: [[Float]] = []
}
