import Events
import HomeLayout
import Instance
import Posix
import Redaction
import ReleaseModel

/// Why a release did not boot, in a person's words.
struct RehearsalCause {
  let script: RehearsalScript
  let release: OTPRelease
  /// What it was tried with.
  let standIns: StandIns

  /// It ended by itself.
  func ended(_ exit: Exit, _ lines: [String], _ aim: RehearsalAct.Aim) -> Rehearsal.Outcome {
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

  /// It has not booted within the limit.
  func hung(_ reason: String, stack: [String], _ lines: [String]) -> Rehearsal.Outcome {
    var hung = cause(
      "has not booted after \(script.limit / 1000) s: \(reason)", remedy, lines.suffix(3))
    hung.evidence += stack.map {
      Cause.Evidence(kind: "process", place: release.name, text: clean($0))
    }
    return .failed(hung)
  }

  /// Its configuration is none.
  /// - Parameters:
  ///   - place: file and line.
  ///   - text: what stands there; with a stand-in in it, it is not known whether the real value would do.
  func misconfigured(_ place: String, _ text: String, _ complaint: String) -> Rehearsal.Outcome {
    if script.real == nil, let name = standIns.blamed(in: text).first {
      return .unclear(
        cause(
          "could not be checked: the stand-in for \(name) is not accepted (\(place)): \(complaint)",
          "Give \(name) a \"value\" in app.json's env that will do.", [],
          facts: ["variable": name]))
    }
    return .failed(cause("cannot be configured: \(place): \(complaint)", remedy, []))
  }

  /// Modules that do not load, with the reason of each.
  func unloadable(_ modules: [(name: String, reason: String)]) -> Rehearsal.Outcome {
    let sentences = modules.map { "the module \($0.name) does not load: \($0.reason)" }
    let more = modules.count > 1 ? " (and \(modules.count - 1) more)" : ""
    return .failed(
      cause(
        "does not boot: \(short(sentences.first ?? ""))\(more)",
        "Build for the Erlang/OTP that the release has, with every library that its modules load.",
        sentences.dropFirst().prefix(10)))
  }

  /// A stand-in stands in the complaint: whether the real value would do is not known.
  private func blame(_ last: OutputDiagnosis) -> Cause? {
    // What follows the telling line may show what was called with which value.
    let near = last.place.map { last.lines[$0...].prefix(6) } ?? []
    guard script.real == nil,
      let name = near.lazy.compactMap({ standIns.blamed(in: $0).first }).first
    else { return nil }
    return cause(
      "could not be rehearsed: the stand-in for \(name) is not accepted\(place(of: name)): "
        + short(last.words ?? ""),
      "Give \(name) a \"value\" in app.json's env that will do.", last.lines[last.evidence],
      facts: ["variable": name])
  }

  /// ` (config/runtime.exs:12)`
  private func place(of name: String) -> String {
    let found = script.variables.first { $0.name == name }
    return found.map { " (\($0.file):\($0.line))" } ?? ""
  }

  private var remedy: String {
    let names = standIns.invented.sorted()
    let command = "\(release.startCommand) \(release.startArgument)"
    guard script.real == nil, !names.isEmpty else {
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
      .rehearsal, "\(release.name) \(clean(sentence))", remedy: remedy, facts: facts,
      evidence: lines.map {
        Cause.Evidence(kind: "log", place: release.name, text: short(clean($0)))
      })
  }

  private func short(_ text: String) -> String { String(text.prefix(300)) }

  /// Without values that are secret or ours, and without the place of the copy.
  private func clean(_ text: String) -> String {
    let values = script.real ?? standIns.values.filter { standIns.invented.contains($0.key) }
    return Redactor(ConfigSet(values))(text.replacing(script.copy + "/", with: ""))
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
