import Answering
import Foundation

/// The path with every symbolic link resolved; nil where nothing is there.
func resolvedPath(_ path: String) -> String? {
  guard !path.utf8.contains(0), let resolved = realpath(path, nil) else { return nil }
  defer { free(resolved) }
  return String(validatingCString: resolved)
}

/// Reads one image file under a root folder that it cannot leave.
enum ImageFile {
  /// - Parameters:
  ///   - path: absolute, or relative to the root.
  ///   - root: absolute, without symbolic links.
  /// - Throws: `Rejection` with an `image_…` code.
  static func read(_ path: String, under root: String, maxBytes: Int) throws -> Data {
    let shown = ImageURL.redacted(path)
    let outside = Rejection(
      .imageForbidden, "image path \(shown) leads outside the image root; move the file below it")
    guard !path.utf8.contains(0) else { throw outside }
    let full = path.hasPrefix("/") ? path : root + "/" + path
    // Judged by its spelling first, so that the answer does not tell what exists outside.
    guard staysBelow(root, normalized(full)) || staysBelow(root, resolvedPath(full) ?? "") else {
      throw outside
    }
    guard let resolved = resolvedPath(full) else {
      throw Rejection(
        .imageUnreachable,
        "image file \(shown) is not there under the image root \(root), or may not be read; "
          + "check the path, or name another --image-root")
    }
    guard staysBelow(root, resolved) else { throw outside }
    let file = open(resolved.dropFirst(root.count), below: root)
    guard file >= 0 else {
      throw Rejection(.imageUnreachable, "image file \(shown) cannot be opened; check its permissions")
    }
    defer { close(file) }
    return try contents(of: file, shown: shown, maxBytes: maxBytes)
  }

  private static func staysBelow(_ root: String, _ path: String) -> Bool {
    path == root || path.hasPrefix(root == "/" ? root : root + "/")
  }

  private static func normalized(_ path: String) -> String {
    var parts: [Substring] = []
    for part in path.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }

  /// Opens folder by folder and follows no link, so that one put in place after the check is not followed either.
  private static func open(_ path: Substring, below root: String) -> Int32 {
    var folder = Foundation.open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    let parts = path.split(separator: "/")
    for (index, part) in parts.enumerated() where folder >= 0 {
      let isLast = index == parts.count - 1
      // Without waiting: a named pipe would block for ever.
      let kind = isLast ? O_NONBLOCK : O_DIRECTORY
      let next = openat(folder, String(part), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | kind)
      close(folder)
      folder = next
    }
    return folder
  }

  private static func contents(of file: Int32, shown: String, maxBytes: Int) throws -> Data {
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw Rejection(.imageUnreachable, "image path \(shown) is no regular file; name an image file")
    }
    guard status.st_size <= maxBytes else { throw tooLarge(shown, maxBytes) }
    var data = Data()
    data.reserveCapacity(Int(status.st_size))
    var buffer = [UInt8](repeating: 0, count: 1 << 18)
    while true {
      let count = Foundation.read(file, &buffer, buffer.count)
      if count == 0 { return data }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else {
        throw Rejection(
          .imageUnreachable, "image file \(shown) cannot be read: \(String(cString: strerror(errno)))")
      }
      data.append(contentsOf: buffer[..<count])
      guard data.count <= maxBytes else { throw tooLarge(shown, maxBytes) }
    }
  }

  static func tooLarge(_ shown: String, _ maxBytes: Int) -> Rejection {
    Rejection(.imageTooLarge, "image \(shown) has more than \(maxBytes) bytes; make it smaller")
  }
}
