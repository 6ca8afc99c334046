import Adversary
import Answering
import Foundation
import Testing

@testable import FileJobs

/// Questions and references in every form that a benchmark comes in.
@Suite struct DatasetTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func dataset(
    _ text: String, annotations: String? = nil, template: String? = nil, suffix: String = ""
  ) throws -> Dataset {
    try folder.write(text, to: "questions")
    if let annotations { try folder.write(annotations, to: "annotations") }
    return try Dataset(
      folder.path("questions"), annotations: annotations.map { _ in folder.path("annotations") },
      imageTemplate: template, suffix: suffix)
  }

  private func images(_ dataset: Dataset) -> [ImageReference] { dataset.jobs.map(\.image) }

  @Test func jobsHaveReferencesAndKindsInTheirMetadata() throws {
    let dataset = try dataset(
      #"""
      {"job_id": "a", "image": {"uri": "a.png"}, "questions": [{"question_id": "q0", "text": "Colour?"}, {"question_id": "q1", "text": "How many?"}], "metadata": {"answers": {"q0": "red", "q1": ["2", "two"]}, "kinds": {"q0": "colour"}}}

      {"job_id": "b", "image": {"uri": "b.png"}, "questions": [{"question_id": "q0", "text": "Shape?"}], "metadata": {"answers": {"q0": "ring"}}}
      """#)
    #expect(
      dataset.items == [
        .init(id: "a/q0", kind: "colour", references: ["red"]),
        .init(id: "a/q1", kind: nil, references: ["2", "two"]),
        .init(id: "b/q0", kind: nil, references: ["ring"]),
      ])
    #expect(dataset.jobs.map { $0.questions.map(\.id) } == [["0", "1"], ["2"]])
    #expect(dataset.references == .answers)
  }

  @Test func POPEsLinesHaveTheirLabels() throws {
    let dataset = try dataset(
      #"""
      {"question_id": 1, "image": "a.jpg", "text": "Is there a dog?", "label": "yes"}
      {"question_id": 2, "image": "a.jpg", "text": "Is there a cat?", "label": "no", "category": "adversarial"}
      {"question_id": 3, "image": "b.jpg", "text": "Is there a cat?", "label": "no"}
      """#)
    #expect(dataset.references == .labels)
    #expect(dataset.items.map(\.references) == [["yes"], ["no"], ["no"]])
    #expect(dataset.items[1].kind == "adversarial")
    #expect(images(dataset) == [.uri("a.jpg"), .uri("b.jpg")])
  }

  @Test func VQAv2HasAnnotationsBesideItsQuestions() throws {
    let dataset = try dataset(
      #"{"questions": [{"image_id": 42, "question": "What?", "question_id": 42000}, {"image_id": 7, "question": "Who?", "question_id": 7001}]}"#,
      annotations: #"""
        {"annotations": [
          {"question_id": 7001, "answer_type": "other", "answers": [{"answer": "a man", "answer_id": 1}, {"answer": "man", "answer_id": 2}]},
          {"question_id": 42000, "answer_type": "yes/no", "answers": [{"answer": "yes", "answer_id": 1}]}]}
        """#,
      template: "val/{image_id:04}.jpg", suffix: "\nShortly.")
    #expect(dataset.references == .vqa)
    #expect(dataset.items.map(\.references) == [["yes"], ["a man", "man"]])
    #expect(dataset.items.map(\.kind) == ["yes/no", "other"])
    #expect(images(dataset) == [.uri("val/0042.jpg"), .uri("val/0007.jpg")])
    #expect(dataset.jobs[0].questions[0].text == "What?\nShortly.")
  }

  @Test func textVQAsDocumentHasBoth() throws {
    let dataset = try dataset(
      #"""
      {"dataset_type": "val", "data": [
        {"question_id": 34602, "image_id": "003a8ae2ef43b901", "question": "What brand?", "answers": ["nous les gosses", "dakota"]},
        {"question_id": 34603, "image_id": "003a8ae2ef43b901", "question": "Which year?", "answers": ["1999"]}]}
      """#,
      template: "train_images/{image_id}.jpg")
    #expect(dataset.references == .textVQA)
    #expect(dataset.items.map(\.id) == ["34602", "34603"])
    #expect(images(dataset) == [.uri("train_images/003a8ae2ef43b901.jpg")])
    #expect(dataset.jobs[0].questions.map(\.text) == ["What brand?", "Which year?"])
  }

  /// LLaVA asks TextVQA's questions under their images' ids, with OCR tokens and advice around them.
  @Test func LLaVAsTextVQALinesFindTheirAnnotations() throws {
    let dataset = try dataset(
      #"""
      {"question_id": "003a", "image": "003a.jpg", "text": "what brand?\nReference OCR token: DAKOTA\nAnswer the question using a single word or phrase."}
      {"question_id": "003a", "image": "003a.jpg", "text": "Which year?\nAnswer the question using a single word or phrase."}
      """#,
      annotations: #"""
        {"data": [{"question_id": 1, "image_id": "003a", "question": "Which year?", "answers": ["1999"]},
                  {"question_id": 2, "image_id": "003a", "question": "What brand?", "answers": ["dakota"]}]}
        """#)
    #expect(dataset.items.map(\.references) == [["dakota"], ["1999"]])
    #expect(dataset.references == .textVQA)
  }

  @Test func GQAsDocumentHasBoth() throws {
    let dataset = try dataset(
      #"""
      {"201307251": {"imageId": "n161313", "question": "Is it overcast?", "answer": "no", "types": {"structural": "verify"}},
       "201640614": {"imageId": "n235859", "question": "Who is wearing the dress?", "answer": "woman", "types": {"structural": "query"}}}
      """#)
    #expect(dataset.references == .answers)
    #expect(dataset.items.map(\.references) == [["no"], ["woman"]])
    #expect(dataset.items.map(\.kind) == ["verify", "query"])
    #expect(images(dataset) == [.uri("n161313.jpg"), .uri("n235859.jpg")])
  }

  @Test(
    arguments: [
      (#"{"question_id": 5, "image": "a.jpg", "text": "What?"}"#, "question 5 has no reference answer"),
      (#"{"question_id": 5, "image": "a.jpg", "answer": "x"}"#, "line 1: text is missing"),
      (#"{"job_id": "a", "image": {"uri": "a.png"}, "questions": []}"#, "line 1: questions"),
      ("", "it holds no questions"),
      (#"{"data": [1]}"#, "annotation 1 must be an object"),
      (#"{"questions": [{"image_id": 1}]}"#, "--image-template"),
    ])
  func whatIsWrongIsNamed(_ text: String, _ complaint: String) throws {
    #expect {
      _ = try dataset(text)
    } throws: { error in
      let told = (error as? FileJobsError)?.description ?? ""
      return told.contains(complaint)
    }
  }

  @Test func aQuestionThatTheAnnotationsLackIsNamed() throws {
    #expect {
      _ = try dataset(
        #"{"question_id": 5, "image": "a.jpg", "text": "What?"}"#,
        annotations: #"{"question_id": 6, "answer": "x"}"#)
    } throws: {
      "\($0)".contains("annotations has no reference answer to question 5")
    }
  }
}
