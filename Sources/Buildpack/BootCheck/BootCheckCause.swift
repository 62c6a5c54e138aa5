import Diagnosis
import Events
import HomeLayout
import Instance
import Posix
import Redaction
import ReleaseModel
import SlugStore

struct BootCheckCause {
  let job: BootCheckJob
  let release: OTPRelease
  /// The values that the release was started with.
  let placeholders: PlaceholderVars

  /// The outcome if the program ended by itself.
  func ended(_ exit: Exit, _ lines: [String], _ aim: BootAttempt.Aim) -> BootCheck.Outcome {
    let end = diagnosis(exit, lines)
    if let blamed = blame(end) { return .unclear(blamed) }
    let what =
      switch aim {
      case .boot: "does not boot"
      case .code where end.id == ProblemID.virtualMachineArguments.rawValue: "does not boot"
      case .configuration: "cannot be configured"
      case .code: "has code that cannot be loaded"
      }
    let help =
      end.facts["variable"].map {
        "Set \($0) for the app, or give it a \"value\" in app.json's env to boot with."
      } ?? (end.id == ProblemID.killed.rawValue ? end.remedy : nil)
    var cause = cause("\(what): \(end.sentence)", help ?? remedy, [], facts: end.facts)
    cause.evidence = end.evidence
    return .failed(cause)
  }

  /// The cause of the end of a program that the check has started.
  func diagnosis(_ exit: Exit, _ lines: [String]) -> Cause {
    var facts = FailureFacts(app: release.name, subject: "it", process: ProcessType.web)
    facts.exit = exit.status
    let mask = redactor
    facts.output = lines.map { LogLine(time: Timestamp(milliseconds: 0), text: mask($0)) }
    (facts.otpRelease, facts.variables, facts.tree) = (release, job.variables, job.copy)
    facts.files = code
    let folder = release.folder.map { "\(job.copy)/\($0)" } ?? job.copy
    let arguments = try? Files.read(
      "\(folder)/releases/\(release.version)/vm.args", limit: 1 << 20)
    facts.arguments = String(decoding: arguments ?? [], as: UTF8.self)
    let tree = job.copy
    facts.host.architecture = { NativeCode.architecture(of: $0, in: tree) }
    facts.mask = { mask($0) }
    var cause = Diagnosis(facts).causeOfEnd()
    cause.evidence = cause.evidence.map {
      Cause.Evidence(kind: "log", place: release.name, text: clean($0.text))
    }
    return cause
  }

  /// The files of the release's code, which tell to which application a module belongs.
  private var code: [Manifest.Entry] {
    let lib = release.folder.map { $0 + "/lib" } ?? "lib"
    let applications = (try? Files.list("\(job.copy)/\(lib)")) ?? []
    return applications.flatMap { name in
      let folder = "\(lib)/\(name)/ebin"
      return ((try? Files.list("\(job.copy)/\(folder)")) ?? []).map {
        Manifest.Entry(path: "\(folder)/\($0)", kind: .file)
      }
    }
  }

  func hung(_ reason: String, stack: [String], _ lines: [String]) -> BootCheck.Outcome {
    var hung = cause(
      "has not booted after \(job.limit / 1000) s: \(reason)", remedy, lines.suffix(3))
    hung.evidence += stack.map {
      Cause.Evidence(kind: "process", place: release.name, text: clean($0))
    }
    return .failed(hung)
  }

  /// The outcome if the configuration cannot be read.
  /// - Parameters:
  ///   - place: file and line.
  ///   - text: the text at that place. If it holds a placeholder, the real value may be right.
  func misconfigured(_ place: String, _ text: String, _ complaint: String) -> BootCheck.Outcome {
    if job.real == nil, let name = placeholders.blamed(in: text).first {
      return .unclear(
        cause(
          "could not be checked: the placeholder for \(name) is not accepted (\(place)): \(complaint)",
          "Give \(name) a \"value\" in app.json's env that the release accepts.", [],
          facts: ["variable": name]))
    }
    return .failed(cause("cannot be configured: \(place): \(complaint)", remedy, []))
  }

  /// The outcome if modules do not load, each for its own reason.
  func unloadable(_ modules: [(name: String, reason: String)]) -> BootCheck.Outcome {
    let sentences = modules.map { "the module \($0.name) does not load: \($0.reason)" }
    let more = modules.count > 1 ? " (and \(modules.count - 1) more)" : ""
    return .failed(
      cause(
        "does not boot: \(short(sentences.first ?? ""))\(more)",
        "Build for the Erlang/OTP that the release has, with every library that its modules load.",
        sentences.dropFirst().prefix(10)))
  }

  /// The cause if the release complains about a placeholder: the real value may be right. Nil for any other complaint.
  private func blame(_ end: Cause) -> Cause? {
    // The record of the error may show which function was called with which value.
    let record = end.evidence.map(\.text).joined(separator: "\n") + end.sentence
    guard job.real == nil,
      let name = placeholders.blamed(in: record).first
        ?? placeholders.invented.sorted().first(where: { record.contains("«\($0)»") })
    else { return nil }
    var cause = cause(
      "could not be checked: the placeholder for \(name) is not accepted\(place(of: name)): "
        + end.sentence,
      "Give \(name) a \"value\" in app.json's env that the release accepts.", [],
      facts: ["variable": name])
    cause.evidence = end.evidence
    return cause
  }

  /// ` (config/runtime.exs:12)`
  private func place(of name: String) -> String {
    let found = job.variables.first { $0.name == name }
    return found.map { " (\($0.file):\($0.line))" } ?? ""
  }

  private var remedy: String {
    let names = placeholders.invented.sorted()
    let command = "\(release.startCommand) \(release.startArgument)"
    guard job.real == nil, !names.isEmpty else {
      return "Boot it yourself in the slug: \(command)"
    }
    let some = names.prefix(8).joined(separator: ", ") + (names.count > 8 ? " …" : "")
    return "Values were made up for \(some); give better ones as \"value\" in app.json's env, or "
      + "boot it yourself in the slug: \(command)"
  }

  private func cause(
    _ sentence: String, _ remedy: String, _ lines: ArraySlice<String>,
    facts: [String: String] = [:]
  ) -> Cause {
    Cause(
      .bootCheck, "\(release.name) \(clean(sentence))", remedy: remedy, facts: facts,
      evidence: lines.map {
        Cause.Evidence(kind: "log", place: release.name, text: short(clean($0)))
      })
  }

  private func short(_ text: String) -> String { String(text.prefix(300)) }

  /// The text with config vars and placeholders masked, and with paths relative to the slug.
  private func clean(_ text: String) -> String {
    redactor(text.replacing(job.copy + "/", with: ""))
  }

  private var redactor: Redactor {
    let values = job.real ?? placeholders.values.filter { placeholders.invented.contains($0.key) }
    return Redactor(ConfigSet(values))
  }
}

extension Exit {
  var status: RunStatus.Exit {
    switch self {
    case .code(let code): .code(code)
    case .signal(let signal): .signal(signal.rawValue)
    }
  }
}
