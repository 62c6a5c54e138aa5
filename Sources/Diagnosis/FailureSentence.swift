import Events
import ReleaseModel

/// Puts a failure of an application into a sentence.
struct FailureSentence {
  let facts: FailureFacts
  let text: OutputText
  let failure: Failure

  typealias Finding = Diagnosis.Finding

  func finding(_ proof: ClosedRange<Int>) -> Finding {
    var finding = self.finding
    finding.proof = proof
    finding.facts["application"] = failure.application ?? ""
    finding.facts["child"] = failure.children.last ?? ""
    if let place = facts.place(in: failure.frames) { finding.facts["where"] = place }
    if facts.isReleasePhase, let migration {
      finding.sentence = "migration \(migration) failed: " + finding.sentence
      finding.facts["migration"] = migration
      finding.id = .releasePhase
    }
    return finding
  }

  private var subject: String {
    // The start of the application kernel is no word for an operator.
    if failure.callback == "kernel:start/2", failure.children.isEmpty { return "the VM's kernel" }
    return failure.subject ?? failure.application.map { "application \($0)" } ?? self.caller
      ?? (facts.isReleasePhase ? "the release phase" : "\(facts.subject)")
  }

  /// The function of the app's own code that was called.
  private var caller: String? {
    failure.frames.first {
      $0.application.map { $0 == facts.mainApplication }
        ?? (facts.application(of: $0.module) == facts.mainApplication)
    }?.function.split(separator: " ").last.map(String.init)
  }

  /// ` (lib/shop/faults.ex:75)`
  private var place: String {
    facts.place(in: failure.frames).map { " (\($0))" } ?? foreign
  }

  /// ` (application ledger)`, if that is not the application that the release is for.
  private var foreign: String {
    guard let name = failure.application, let main = facts.mainApplication, name != main,
      name != "kernel",
      failure.subject != nil
    else { return "" }
    return " (application \(name))"
  }

  private var isAfterStart: Bool { failure.isAfterStart || facts.wasReady }

  private var id: ProblemID {
    facts.scriptFailure
      ?? (failure.application != nil ? .applicationFailed : isAfterStart ? .crashed : .bootFailed)
  }

  private var finding: Finding {
    switch failure.problem {
    case .exception(let module, let message):
      return Finding(
        id: id, sentence: "\(subject) raised \(Self.exception(module, message))\(place)",
        facts: ["exception": module])
    case .system(let name, let address): return system(name, address)
    case .missingVariable(let name): return missing(name)
    case .refused(let server, let words):
      return Finding(
        id: .connection, sentence: "\(subject) could not connect to \(server): \(words)",
        remedy: "Check the config vars with which it connects: relctl config \(facts.app)",
        facts: ["service": server])
    case .noConnection(let pool, let time):
      let whose = pool ?? subject
      return Finding(
        id: .connection,
        sentence: "\(whose) had no free connection" + (time.map { " for \($0) ms" } ?? "")
          + "; its database is away or too slow",
        remedy: "Check that the database answers, then the pool size.", facts: ["pool": whose])
    case .file(let verb, let path, let error): return file(verb, path, error)
    case .syntax(let file, let line, let words):
      return Finding(
        id: .runtimeConfig, sentence: "\(facts.short(path: file)):\(line): \(words)",
        remedy: "Correct the file in the source, then build and deploy again.",
        facts: ["file": facts.short(path: file), "line": String(line)])
    case .undefined(let module, let function): return undefined(module, function)
    case .killed:
      return Finding(
        id: id,
        sentence: "\(subject) was killed\(isAfterStart ? "" : " while it started")\(foreign)")
    case .noAnswer(let target):
      return Finding(
        id: id,
        sentence: target.map { "\(subject) got no answer from \($0) in time\(place)" }
          ?? "\(subject) got no answer in time\(place)")
    case .notRunning(let target):
      return Finding(id: id, sentence: "\(subject) called \(target), which does not run\(place)")
    case .sameChild(let name):
      return Finding(
        id: id, sentence: "\(subject) has two children with the id \(name)\(foreign)")
    case .onLoad(let module, let words):
      return BootFault.native(module: module, words: words, facts)
    case .other(let words): return other(words)
    }
  }

  /// `RuntimeError: no phrases`
  private static func exception(_ module: String, _ message: String) -> String {
    // Erlang's own words for a wrong argument say this before what is wrong.
    let plain = message.replacing("errors were found at the given arguments: * ", with: "")
    return message.isEmpty ? module : "\(module): \(plain.split(separator: "\n").first ?? "")"
  }

  private func other(_ words: String) -> Finding {
    if ["...", ":...", "{}", "[]"].contains(words) {
      return Finding(
        id: id, sentence: "\(subject) failed\(place); the VM did not print the reason",
        facts: ["reason": Diagnosis.unknownReason])
    }
    if failure.callback != nil, failure.children.isEmpty, !failure.frames.isEmpty {
      return Finding(id: id, sentence: "\(subject) failed: \(words)\(place)")
    }
    if failure.callback != nil, failure.children.isEmpty {
      return Finding(id: id, sentence: "\(subject) returned the error \(words)\(foreign)")
    }
    let verb = failure.application == nil && isAfterStart ? "ended" : "did not start"
    return Finding(id: id, sentence: "\(subject) \(verb): \(words)\(place)")
  }

  // MARK: - Errors of the system

  private func system(_ name: String, _ address: Failure.Address) -> Finding {
    let words = SystemWords.words(name) ?? name
    if name == "eaddrinuse" { return taken(address) }
    if name == "enospc" || name == "edquot" {
      return Finding(
        id: .diskFull, sentence: "\(subject) could not write: \(words)\(place)")
    }
    if SystemWords.connecting[name] != nil {
      let target = address.text.map { " to \($0)" } ?? ""
      let unknown = address.text == nil ? "; to which address is not known" : ""
      return Finding(
        id: .connection,
        sentence:
          "\(subject) could not connect\(target): \(words)\(address.text == nil ? place : foreign)\(unknown)",
        remedy: remedy(name, address),
        facts: [
          "address": address.text ?? "", "error": name, "service": address.service ?? "",
        ])
    }
    let verb =
      SystemWords.losing[name] != nil
      ? "lost its connection" : SystemWords.listening[name] == nil ? "failed" : "could not listen"
    return Finding(
      id: id, sentence: "\(subject) \(verb): \(words)\(place)", facts: ["error": name])
  }

  private func remedy(_ name: String, _ address: Failure.Address) -> String {
    let what = address.server
    switch name {
    case "econnrefused": return "Start \(what), or correct the config var that names its address."
    case "nxdomain": return "Correct the config var that names the host, or its DNS record."
    default: return "Check that \(what) can be reached from this host."
    }
  }

  /// A port that is in use: the one that is named, or `PORT`.
  private func taken(_ address: Failure.Address) -> Finding {
    let said: UInt16? =
      address.port
      ?? text.last { (line) -> UInt16? in
        line.contains("in use") ? LibraryWords.address(in: line).port : nil
      }?.found
    guard let port = said ?? facts.port else {
      return Finding(
        id: .portTaken, sentence: "\(subject) could not listen: address already in use")
    }
    let name = port == facts.port ? "PORT \(port)" : "port \(port)"
    if let holder = facts.host.holder(port) {
      let ours = port == facts.port
      return Finding(
        id: .portTaken, sentence: "\(name) is held by \(holder)",
        remedy: ours
          ? "Deploy again: the next run gets another port."
          : "Stop that program, or listen on the port in the environment variable PORT.",
        facts: ["port": String(port), "holder": holder])
    }
    if said == nil {
      return Finding(
        id: .portTaken,
        sentence:
          "\(subject) could not listen: the address is in use; no other program holds PORT \(port), so "
          + "the app listens twice, or on another port",
        remedy: "Listen once, on the port in the environment variable PORT.",
        facts: ["port": String(port)])
    }
    return Finding(
      id: .portTaken,
      sentence: "\(subject) could not listen: \(name) was in use; no program holds it now",
      remedy: "Listen on the port in the environment variable PORT.", facts: ["port": String(port)])
  }

  private func file(_ verb: String, _ path: String, _ error: String) -> Finding {
    let words = SystemWords.words(error) ?? error
    return Finding(
      id: error == "enospc" ? .diskFull : id,
      sentence: "\(subject) could not \(verb) \(facts.short(path: path)): \(words)\(place)",
      facts: ["file": path, "error": error])
  }

  // MARK: - Variables and code

  private func missing(_ name: String) -> Finding {
    Self.missing(name, place: facts.place(in: failure.frames), facts)
  }

  static func missing(_ name: String, place: String?, _ facts: FailureFacts) -> Finding {
    let known = facts.variables.filter { $0.name == name }
    let first = known.first { $0.need != .optional } ?? known.first
    let place = first.map { "\($0.file):\($0.line)" } ?? place
    return Finding(
      id: .configMissing, sentence: "\(name) is not set" + (place.map { " (\($0))" } ?? ""),
      remedy: "Set it (relctl config \(facts.app) set \(name) reads the value), then deploy again.",
      facts: ["variable": name])
  }

  private func undefined(_ module: String, _ function: String) -> Finding {
    let name = CodeName.module(module)
    let by = failure.frames.dropFirst().isEmpty ? "" : ", but \(subject) calls it"
    if !facts.files.isEmpty, facts.application(of: module) == nil {
      return Finding(
        id: .moduleMissing, sentence: "module \(name) is not in the release\(by)\(place)",
        remedy: "Add the application of that module to the dependencies, or correct its name.",
        facts: ["module": name])
    }
    return Finding(
      id: id, sentence: "function \(function) does not exist\(by)\(place)",
      facts: ["function": function])
  }

  /// The migration that was running, as Ecto's log names it. It may have begun long before.
  private var migration: String? {
    let begin = "== Running "
    guard let index = text.lines.lastIndex(where: { $0.text.contains(begin) }),
      let version = text.lines[index].text.firstRange(of: begin).map({
        text.lines[index].text[$0.upperBound...].prefix(while: \.isNumber)
      }), !version.isEmpty,
      !text.lines[index...].contains(where: { $0.text.contains("== Migrated \(version) ") })
    else { return nil }
    return facts.migrations.first { $0.name.hasPrefix(version + "_") }?.name ?? String(version)
  }
}
