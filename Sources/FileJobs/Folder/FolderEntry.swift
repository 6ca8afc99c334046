import Foundation

/// A file or folder in a folder. Not by Foundation's enumerator: it leaves out what another file system holds, and
/// folders that may not be read, without a word.
struct FolderEntry {
  let name: String
  /// Also where a link leads to one.
  let isFolder: Bool
  let isLinked: Bool

  /// What the folder holds, in no order. Throws `FileJobsError.cannotOpen` and `cannotRead`.
  static func all(in path: String) throws(FileJobsError) -> [FolderEntry] {
    guard let folder = opendir(path) else {
      throw .cannotOpen(path: path, reason: String(cString: strerror(errno)))
    }
    defer { closedir(folder) }
    var entries: [FolderEntry] = []
    while true {
      errno = 0
      guard let entry = readdir(folder) else { break }
      let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
        name.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
      }
      if name == "." || name == ".." { continue }
      let type = Int(entry.pointee.d_type)
      // Some file systems do not say; a link must be followed.
      let isKnown = type != Int(DT_UNKNOWN) && type != Int(DT_LNK)
      entries.append(
        FolderEntry(
          name: name, isFolder: isKnown ? type == Int(DT_DIR) : isFolder(path + "/" + name),
          isLinked: isKnown ? false : isLink(path + "/" + name)))
    }
    if errno != 0 { throw .cannotRead(path: path, reason: String(cString: strerror(errno))) }
    return entries
  }

  private static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  private static func isLink(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
  }
}
