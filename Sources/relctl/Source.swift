import CommandLine
import Events
import Posix
import ReleaseModel
import SlugStore

/// The source of a slug, as the operator named it: a folder or an archive.
struct Source {
  enum Kind {
    case project
    /// A release built by mix or relx, which is taken unchanged.
    case otpRelease
    /// A slug made by this buildpack, which is imported.
    case slug
    /// A tar archive that should hold a slug or a built OTP release.
    case archive
  }

  /// As the operator wrote it.
  let name: String
  let path: String
  /// The path that the operator named, for the events. For an archive, `path` is the folder it was unpacked to.
  let origin: String
  let kind: Kind

  /// - Throws: a cause, before any file is made or copied.
  init(_ name: String, _ context: Context) throws(Cause) {
    do throws(PosixError) { path = try Files.resolve(context.absolute(name)) } catch {
      throw Cause(.sourceMissing, "cannot build '\(name)': \(error.errno)")
    }
    (self.name, origin) = (name, path)
    if Files.isFile(path) {
      kind = .archive
      return
    }
    guard Files.isFolder(path) else {
      throw Cause(.sourceMissing, "cannot build '\(name)': it is neither a folder nor a file")
    }
    kind = try Self.kind(of: path, called: name, context)
    if kind != .slug { try checkTexts() }
  }

  /// A folder with code of a fork. Nothing in it is read here: a name in it may be a link to any file.
  init(ofFork name: String, _ context: Context) throws(Cause) {
    do throws(PosixError) { path = try Files.resolve(context.absolute(name)) } catch {
      throw Cause(.sourceMissing, "cannot build '\(name)': \(error.errno)")
    }
    guard Files.isFolder(path) else {
      throw Cause(
        .sourceUnknown, "'\(name)' is no folder, and code of a fork is always built here",
        remedy: "Give the folder of the source, or --git and --ref.")
    }
    (self.name, origin, kind) = (name, path, .project)
  }

  /// What an archive holds, unpacked into a folder.
  init(unpacked folder: String, of archive: Source) throws(Cause) {
    (name, origin) = (archive.name, archive.path)
    path = folder
    if [folder, folder + "/app"].contains(where: SlugTree.isSlug) {
      kind = .slug
    } else if Files.exists(folder + "/releases/start_erl.data") {
      kind = .otpRelease
    } else {
      throw Cause(
        .sourceUnknown,
        "'\(name)' holds neither a slug of this buildpack nor a built OTP release at its top",
        remedy: "Pack it with: relctl slug export, tar -C RELEASE -czf FILE ., a :tar step of mix "
          + "release, or rebar3 tar.")
    }
  }

  /// The kind of a folder. A project's own files take precedence over a slug in its folder `app`.
  private static func kind(of path: String, called name: String, _ context: Context) throws(Cause)
    -> Kind
  {
    if SlugTree.isSlug(path) { return .slug }
    if Files.exists(path + "/releases/start_erl.data") { return .otpRelease }
    if try isProject(path, context) { return .project }
    if SlugTree.isSlug(path + "/app") { return .slug }
    throw Cause(
      .sourceUnknown,
      "'\(name)' holds neither one project of mix or rebar3 nor a built OTP release")
  }

  /// Asks relpack whether it can build the folder. A subfolder in RELPACK_FOLDER is only checked by the build.
  private static func isProject(_ path: String, _ context: Context) throws(Cause) -> Bool {
    if context.environment["RELPACK_FOLDER"] != nil { return true }
    let detect = Invocation(
      [try context.sibling("relpack"), "detect", path], environment: ["PATH": "/usr/bin:/bin"])
    return try Cause.explaining(detect.run(errors: .null, limit: 30_000).isSuccess)
  }

  /// Reads the handwritten files first, so that a mistake in them shows before the build.
  private func checkTexts() throws(Cause) {
    func read(_ file: String) throws(Cause) -> [UInt8]? {
      try Cause.explaining(Files.readIfThere(path + "/" + file, limit: 1 << 20))
    }
    if let bytes = try read("Procfile") {
      _ = try Procfile(text: String(decoding: bytes, as: UTF8.self))
    }
    if let bytes = try read("app.json") { _ = try AppJSON(bytes: bytes) }
  }
}
