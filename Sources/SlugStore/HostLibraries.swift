import Posix
import ReleaseModel

/// The shared libraries that this host's loader finds without a variable. Sources: ld.so(8), ldconfig(8).
///
/// The programs here are linked statically, so that they cannot ask their own C library.
public struct HostLibraries: Sendable {
  private let folders: [String]

  public init(root: String = "") {
    let arch = Manifest.Target.host.arch
    let standard = ["/lib", "/usr/lib"].flatMap { ["\($0)/\(arch)-linux-gnu", $0 + "64", $0] }
    folders = (Self.folders(in: root + "/etc/ld.so.conf", root) + standard).map { root + $0 }
  }

  /// Nil if the host's libraries lie where this type does not look, which a missing C library shows.
  public func has(_ name: String) -> Bool? {
    if name.contains("/") || name.hasPrefix(".") || name.isEmpty { return nil }
    return path(of: name) != nil ? true : path(of: Self.cLibrary) == nil ? nil : false
  }

  /// The version of glibc; nil if there is none.
  public var glibc: LibraryVersion? {
    guard let path = path(of: Self.cLibrary), let elf = try? NativeCode.elf(path) else {
      return nil
    }
    return NativeCode.greatest(elf.defined)["GLIBC"]
  }

  private static let cLibrary = "libc.so.6"

  private func path(of name: String) -> String? {
    folders.lazy.map { $0 + "/" + name }.first(where: Files.isFile)
  }

  /// The folders that a file of ldconfig names, and those of the files that it includes with `include FOLDER/*.conf`.
  private static func folders(in file: String, _ root: String, depth: Int = 0) -> [String] {
    guard depth < 4, let bytes = try? Files.readIfThere(file, limit: 1 << 16) else { return [] }
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    return lines.flatMap { line -> [String] in
      let text = line.prefix { $0 != "#" }
      let words = text.split(whereSeparator: { " \t,:".contains($0) }).map(String.init)
      guard words.first == "include" else { return words.filter { $0.hasPrefix("/") } }
      return words.dropFirst().flatMap { pattern -> [String] in
        let folder = Files.parent(
          of: pattern.hasPrefix("/") ? root + pattern : root + "/etc/" + pattern)
        return ((try? Files.list(folder)) ?? []).filter { $0.hasSuffix(".conf") }.sorted().flatMap {
          Self.folders(in: folder + "/" + $0, root, depth: depth + 1)
        }
      }
    }
  }
}
