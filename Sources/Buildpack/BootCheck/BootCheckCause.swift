import Events
import HomeLayout
import Instance
import Posix
import Redaction
import ReleaseModel

struct BootCheckCause {
  let job: BootCheckJob
  let release: OTPRelease
  /// The values that the release was started with.
  let placeholders: PlaceholderVars

  /// The outcome if the program ended by itself.
  func ended(_ exit: Exit, _ lines: [String], _ aim: BootAttempt.Aim) -> BootCheck.Outcome {
    let isKilled = exit == .signal(.kill) || exit == .code(137)
    let last = OutputDiagnosis(lines)
    let ending = ExitCause.ending(exit.status)
    if let blamed = blame(last) { return .unclear(blamed) }
    let what =
      switch aim {
      case .boot: "does not boot"
      case .configuration: "cannot be configured"
      case .code: "has code that cannot be loaded"
      }
    guard !isKilled, let words = last.words else {
      let silence = lines.isEmpty ? " and said nothing" : ""
      return .failed(
        cause(
          "\(what): it \(ending)\(silence)", isKilled ? ExitCause.killedRemedy : remedy,
          lines.suffix(3)))
    }
    let evidence = last.lines[last.evidence]
    if let name = last.missingVariable {
      return .failed(
        cause(
          "\(what): it asks for the environment variable \(name), which is not set\(place(of: name))",
          "Set \(name) for the app, or give it a \"value\" in app.json's env to boot with.",
          evidence, facts: ["variable": name]))
    }
    if let name = last.failedApplication {
      return .failed(
        cause(
          "\(what): the application '\(name)' does not start: \(short(words))", remedy, evidence,
          facts: ["application": name]))
    }
    return .failed(cause("\(what): it \(ending): \(short(words))", remedy, evidence))
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
  private func blame(_ last: OutputDiagnosis) -> Cause? {
    // The lines after the error may show which function was called with which value.
    let near = last.place.map { last.lines[$0...].prefix(6) } ?? []
    guard job.real == nil,
      let name = near.lazy.compactMap({ placeholders.blamed(in: $0).first }).first
    else { return nil }
    return cause(
      "could not be checked: the placeholder for \(name) is not accepted\(place(of: name)): "
        + short(last.words ?? ""),
      "Give \(name) a \"value\" in app.json's env that the release accepts.",
      last.lines[last.evidence],
      facts: ["variable": name])
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
    let values = job.real ?? placeholders.values.filter { placeholders.invented.contains($0.key) }
    return Redactor(ConfigSet(values))(text.replacing(job.copy + "/", with: ""))
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
