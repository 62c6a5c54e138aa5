import Posix
import ReleaseModel

/// A check of a release without a boot: the release's own virtual machine reads its configuration and loads its code.
/// See `CodeScript`.
struct CodeCheck {
  let job: BootCheckJob
  let release: OTPRelease

  private var folder: String { release.folder.map { "\(job.copy)/\($0)" } ?? job.copy }
  private var versionFolder: String { "\(folder)/releases/\(release.version)" }
  private var report: String { job.scratch + "/report" }
  private var config: String { job.scratch + "/sys.config" }
  private var flags: String { job.scratch + "/vm.args" }

  /// The job's placeholders, and one for each variable that relx's start script puts into files.
  var placeholders: PlaceholderVars {
    var placeholders = job.placeholders
    if release.kind == .mix { return placeholders }
    for name in ["sys.config", "vm.args"] {
      for variable in template(name)?.names ?? [] { placeholders.invent(variable) }
    }
    return placeholders
  }

  private func template(_ name: String) -> SourceTemplate? {
    read("\(versionFolder)/\(name).src").map { SourceTemplate(text: $0) }
  }

  private func read(_ path: String) -> String? {
    (try? Files.readIfThere(path, limit: 1 << 24))?.map { String(decoding: $0, as: UTF8.self) }
  }

  /// A name for the environment; no node is started.
  private static let node = "check@127.0.0.1"

  /// The file as the start script makes it.
  private func made(_ name: String) -> String? {
    let values = job.environment(placeholders, node: Self.node, flags: "", port: 1)
    return template(name)?.filled(values) ?? read("\(versionFolder)/\(name)")
  }

  /// - Returns: nil if the release has no virtual machine of its own.
  func invocation() throws(PosixError) -> Invocation? {
    let programs = "\(folder)/erts-\(release.ertsVersion)/bin"
    let boots =
      ["\(versionFolder)/start_clean", "\(versionFolder)/no_dot_erlang"]
      + ["\(folder)/bin/start_clean", "\(folder)/bin/no_dot_erlang"]
    guard Files.isExecutableFile(programs + "/erlexec"),
      let boot = boots.first(where: { Files.isFile($0 + ".boot") })
    else { return nil }
    var words = [programs + "/erlexec", "-boot", boot, "-mode", "interactive", "-noinput"]
    for name in ["RELEASE_LIB", "SYSTEM_LIB_DIR", "ERTS_LIB_DIR"] {
      words += ["-boot_var", name, folder + "/lib"]
    }
    let isRelx = release.kind == .relx
    if isRelx { words += ["-args_file", flags] }
    let settings = isRelx ? made("sys.config") : nil
    words += ["-eval", CodeScript.text, "-extra", report, folder, settings == nil ? "" : config]
    words += [versionFolder + "/consolidated"]
    words += release.applications.map { "\($0.name)-\($0.version)" }
    if isRelx { try Files.replace(flags, with: Array(emulatorFlags.utf8)) }
    if let settings { try Files.replace(config, with: Array(settings.utf8)) }
    var environment = job.environment(
      placeholders, node: Self.node, flags: "", port: try Loopback.freePort())
    (environment["ROOTDIR"], environment["BINDIR"]) = (folder, programs)
    (environment["EMU"], environment["PROGNAME"]) = ("beam", "erl")
    return Invocation(words, in: job.copy, environment: environment)
  }

  /// Only the lines of `vm.args` that the emulator itself reads. The others name the node or start something.
  private var emulatorFlags: String {
    let lines = (made("vm.args") ?? "").split(separator: "\n")
    return lines.filter { $0.hasPrefix("+") }.joined(separator: "\n") + "\n"
  }

  /// The first fault in the virtual machine's report; nil if it found none.
  func fault(_ cause: BootCheckCause) -> BootCheck.Outcome? {
    let lines = (read(report) ?? "").split(separator: "\n").map {
      $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
    }
    for words in lines where words.count == 3 && words[0] == "config" {
      let number = Int(words[1]) ?? 0
      let place =
        "releases/\(release.version)/sys.config" + (template("sys.config") == nil ? "" : ".src")
      let text = (read(config) ?? "").split(separator: "\n", omittingEmptySubsequences: false)
      // The parser gives the line on which the term begins.
      let term = text.dropFirst(max(0, number - 1)).joined(separator: "\n")
      return cause.misconfigured(
        number > 0 ? "\(place):\(number)" : place, number > 0 ? term : "", words[2])
    }
    let modules = lines.filter { $0.count == 4 && $0[0] == "module" }.map {
      (name: $0[1], reason: Self.reason($0[2], $0[3]))
    }
    return modules.isEmpty ? nil : cause.unloadable(modules)
  }

  /// - Parameters:
  ///   - word: the reason that `code:load_file/1` returned.
  ///   - said: what the code server logged about it.
  private static func reason(_ word: String, _ said: String) -> String {
    let end = said.firstRange(of: "returned:").map { said[$0.upperBound...] } ?? said[...]
    let more = end.drop(while: \.isWhitespace)
    let what =
      switch word {
      case "nofile": "its file is missing"
      case "badfile": "its file is damaged, or compiled for a newer Erlang/OTP"
      case "on_load_failure": "its on_load function failed"
      default: word
      }
    return more.isEmpty ? what : "\(what): \(more)"
  }
}
