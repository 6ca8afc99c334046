import Answering
import Foundation
import Synchronization

/// A job for each image of a folder; the image's path within the folder is the job's id and its reference, so the
/// folder must be the image root.
public actor ImageFolderSource: JobSource {
  private let folder: ImageFolder
  private let sidecars: Sidecars?
  /// Whether an image with a text file beside it is done: so where there is no other output.
  private let sidecarsTell: Bool
  private let done: Set<ProgressKey>
  private let images: [String]
  private nonisolated let position = Atomic<Int>(0)
  /// For a progress bar.
  public nonisolated var imagesRead: Int { position.load(ordering: .relaxed) }
  private var ownersOfSidecars: [String: String] = [:]

  init(
    folder: ImageFolder, images: [String], sidecars: Sidecars?, sidecarsTell: Bool, done: Set<ProgressKey>
  ) {
    self.folder = folder
    self.images = images
    self.sidecars = sidecars
    self.sidecarsTell = sidecarsTell
    self.done = done
  }

  public func next() async throws -> Delivery? {
    while imagesRead < images.count {
      try Task.checkCancellation()
      let image = images[imagesRead]
      let sequence = position.add(1, ordering: .relaxed).newValue
      if let content = content(for: image) {
        let origin = Origin.file(folder.path + "/" + image)
        var rejectedJobID: String?
        if case .failure = content { rejectedJobID = image }
        return Delivery(
          sequence: sequence, origin: origin, content: content, rejectedJobID: rejectedJobID)
      }
    }
    return nil
  }

  /// Nothing to do: the output itself is the record of what is done.
  public func finish(_ delivery: Delivery) async throws {}

  /// nil where the image is done.
  private func content(for image: String) -> Result<Job, Rejection>? {
    if done.contains(.refusedJob(image)) { return nil }
    if let sidecars {
      let sidecar = sidecars.path(for: image)
      if let owner = ownersOfSidecars.updateValue(image, forKey: sidecar) {
        ownersOfSidecars[sidecar] = owner
        return .failure(
          Rejection(
            .schemaViolation, "\(owner) and \(image) would both be answered in \(sidecar); rename one of them"
          ))
      }
      if sidecarsTell, sidecars.isKept(at: sidecar) { return nil }
    }
    let open = folder.questions.filter { !done.contains(.answer(job: image, question: $0.id)) }
    guard !open.isEmpty else { return nil }
    return .success(
      Job(
        id: image, image: .uri(Self.reference(to: image)), questions: open, compression: folder.compression,
        answeredEarlier: folder.questions.count - open.count))
  }

  /// A path that no reader takes for a URL.
  private static func reference(to image: String) -> String {
    image.contains(":") ? "./" + image : image
  }
}
