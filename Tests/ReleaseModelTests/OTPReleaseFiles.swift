import Glibc

@testable import ReleaseModel

/// A release of `Tests/Fixtures/releases` with changes by a test.
struct OTPReleaseFiles {
  private let root: String
  /// Files that replace those on disk; `nil` removes one.
  private var changes: [String: [UInt8]?] = [:]

  /// The fixtures lack programs and scripts; empty ones are added.
  init(fixture name: String) {
    let path = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    root = path.dropLast(2).joined(separator: "/") + "/Fixtures/releases/" + name
    self["bin/demo_\(name)"] = ""
    self[name == "mix" ? "releases/0.1.0/env.sh" : "bin/nodetool"] = ""
  }

  subscript(path: String) -> String? {
    get { bytes(path).map { String(decoding: $0, as: UTF8.self) } }
    set { changes.updateValue(newValue.map { Array($0.utf8) }, forKey: path) }
  }

  mutating func set(_ path: String, _ bytes: [UInt8]) {
    changes[path] = bytes
  }

  mutating func move(_ path: String, to other: String) {
    changes.updateValue(bytes(path), forKey: other)
    changes.updateValue(nil, forKey: path)
  }

  func release() throws(OTPReleaseError) -> OTPRelease {
    try OTPRelease(read: { bytes($0) }, list: { names($0) })
  }

  func bytes(_ path: String) -> [UInt8]? {
    if let change = changes[path] { return change }
    guard let file = fopen("\(root)/\(path)", "r") else { return nil }
    defer { fclose(file) }
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    let count = fread(&buffer, 1, buffer.count, file)
    return Array(buffer[..<count])
  }

  private func names(_ folder: String) -> [String] {
    var names: Set<String> = []
    if let directory = opendir("\(root)/\(folder)") {
      defer { closedir(directory) }
      while let entry = readdir(directory) {
        names.insert(
          withUnsafeBytes(of: entry.pointee.d_name) { name in
            String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
          })
      }
    }
    for (path, content) in changes where path.hasPrefix(folder + "/") {
      let name = String(path.dropFirst(folder.count + 1))
      if content == nil { names.remove(name) } else { names.insert(name) }
    }
    return names.sorted()
  }
}
