import ErlangTerm
import Events
import ReleaseModel

/// Failures of a VM's boot before, or apart from, the start of the applications.
struct BootFault {
  let diagnosis: Diagnosis
  private var facts: FailureFacts { diagnosis.facts }
  private var text: OutputText { diagnosis.text }

  typealias Finding = Diagnosis.Finding

  /// - Parameter reason: what `init` could not do.
  func find(_ reason: Term, at line: Int) -> Finding? {
    var finding = code(reason) ?? configuration(reason, at: line)
    if finding?.proof == nil { finding?.proof = line...line }
    return finding
  }

  /// - Parameter words: of the VM's kernel, as `error in config file "…/sys.config" (3): syntax error before: …`
  func find(_ words: String, at line: Int) -> Finding? {
    guard let start = words.firstRange(of: "error in config file \""),
      let end = words[start.upperBound...].firstIndex(of: "\"")
    else {
      return Finding(
        id: .bootFailed, sentence: "the VM's kernel did not start: \(words)", proof: line...line)
    }
    let file = facts.short(path: String(words[start.upperBound..<end]))
    let rest = words[end...].dropFirst().trimmingSpaces
    let number = rest.dropFirst().prefix { $0.isNumber }
    let said =
      rest.firstIndex(of: ":").map { rest[rest.index(after: $0)...].trimmingSpaces } ?? rest
    return Finding(
      id: .runtimeConfig, sentence: "\(file)\(number.isEmpty ? "" : ":\(number)"): \(said)",
      remedy: "Build again: this file is made by the build.", facts: ["file": file],
      proof: line...line)
  }

  // MARK: - Code

  private func code(_ reason: Term) -> Finding? {
    let parts = reason.tuple ?? []
    switch (parts.first?.atom, parts.count) {
    case ("load_failed", 2):
      return modules(parts[1].list?.compactMap(\.atom) ?? [])
    case ("cannot get bootfile", 2):
      return bootFile(parts[1].text ?? "", "is not in the release")
    case ("not a bootfile", 2), ("bad_boot", 2):
      return bootFile(parts[1].text ?? "", "is damaged")
    case ("cannot expand $ROOTDIR", _), ("cannot expand bootvar", _):
      return bootFile("the boot file", "names a folder that is not known")
    default: return nil
    }
  }

  private func modules(_ names: [String]) -> Finding? {
    guard let first = names.first else { return nil }
    let name = CodeName.module(first)
    let others = names.count == 2 ? "1 other is" : "\(names.count - 1) others are"
    let more = names.count > 1 ? "; \(others) missing too" : ""
    let known = facts.application(of: first)
    let application = known ?? owner(of: first)
    let whose = application.map { " (application \($0))" } ?? ""
    let remedy = "Build again, and see what is in the slug: relctl slug inspect"
    if known != nil {
      let more = names.count > 1 ? "; \(others) affected too" : ""
      return Finding(
        id: .moduleMissing,
        sentence: "module \(name)\(whose) cannot be loaded: its file is damaged, "
          + "or made by a newer compiler\(more)",
        remedy: remedy, facts: ["module": name, "application": application ?? ""])
    }
    return Finding(
      id: .moduleMissing, sentence: "module \(name)\(whose) is not in the release\(more)",
      remedy: remedy, facts: ["module": name, "application": application ?? ""])
  }

  /// The application that a module's name says it belongs to: `Ledger.Format` to `ledger`.
  private func owner(of module: String) -> String? {
    let name = CodeName.module(module)
    return facts.otpRelease?.applications.filter { application in
      let camel = application.name.split(separator: "_").map {
        $0.prefix(1).uppercased() + $0.dropFirst()
      }
      .joined()
      return name == camel || name.hasPrefix(camel + ".") || module == application.name
        || module.hasPrefix(application.name + "_")
    }.max { $0.name.count < $1.name.count }?.name
  }

  private func bootFile(_ path: String, _ what: String) -> Finding {
    var file = facts.short(path: path)
    if file != "the boot file", !file.hasSuffix(".boot") { file += ".boot" }
    return Finding(
      id: .bootFile, sentence: "\(file) \(what)",
      remedy: "Build again: this file is made by the build.",
      facts: ["file": file])
  }

  // MARK: - Native code

  /// A library of a module that could not be loaded. The words are those of `erlang:load_nif/2` and the dynamic linker.
  static func native(module: String, words: String, _ facts: FailureFacts) -> Finding {
    let name = CodeName.module(module)
    let whose = "module \(name) loads it"
    guard let quote = words.firstRange(of: "library: '"),
      let colon = words[quote.upperBound...].firstRange(of: ": ")
    else {
      return Finding(
        id: .nativeCode, sentence: "module \(name) cannot be loaded: \(words)",
        facts: ["module": name])
    }
    let path = String(words[quote.upperBound..<colon.lowerBound])
    let said = words[colon.upperBound...].prefix { $0 != "'" }
    let file = facts.short(path: path)
    let known: [String: String] = ["module": name, "file": file]
    // The dynamic linker does not find a library of another architecture.
    if let architecture = facts.host.architecture(path), architecture != facts.host.machine {
      return StartFault.foreign(file, architecture, facts)
    }
    if said.contains("No such file") {
      return Finding(
        id: .nativeCode, sentence: "\(file) is not in the release; \(whose)",
        remedy: "Make the build compile it; see the output of the build.", facts: known)
    }
    if let linker = StartFault.linker(words, facts, program: file) {
      var finding = linker
      finding.facts["module"] = name
      return finding
    }
    return Finding(
      id: .nativeCode, sentence: "\(file) cannot be loaded: \(said); \(whose)", facts: known)
  }

  // MARK: - Run-time configuration

  /// The end of a boot in which the VM's own words are lost, because another process wrote within them.
  func find() -> Finding? {
    let hasStarted = facts.wasReady || facts.boot?.boots.last?.hasStarted == true
    return !hasStarted && isInConfiguration ? configuration(nil, at: nil) : nil
  }

  /// The boot was ended by run-time configuration, or by something that is not known.
  private func configuration(_ reason: Term?, at line: Int?) -> Finding? {
    if let found = compileTime ?? aborted { return found }
    var failure = reason.map { ErlangReason(write: facts.write).failure($0) }
    let written = ElixirReport.last(in: text, text.recent)
    if let written {
      if failure == nil { failure = written.failure } else { failure?.take(written.failure) }
    }
    guard var failure, let proof = written?.range ?? line.map({ $0...$0 }) else { return nil }
    func finding() -> Finding {
      FailureSentence(facts: facts, text: text, failure: failure).finding(proof)
    }
    switch failure.problem {
    case .missingVariable, .syntax: return finding()
    case .onLoad(let module, let words): return Self.native(module: module, words: words, facts)
    default: break
    }
    guard isInConfiguration else { return finding() }
    failure.children = ["config/runtime.exs"]
    var found = finding()
    if found.id == .bootFailed { found.id = .runtimeConfig }
    return found
  }

  private var isInConfiguration: Bool {
    text.last(behind: "ERROR! Config provider ") != nil
      || text.last(behind: "Config.Reader") != nil
      || facts.boot?.boots.last?.steps.last?.kind == .config
  }

  /// `ERROR! Could not write runtime configuration due to reason: :erofs. Please make sure "/app/…" is writable …`
  private var aborted: Finding? {
    guard text.last(behind: "aborting boot") != nil,
      let (line, words) = text.last(behind: "ERROR! ")
    else { return nil }
    guard let reason = words.firstRange(of: "due to reason: :"),
      let quote = words.firstRange(of: "make sure \"")
    else {
      return Finding(
        id: .runtimeConfig, sentence: "the release gave up its boot: \(words)", proof: line...line)
    }
    let name = String(words[reason.upperBound...].prefix { $0.isLetter })
    let file = facts.short(path: String(words[quote.upperBound...].prefix { $0 != "\"" }))
    return Finding(
      id: .runtimeConfig,
      sentence: "the release could not write its run-time configuration to \(file): "
        + (SystemWords.words(name) ?? name),
      remedy: "Let RELEASE_TMP name a folder that the app can write; reltui sets one.",
      facts: ["file": file, "error": name], proof: line...line)
  }

  /// `ERROR! the application :shop has a different value set for key :tax during runtime compared to compile time.`
  private var compileTime: Finding? {
    guard let (line, rest) = text.last(behind: "ERROR! the application "),
      let key = rest.firstRange(of: " for key ")
    else { return nil }
    let application = rest.prefix { $0 != " " }.filter { $0 != ":" }
    let name =
      rest[key.upperBound...].firstRange(of: " during ").map {
        rest[key.upperBound..<$0.lowerBound]
      } ?? rest[key.upperBound...]
    func value(_ mark: String) -> String? {
      text.last(behind: mark).map { $0.found.trimmingSpaces }
    }
    let (then, now) = (
      value("Compile time value was set to: "), value("Runtime value was set to: ")
    )
    let values = then.flatMap { old in now.map { ": \(old), now \($0)" } } ?? ""
    return Finding(
      id: .runtimeConfig,
      sentence:
        "\(name) of application \(application) differs from its value at compile time\(values)",
      remedy:
        "Set it to the same value in the build's and the run-time configuration, then build again.",
      facts: ["application": application, "key": String(name)],
      proof: line...min(line + 4, text.lines.count - 1))
  }
}
