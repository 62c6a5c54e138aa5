import Events
import Posix
import ReleaseModel

/// The files of a project that a running app needs besides its release: Procfile, app.json, `.profile.d` and the files
/// of earlier buildpacks.
struct RuntimeFiles {
  static let names = ["Procfile", "app.json"]
  static let profile = ".profile.d"
  /// Content by name.
  let files: [(name: String, bytes: [UInt8])]
  let procfile: [Procfile.Entry]
  let appJSON: AppJSON?
  private let source: String

  /// Reads and checks the files. A file that is not at the top of the source may be in the project's folder.
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
    } catch { throw .cause(error) }
  }

  /// Names of the programs in `bin/` that the Procfile starts, each once.
  var started: [String] {
    var seen: Set<String> = []
    return ReleaseChoice.started(by: procfile).filter { seen.insert($0).inserted }
  }

  private static func read(_ name: String, _ source: String) throws(BuildFailure) -> [UInt8]? {
    let path = source + "/" + name
    guard Files.exists(path) else { return nil }
    try requireInside(name, in: source)
    return try BuildFailure.reading(Files.read(path, limit: 1 << 20))
  }

  /// A link must not bring a file of the build host into the slug.
  private static func requireInside(_ name: String, in source: String) throws(BuildFailure) {
    let resolved = try BuildFailure.reading(Files.resolve(source + "/" + name))
    guard resolved.hasPrefix(source == "/" ? "/" : source + "/") else { throw .outside(path: name) }
  }

  /// Writes the files into the slug.
  /// - Parameter source: the source after the build; hooks may have added files.
  /// - Returns: links that were left out because they lead out of the slug.
  func write(from source: String, to slug: String) throws(PosixError) -> [String] {
    for file in files {
      try Files.remove(slug + "/" + file.name)
      try File.open(slug + "/" + file.name, .create, mode: 0o644).write(file.bytes)
    }
    // Programs of other buildpacks, such as `bin/start-pgbouncer`.
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
