import Foundation

/// An open file. Calls may block: use it on a `BlockingExecutor`, or briefly.
final class FileDescriptor: Sendable {
  let path: String
  /// Never changes, and is closed once, by `deinit`: safe to share.
  private let number: Int32
  private let isOwned: Bool

  private init(path: String, number: Int32, isOwned: Bool) {
    self.path = path
    self.number = number
    self.isOwned = isOwned
  }

  deinit {
    guard isOwned else { return }
    // A child process on its way to its program may hold a copy, and with it the lock.
    flock(number, LOCK_UN)
    close(number)
  }

  static var standardInput: FileDescriptor {
    FileDescriptor(path: "standard input", number: 0, isOwned: false)
  }
  static var standardOutput: FileDescriptor {
    FileDescriptor(path: "standard output", number: 1, isOwned: false)
  }

  static func reading(_ path: String) throws(FileJobsError) -> FileDescriptor {
    let number = open(path, O_RDONLY | O_CLOEXEC)
    guard number >= 0 else { throw .cannotOpen(path: path, reason: systemError()) }
    let file = FileDescriptor(path: path, number: number, isOwned: true)
    guard !file.isDirectory else {
      throw .cannotOpen(path: path, reason: "it is a folder; give it as --images")
    }
    return file
  }

  /// A folder, to lock it.
  static func folder(_ path: String) throws(FileJobsError) -> FileDescriptor {
    let number = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard number >= 0 else { throw .cannotOpen(path: path, reason: systemError()) }
    return FileDescriptor(path: path, number: number, isOwned: true)
  }

  /// For reading and for writing at its end; made where it is missing.
  static func appending(_ path: String) throws(FileJobsError) -> FileDescriptor {
    let number = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
    guard number >= 0 else { throw .cannotOpen(path: path, reason: systemError()) }
    return FileDescriptor(path: path, number: number, isOwned: true)
  }

  /// Whether a pipe has that name, which is not opened.
  static func isPipe(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
  }

  /// Whether it is a file proper, which has a length and can be cut; not a pipe or a device.
  var isRegular: Bool { status.map { $0.st_mode & S_IFMT == S_IFREG } ?? false }
  private var isDirectory: Bool { status.map { $0.st_mode & S_IFMT == S_IFDIR } ?? false }
  /// Bytes; 0 for a pipe or a device.
  var length: Int { status.map { Int($0.st_size) } ?? 0 }

  func isSameFile(as other: FileDescriptor) -> Bool {
    guard let status, let others = other.status else { return false }
    return status.st_dev == others.st_dev && status.st_ino == others.st_ino
  }

  private var status: stat? {
    var status = stat()
    return fstat(number, &status) == 0 ? status : nil
  }

  /// The next bytes, at most `count`; empty at the end. Waits for a pipe's writer, and throws `interrupted` soon
  /// after the task is cancelled.
  func read(upTo count: Int) throws(FileJobsError) -> [UInt8] {
    while !hasInput(within: 100) {
      if Task.isCancelled { throw .interrupted(path: path) }
    }
    var failure: String?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      var received: Int
      repeat {
        received = Foundation.read(number, buffer.baseAddress, count)
      } while received < 0 && errno == EINTR
      if received < 0 { failure = Self.systemError() }
      filled = max(received, 0)
    }
    if let failure { throw .cannotRead(path: path, reason: failure) }
    return bytes
  }

  /// Whether a read would return at once, if need be after some milliseconds. The end and errors count.
  private func hasInput(within milliseconds: Int32) -> Bool {
    var request = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
    return isRegular || poll(&request, 1, milliseconds) > 0
  }

  /// Writes all bytes. In a file opened for appending they stand together, whoever else appends.
  func write(_ bytes: [UInt8]) throws(FileJobsError) {
    var start = 0
    while start < bytes.count {
      let written = bytes.withUnsafeBytes { buffer in
        Foundation.write(number, buffer.baseAddress?.advanced(by: start), bytes.count - start)
      }
      if written < 0 {
        if errno == EINTR { continue }
        throw .cannotWrite(path: path, reason: Self.systemError())
      }
      start += written
    }
  }

  /// Puts bytes in the place of others of a file, though it was opened to be written at its end.
  func replace(at offset: Int, with bytes: [UInt8]) throws(FileJobsError) {
    let number = open(path, O_WRONLY | O_CLOEXEC)
    guard number >= 0 else { throw .cannotOpen(path: path, reason: Self.systemError()) }
    let other = FileDescriptor(path: path, number: number, isOwned: true)
    guard pwrite(other.number, bytes, bytes.count, off_t(offset)) == bytes.count else {
      throw .cannotWrite(path: path, reason: Self.systemError())
    }
  }

  /// Cuts the file to so many bytes.
  func truncate(to length: Int) throws(FileJobsError) {
    guard ftruncate(number, off_t(length)) == 0 else {
      throw .cannotWrite(path: path, reason: Self.systemError())
    }
  }

  /// Waits until what was written is on the disk. Does nothing for a pipe or a device.
  func synchronize() throws(FileJobsError) {
    guard fsync(number) == 0 || errno == EINVAL || errno == ENOTSUP else {
      throw .cannotWrite(path: path, reason: Self.systemError())
    }
  }

  /// Keeps other runs away until the file is closed, also by a crash. File systems without locks are used as
  /// they are.
  func lock() throws(FileJobsError) {
    guard flock(number, LOCK_EX | LOCK_NB) != 0 else { return }
    switch errno {
    case EWOULDBLOCK: throw .inUse(path: path)
    case ENOLCK, ENOTSUP, ENOSYS: return
    default: throw .cannotOpen(path: path, reason: Self.systemError())
    }
  }

  private static func systemError() -> String { String(cString: strerror(errno)) }
}
