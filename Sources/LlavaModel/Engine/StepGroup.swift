import Batching

/// What computing a step must know of an image group, and tells it.
protocol StepGroup: AnyObject {
  /// Rows of the prefix that hold visual tokens, in order.
  var visualRows: [Int] { get }
  /// Whether any question selects.
  var selects: Bool { get }
  /// The prefix's rows after the selection layer, `[row, D]`, as kept by `keep`.
  var hiddenPrefix: [Float] { get }

  /// What a row holds as it enters the first layer.
  func source(of content: StepRow.Content) throws -> PassRows.Source
  /// Keeps a row of the prefix as it came out of the selection layer.
  func keep(_ row: ArraySlice<Float>, at index: Int)
  /// The rows of the question's prompt that hold the user's text.
  func questionRows(_ question: Int) -> Range<Int>
  /// A number that is the same for the same prompt, for selection by chance.
  func seed(of question: Int) -> UInt64
  /// Selects for a question by the importance of each visual token.
  ///
  /// - Parameters:
  ///   - start: the prefix's first cell.
  ///   - cells: of the question's own prefix rows; empty where it reads the group's.
  func select(_ importance: [Float], for question: Int, start: Int, cells: [Int])
  /// What the question keeps of the prefix; nil where it sees all.
  func kept(_ question: Int) -> KeptRows?
}
