import Posix
import ReleaseModel

/// What can be known of a release without booting it, by a virtual machine of its own: `CodeScript`.
struct RehearsalCode {
  let script: RehearsalScript
  let release: OTPRelease

  private var folder: String { release.folder.map { "\(script.copy)/\($0)" } ?? script.copy }
  private var versionFolder: String { "\(folder)/releases/\(release.version)" }
  private var report: String { script.scratch + "/report" }
  private var config: String { script.scratch + "/sys.config" }
  private var flags: String { script.scratch + "/vm.args" }

  /// Those of the script, and one for each variable that relx's start script puts into files.
  var standIns: StandIns {
    var standIns = script.standIns
    if release.kind == .mix { return standIns }
    for name in ["sys.config", "vm.args"] {
      for variable in template(name)?.names ?? [] { standIns.invent(variable) }
    }
    return standIns
  }

  private func template(_ name: String) -> SourceTemplate? {
    read("\(versionFolder)/\(name).src").map { SourceTemplate(text: $0) }
  }

  private func read(_ path: String) -> String? {
    (try? Files.readIfThere(path, limit: 1 << 24))?.map { String(decoding: $0, as: UTF8.self) }
  }

  /// The file as the start script makes it.
  private func made(_ name: String) -> String? {
    let values = script.environment(standIns, node: "rehearsal@127.0.0.1", flags: "", port: 1)
    return template(name)?.filled(values) ?? read("\(versionFolder)/\(name)")
  }

  /// - Returns: nil where the release brings no virtual machine.
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
    var environment = script.environment(
      standIns, node: "rehearsal@127.0.0.1", flags: "", port: try Loopback.freePort())
    (environment["ROOTDIR"], environment["BINDIR"]) = (folder, programs)
    (environment["EMU"], environment["PROGNAME"]) = ("beam", "erl")
    return Invocation(words, in: script.copy, environment: environment)
  }

  /// Of `vm.args` only what the emulator itself reads: the rest names the node and starts things.
  private var emulatorFlags: String {
    let lines = (made("vm.args") ?? "").split(separator: "\n")
    return lines.filter { $0.hasPrefix("+") }.joined(separator: "\n") + "\n"
  }

  /// What the virtual machine has reported; nil where it found nothing.
  func fault(_ cause: RehearsalCause) -> Rehearsal.Outcome? {
    let lines = (read(report) ?? "").split(separator: "\n").map {
      $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
    }
    for words in lines where words.count == 3 && words[0] == "config" {
      let number = Int(words[1]) ?? 0
      let place =
        "releases/\(release.version)/sys.config" + (template("sys.config") == nil ? "" : ".src")
      let text = (read(config) ?? "").split(separator: "\n", omittingEmptySubsequences: false)
      // The number is that of the line in which the term begins.
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
  ///   - word: `code:load_file/1`'s.
  ///   - said: what the loader has said of it.
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
