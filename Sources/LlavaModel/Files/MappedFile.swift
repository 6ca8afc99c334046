import Crypto
import Foundation

/// A file mapped into memory, unmapped when the last user lets go.
///
/// `@unchecked Sendable`: the bytes are only read.
final class MappedFile: @unchecked Sendable {
  let path: String
  let base: UnsafeMutableRawPointer
  let count: Int

  init(path: String) throws(ModelError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .unreadable(file: path, reason: String(cString: strerror(errno))) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size > 0 else {
      throw .unreadable(file: path, reason: "it is empty or no regular file")
    }
    // Private and writable: ggml takes mutable pointers, though weights are only read.
    guard let base = mmap(nil, Int(status.st_size), PROT_READ | PROT_WRITE, MAP_PRIVATE, descriptor, 0),
      base != MAP_FAILED
    else { throw .unreadable(file: path, reason: String(cString: strerror(errno))) }
    self.path = path
    self.base = base
    count = Int(status.st_size)
  }

  deinit { munmap(base, count) }

  func bytes(_ range: Range<Int>) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count)
  }

  /// SHA-256 of the whole file, in hexadecimal.
  func sha256() -> String {
    var hash = SHA256()
    let step = 8 << 20
    for start in stride(from: 0, to: count, by: step) {
      hash.update(bufferPointer: bytes(start..<min(start + step, count)))
    }
    return hash.finalize().map { String(format: "%02x", $0) }.joined()
  }

  /// Tells the system that the pages of `range` will not be read again (they were converted elsewhere).
  func release(_ range: Range<Int>) {
    let page = Int(getpagesize())
    let start = (range.lowerBound + page - 1) / page * page
    let end = range.upperBound / page * page
    if start < end { madvise(base + start, end - start, MADV_DONTNEED) }
  }
}
