import Foundation

extension Job {
  /// Most questions of one job.
  package static let questionLimit = 256
  /// Unicode scalars of a job's or question's id.
  package static let idLength = 1...256
  /// Unicode scalars of a question's text.
  package static let textLength = 1...16384

  /// Reads a job message (`schemas/job.schema.json`).
  ///
  /// Throws `payload_too_large` beyond the limit, before parsing; `malformed_json` for what is no JSON;
  /// `schema_violation` for a wrong shape; `invalid_parameters` for a parameter with a wrong value. Lengths
  /// count Unicode scalars, as JSON Schema does. Ids are the same where Unicode says so (composed or not).
  ///
  /// - Parameter defaults: what holds where neither the job nor a question sets a parameter.
  public init(
    json message: Data, limits: JobLimits = .files, defaults: GenerationParameters = .init()
  ) throws(Rejection) {
    guard message.count <= limits.messageBytes else {
      throw Rejection(
        .payloadTooLarge, "the message has \(message.count) bytes; \(limits.messageBytes) are allowed")
    }
    guard message.contains(where: { !$0.isJSONWhitespace }) else {
      throw Rejection(.schemaViolation, "the message is empty")
    }
    let root = try JSONFields(JSONValue(parsing: message))
    try root.allow(only: ["job_id", "image", "questions", "parameters", "metadata", "schema_version"])
    if let version = root["schema_version"], version != .integer(1) {
      throw root.bad("schema_version", mustBe: "1, the only version there is")
    }
    guard let id = try root.text("job_id", length: Self.idLength) else {
      throw root.bad("job_id", mustBe: "text of 1–256 characters")
    }
    let image = try ImageReference(root)
    var parameters = defaults
    let compression = try parameters.overrideWithJob(root)
    let questions = try Self.questions(root, parameters: parameters)
    self.init(
      id: id, image: image, questions: questions, metadata: try root.metadata(), compression: compression)
  }

  /// The id of a refused message where it can be read: also of one that is cut off or damaged after its id.
  public static func readableID(in message: Data) -> String? {
    for case ("job_id", .string(let id)) in JSONValue.readableFields(of: message) {
      return idLength.contains(id.unicodeScalars.count) ? id : nil
    }
    return nil
  }

  private static func questions(
    _ root: JSONFields, parameters: GenerationParameters
  ) throws(Rejection) -> [Question] {
    guard case .array(let elements) = root["questions"], (1...questionLimit).contains(elements.count) else {
      throw root.bad("questions", mustBe: "an array of 1–256 questions")
    }
    var questions: [Question] = []
    var places: [String: Int] = [:]
    for (index, element) in elements.enumerated() {
      let fields = try JSONFields(element, at: "questions[\(index)]")
      let question = try Question(fields, parameters: parameters)
      if let first = places.updateValue(index, forKey: question.id) {
        throw Rejection(
          .schemaViolation,
          "\(fields.path(of: "question_id")) repeats that of questions[\(first)]; ids must differ within a job"
        )
      }
      questions.append(question)
    }
    return questions
  }
}

extension Question {
  fileprivate init(_ fields: JSONFields, parameters: GenerationParameters) throws(Rejection) {
    try fields.allow(only: ["question_id", "text", "parameters"])
    guard let id = try fields.text("question_id", length: Job.idLength) else {
      throw fields.bad("question_id", mustBe: "text of 1–256 characters")
    }
    guard let text = try fields.text("text", length: Job.textLength) else {
      throw fields.bad("text", mustBe: "text of 1–16384 characters")
    }
    var parameters = parameters
    if let own = fields["parameters"] {
      let own = try JSONFields(own, at: fields.path(of: "parameters"), reason: .invalidParameters)
      guard own["compression"] == nil else {
        throw Rejection(
          .invalidParameters,
          "\(own.path(of: "compression")) is a setting of the whole job; set it in the job's parameters")
      }
      try parameters.override(with: own)
    }
    try parameters.checkTogether(at: fields.path)
    self.init(id: id, text: text, parameters: parameters)
  }
}

extension GenerationParameters {
  /// Takes over the job's parameters, and returns the one that questions don't have.
  fileprivate mutating func overrideWithJob(_ root: JSONFields) throws(Rejection) -> Compression? {
    guard let value = root["parameters"] else { return nil }
    let fields = try JSONFields(value, at: "parameters", reason: .invalidParameters)
    let compression = try fields.choice("compression", of: Compression.self)
    try override(with: fields.without("compression"))
    return compression
  }
}

extension ImageReference {
  fileprivate init(_ root: JSONFields) throws(Rejection) {
    guard let value = root["image"] else { throw root.bad("image", mustBe: "an object with uri or data") }
    let fields = try JSONFields(value, at: "image")
    try fields.allow(only: ["uri", "data"])
    guard (fields["uri"] == nil) != (fields["data"] == nil) else {
      let both = fields["uri"] != nil
      throw Rejection(
        .schemaViolation, "image must have exactly one of uri and data, not \(both ? "both" : "none")")
    }
    if let uri = try fields.text("uri", length: 1...8192) {
      // URLs and paths go to C libraries, which would end them at a NUL.
      guard !uri.utf8.contains(0) else { throw Rejection(.schemaViolation, "image.uri holds a NUL") }
      self = .uri(uri)
      return
    }
    guard case .string(let base64) = fields["data"], let data = Data(base64Encoded: base64), !data.isEmpty
    else {
      throw Rejection(
        .schemaViolation, "image.data must be an image in base64 (standard alphabet, padded, no line breaks)")
    }
    self = .data(data)
  }
}

extension JSONFields {
  fileprivate func metadata() throws(Rejection) -> JSONValue? {
    guard let value = self["metadata"] else { return nil }
    guard case .object = value else { throw bad("metadata", mustBe: "an object") }
    let size = OrderedJSON(value).utf8.count
    guard size <= 16384 else {
      throw Rejection(.schemaViolation, "metadata has \(size) bytes as compact JSON; 16384 are allowed")
    }
    return value
  }
}

extension UInt8 {
  package var isJSONWhitespace: Bool { self == 0x20 || self == 0x09 || self == 0x0A || self == 0x0D }
}
