import Events
import Posix
import ReleaseModel

/// The files beside the code that belong into the slug.
struct KeptFiles {
  static let names = ["Procfile", "app.json"]
  static let profile = ".profile.d"
  /// Content by name.
  let files: [(name: String, bytes: [UInt8])]
  /// Process types of the Procfile.
  let procfile: [Procfile.Entry]
  let appJSON: AppJSON?
  private let source: String

  /// Reads them and holds them against their formats. What is not at the source's top is looked for beside the project.
  init(_ project: Project) throws(BuildFailure) {
    source = project.source
    var files: [(name: String, bytes: [UInt8])] = []
    for name in Self.names {
      for folder in project.place.isEmpty ? [source] : [source, project.folder] {
        guard let bytes = try Self.read(name, folder) else { continue }
        files.append((name, bytes))
        break
      }
    }
    self.files = files
    if Files.isFolder(source + "/" + Self.profile) {
      try Self.requireInside(Self.profile, in: source)
    }
    func text(_ name: String) -> [UInt8]? { files.first { $0.name == name }?.bytes }
    do throws(Cause) {
      procfile = try Procfile(text: String(decoding: text("Procfile") ?? [], as: UTF8.self)).entries
      appJSON = if let bytes = text("app.json") { try AppJSON(bytes: bytes) } else { nil }
    } catch { throw .file(error) }
  }

  /// Names of the programs in `bin/` that the Procfile starts.
  var started: [String] {
    var seen: Set<String> = []
    return ReleaseChoice.started(by: procfile).filter { seen.insert($0).inserted }
  }

  private static func read(_ name: String, _ source: String) throws(BuildFailure) -> [UInt8]? {
    let path = source + "/" + name
    guard Files.exists(path) else { return nil }
    try requireInside(name, in: source)
    do throws(PosixError) { return try Files.read(path, limit: 1 << 20) } catch {
      throw .unreadable(error)
    }
  }

  /// A link may not bring a file of the build host into the slug.
  private static func requireInside(_ name: String, in source: String) throws(BuildFailure) {
    let resolved: String
    do throws(PosixError) { resolved = try Files.resolve(source + "/" + name) } catch {
      throw .unreadable(error)
    }
    guard resolved.hasPrefix(source == "/" ? "/" : source + "/") else { throw .outside(path: name) }
  }

  /// - Parameter source: the source as the build left it; hooks may have added to it.
  /// - Returns: links that lead out of the slug and were left out.
  func write(from source: String, to slug: String) throws(PosixError) -> [String] {
    for file in files {
      try Files.remove(slug + "/" + file.name)
      try File.open(slug + "/" + file.name, .create, mode: 0o644).write(file.bytes)
    }
    // Programs that other buildpacks put beside ours: `bin/start-pgbouncer`.
    for program in started.map({ "bin/" + $0 }) where try Files.info(slug + "/" + program) == nil {
      guard let info = try Files.info(source + "/" + program), info.kind == .file, info.isExecutable
      else { continue }
      try Files.makeFolder(slug + "/bin", mode: 0o755)
      try FileTree.copyFile(source + "/" + program, to: slug + "/" + program, mode: 0o755)
    }
    var leftOut: [String] = []
    for name in try Inheritance.names(in: source) where try Files.info(slug + "/" + name) == nil {
      leftOut += try Inheritance.copy(source + "/" + name, to: slug + "/" + name)
    }
    let profile = source + "/" + Self.profile
    if Files.isFolder(profile) {
      try Files.remove(slug + "/" + Self.profile)
      try FileTree.copy(try Files.resolve(profile), to: slug + "/" + Self.profile)
    }
    return leftOut
  }
}
