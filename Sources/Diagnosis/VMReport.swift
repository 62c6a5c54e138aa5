import ErlangTerm

/// The last words of a VM: why its boot failed, or why it ended. They do not depend on any logger. Source: `init` and
/// `application` in the Erlang/OTP reference manuals.
struct VMReport {
  enum End {
    /// An application that must run could not be started.
    case notStarted(application: String, Term)
    /// An application that must run has ended.
    case ended(application: String, Term)
    /// The boot script could not be carried out.
    case boot(Term)
    /// The VM's own start failed, with these words: `error in config file …`
    case kernel(String)
  }

  var end: End
  /// Its line in the text.
  var line: Int

  static func last(in text: OutputText) -> VMReport? {
    let found =
      text.last { line in
        end(kernelPid: line, text) ?? end(boot: line, exactMarks, text)
          ?? end(kernelStart: line, text)
      } ?? text.last { end(boot: $0, ["init terminating in do_boot ("], text) }
    return found.map { VMReport(end: $0.found, line: $0.index) }
  }

  private static let exactMarks = [
    "{\"init terminating in do_boot\",", "Runtime terminating during boot (",
  ]

  /// `Kernel pid terminated (application_controller) ({application_start_failure,shop,…})`
  private static func end(kernelPid line: String, _ text: OutputText) -> End? {
    guard let start = line.firstRange(of: "Kernel pid terminated ("),
      let open = line[start.upperBound...].firstRange(of: ") (")
    else { return nil }
    // With a letter beyond ASCII in it, the whole reason is printed as the bytes of its text.
    let rest = PrintedTerm.text(ofBytes: line[open.upperBound...]) ?? line[open.upperBound...]
    // Newer VMs print the reason as a text in quotes.
    let isQuoted = rest.hasPrefix("\"{")
    let plain = isQuoted ? rest.dropFirst().replacing("\\\"", with: "\"")[...] : rest
    guard let term = text.term(in: plain) else { return nil }
    guard let parts = term.tuple, parts.count == 3, let name = parts[1].atom else {
      return .boot(term)
    }
    switch parts[0].atom {
    case "application_start_failure": return .notStarted(application: name, parts[2])
    case "application_terminated": return .ended(application: name, parts[2])
    default: return .boot(term)
    }
  }

  /// `{"init terminating in do_boot",…}`. The VM prints it byte by byte, so that what another process writes may stand
  /// between any two of them. Behind it stands a shorter form, in one piece: `init terminating in do_boot (…)`.
  private static func end(boot line: String, _ marks: [String], _ text: OutputText) -> End? {
    for mark in marks {
      guard let start = line.firstRange(of: mark),
        let term = text.term(in: line[start.upperBound...])
      else { continue }
      return .boot(term)
    }
    return nil
  }

  /// `could not start kernel pid (application_controller) (error in config file …)`
  private static func end(kernelStart line: String, _ text: OutputText) -> End? {
    guard let start = line.firstRange(of: "could not start kernel pid ("),
      let open = line[start.upperBound...].firstRange(of: ") (")
    else { return nil }
    let rest = line[open.upperBound...]
    if rest.first == "{", let term = text.term(in: rest) { return .boot(term) }
    return .kernel(String(rest.last == ")" ? rest.dropLast() : rest))
  }
}
