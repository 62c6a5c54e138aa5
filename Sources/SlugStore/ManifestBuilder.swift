import Events
import Posix
import ReleaseModel

/// A builder of the manifest of a tree, which holds one OTP release at its top, or several in `rel/NAME`.
public enum ManifestBuilder {
  /// Reads a tree and returns its manifest.
  /// - Parameters:
  ///   - variables: nil if they were not looked for.
  ///   - report: called with each problem of native code that does not keep the tree from being a slug.
  public static func describe(
    _ tree: String, tools: [String: String] = [:], variables: [Manifest.Variable]? = nil,
    report: (NativeCode.Incompatibility) -> Void = { _ in }
  ) throws(Cause) -> Manifest {
    let releases = try otpReleases(in: tree)
    var manifest = Manifest(
      otpReleases: releases, processes: try processes(in: tree, releases),
      appJSON: try appJSON(in: tree), tools: tools, target: .host,
      files: try files(in: tree))
    manifest.variables = variables
    manifest.migrations = Manifest.Migration.all(of: releases, in: manifest.files)
    manifest.compileEnv = try compileEnv(in: tree, releases)
    let code = try Cause.explaining(NativeCode(in: tree, manifest.files))
    (manifest.target.glibc, manifest.target.libraries) = (code.glibc, code.libraries)
    code.findings.forEach(report)
    return manifest
  }

  public static let folder = "rel"

  public static func otpReleases(in tree: String) throws(Cause) -> [OTPRelease] {
    let several = ((try? Files.list(tree + "/" + folder)) ?? []).filter {
      Files.exists("\(tree)/\(folder)/\($0)/releases/start_erl.data")
    }
    if several.isEmpty || Files.exists(tree + "/releases/start_erl.data") {
      return [try otpRelease(in: tree)]
    }
    var releases: [OTPRelease] = []
    for name in several {
      var release = try otpRelease(in: "\(tree)/\(folder)/\(name)")
      release.folder = "\(folder)/\(name)"
      releases.append(release)
    }
    return releases
  }

  private static func otpRelease(in folder: String) throws(Cause) -> OTPRelease {
    do throws(OTPReleaseError) {
      return try OTPRelease(
        read: { try Files.readIfThere(folder + "/" + $0, limit: 64 << 20) },
        list: { (try? Files.list(folder + "/" + $0)) ?? [] })
    } catch {
      throw Cause(.releaseFormat, "\(error)", remedy: "Build the release again with mix release.")
    }
  }

  /// The process types of the Procfile. Without one, `web` is `bin/server` if the release has it, else the release's
  /// start script. No release phase is assumed: migrations run only if the Procfile asks for them.
  public static func processes(in tree: String, _ releases: [OTPRelease]) throws(Cause)
    -> [Procfile.Entry]
  {
    if let bytes = try read(tree + "/Procfile") {
      return try Procfile(text: String(decoding: bytes, as: UTF8.self)).entries
    }
    let commands = releases.map { release in
      let server = (release.folder.map { $0 + "/" } ?? "") + "bin/server"
      let isServer = Files.isExecutableFile(tree + "/" + server)
      return (
        release, isServer, isServer ? server : "\(release.startCommand) \(release.startArgument)"
      )
    }
    // Of several releases the only one with a server is `web`; the others are process types of their own names.
    let servers = commands.filter { $0.1 }.count
    var taken: Set = servers == 1 ? [ProcessType.web, ProcessType.release] : [ProcessType.release]
    return commands.map { release, isServer, command in
      let isWeb = releases.count == 1 || isServer && servers == 1
      return Procfile.Entry(
        process: isWeb ? ProcessType.web : processType(for: release.name, &taken),
        command: command)
    }
  }

  /// The release's name as a process type, with a number if that name is taken.
  private static func processType(for name: String, _ taken: inout Set<String>) -> String {
    let base = String(name.map { ProcessType.isValid(String($0)) ? $0 : "-" }.prefix(26))
    var (process, number) = (base, 2)
    while !taken.insert(process).inserted {
      process = "\(base)-\(number)"
      number += 1
    }
    return process
  }

  /// The configuration keys that applications read at compile time, without the applications of Erlang and Elixir.
  private static func compileEnv(in tree: String, _ releases: [OTPRelease]) throws(Cause)
    -> [Manifest.CompileEnv]
  {
    var found: Set<Manifest.CompileEnv> = []
    for release in releases {
      let lib = (release.folder.map { "\(tree)/\($0)" } ?? tree) + "/lib"
      for application in release.applications
      where !ToolchainApplications.all.contains(application.name) {
        let name = application.name
        let file = "\(lib)/\(name)-\(application.version)/ebin/\(name).app"
        guard let bytes = try read(file) else { continue }
        let spec: ApplicationSpec
        do throws(OTPReleaseError) {
          spec = try ApplicationSpec(appFile: bytes, name: name, file: file)
        } catch { throw Cause(.releaseFormat, "\(error)") }
        found.formUnion(
          spec.compileEnv.map {
            Manifest.CompileEnv(application: $0.application, key: $0.path, reader: name)
          })
      }
    }
    return found.sorted {
      ($0.application, $0.key, $0.reader) < ($1.application, $1.key, $1.reader)
    }
  }

  static func appJSON(in tree: String) throws(Cause) -> AppJSON? {
    guard let bytes = try read(tree + "/app.json") else { return nil }
    return try AppJSON(bytes: bytes)
  }

  private static func read(_ path: String) throws(Cause) -> [UInt8]? {
    try Cause.explaining(Files.readIfThere(path, limit: 1 << 20))
  }

  private static func files(in tree: String) throws(Cause) -> [Manifest.Entry] {
    do throws(PosixError) {
      var entries: [Manifest.Entry] = []
      for entry in try FileTree.entries(of: tree, skipping: Manifest.isOutside) {
        entries.append(try describe(entry, in: tree))
      }
      addOwnFolder(to: &entries)
      return entries
    } catch {
      if error.errno == .invalid {
        throw Cause(
          .slugContent,
          "\(error.subject) is neither file, folder nor link, or its name is not UTF-8",
          remedy: "Take it out of the release.")
      }
      throw Cause(error)
    }
  }

  /// The manifest's own folder is part of every slug, so a tree without a manifest gets the same one as a tree with it.
  private static func addOwnFolder(to entries: inout [Manifest.Entry]) {
    let own = Files.parent(of: Manifest.path)
    if entries.contains(where: { $0.path == own }) { return }
    let next = entries.firstIndex { own.utf8.lexicographicallyPrecedes($0.path.utf8) }
    entries.insert(
      Manifest.Entry(path: own, kind: .folder, mode: "755"), at: next ?? entries.endIndex)
  }

  private static func describe(_ entry: FileTree.Entry, in tree: String) throws(PosixError)
    -> Manifest.Entry
  {
    let path = tree + "/" + entry.path
    switch entry.info.kind {
    case .folder: return Manifest.Entry(path: entry.path, kind: .folder, mode: "755")
    case .link:
      return Manifest.Entry(
        path: entry.path, kind: .link, target: try Files.target(ofLink: path))
    case .file:
      return Manifest.Entry(
        path: entry.path, kind: .file, mode: entry.info.isExecutable ? "755" : "644",
        size: entry.info.size, sha256: Hex.encode(try SHA256.digest(ofFile: path)))
    case .other: throw PosixError("describe", path, .invalid)
    }
  }
}
