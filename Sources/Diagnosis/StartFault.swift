import Events
import ReleaseModel

/// Failures of the programs that start a VM: the shell, the release's script, `erlexec`, the dynamic linker, and the VM
/// before it reads its boot file.
struct StartFault {
  let diagnosis: Diagnosis
  private var facts: FailureFacts { diagnosis.facts }
  private var text: OutputText { diagnosis.text }

  typealias Finding = Diagnosis.Finding

  /// Lines from the end in which the dynamic linker's words are believed: a script may go on without a tool.
  private static let near = 5

  func find() -> Finding? {
    // What has served did start, and a signal comes from outside.
    if facts.wasReady || !diagnosis.endedByItself { return nil }
    // Once the VM boots, the same words come from programs that the app runs.
    let hasBooted = facts.boot?.boots.contains { !$0.steps.isEmpty } ?? false
    if hasBooted { return nodeName() }
    let near = text.lastLines(Self.near)
    for index in text.recent.reversed() {
      let line = text.lines[index].text
      let found =
        shell(line, isLast: index == near.last) ?? erlexec(line) ?? flag(line) ?? cookie(line)
        ?? value(line, before: index + 1)
        ?? (near.contains(index) ? Self.linker(line, facts, program: nil) : nil)
      if var found {
        found.proof = found.proof ?? index...index
        return found
      }
    }
    return nodeName()
  }

  // MARK: - Programs

  /// `/bin/sh: 1: exec: bin/shopp: not found`. A shell that could not run its program ends with 126 or 127 (POSIX,
  /// "Shell Command Language", 2.8.2). With another code it went on, and only a path that was missed last is blamed.
  private func shell(_ line: String, isLast: Bool) -> Finding? {
    let endings = [
      ": not found", ": command not found", ": Permission denied", ": Exec format error",
    ]
    guard let ending = endings.first(where: { line.hasSuffix($0) }) else { return nil }
    let parts = line.dropLast(ending.count).split(separator: ":").map(\.trimmingSpaces)
    guard parts.count >= 2, let program = parts.last, !program.isEmpty,
      !program.contains(where: \.isWhitespace), Self.isShell(parts),
      [.code(126), .code(127)].contains(facts.exit) || isLast && program.contains("/")
    else { return nil }
    let path = facts.short(path: program)
    switch ending {
    case ": not found", ": command not found": return absent(path)
    case ": Permission denied": return locked(path)
    default: return foreign(program)
    }
  }

  /// Whether a line begins as those of a shell do: `sh: `, `/bin/bash: `, `start.sh: 3: `, `start.sh: line 3: `.
  private static func isShell(_ parts: [String]) -> Bool {
    let name = parts[0].split(separator: "/").last ?? ""
    let place = parts[1].hasPrefix("line ") ? parts[1].dropFirst(5) : parts[1][...]
    return ["sh", "bash", "dash", "ash"].contains(name)
      || parts.count > 2 && !place.isEmpty && place.allSatisfy(\.isNumber)
  }

  private func absent(_ path: String) -> Finding {
    let isOwn = path.contains("/") && !path.hasPrefix("/")
    let isInCommand = facts.command.contains(path)
    let whose =
      isInCommand ? " (Procfile, \(facts.process))" : "; a script of the release calls it"
    if isOwn, facts.entry(path) != nil {
      return Finding(
        id: .processCommand, sentence: "the interpreter that \(path) names is not on this host",
        facts: ["file": path])
    }
    return Finding(
      id: .processCommand,
      sentence: isOwn
        ? "\(path) is not in the slug\(whose)"
        : "the program '\(path)' is not on this host\(whose)",
      remedy: isOwn
        ? "Correct \(isInCommand ? "the Procfile" : "the script"), then build and deploy again."
        : "Install it on this host.",
      facts: ["file": path])
  }

  private func locked(_ path: String) -> Finding {
    let mode = facts.entry(path)?.mode.map { " (mode \($0))" } ?? ""
    return Finding(
      id: .notExecutable, sentence: "\(path) is not executable\(mode)",
      remedy: "Make it executable in the source (chmod +x), then build and deploy again.",
      facts: ["file": path])
  }

  private func foreign(_ path: String) -> Finding {
    let file = facts.short(path: path)
    guard let architecture = facts.host.architecture(path), architecture != facts.host.machine
    else {
      return Finding(
        id: .targetMismatch,
        sentence: "\(file) is no program for this host (\(facts.host.machine))",
        remedy: "Build on a host of this kind.", facts: ["file": file])
    }
    return Self.foreign(file, architecture, facts)
  }

  static func foreign(_ file: String, _ architecture: String, _ facts: FailureFacts) -> Finding {
    Finding(
      id: .targetMismatch,
      sentence: "\(file) is for \(architecture); this host is \(facts.host.machine)",
      remedy: "Build on a host of this kind.", facts: ["file": file, "architecture": architecture])
  }

  /// `erlexec: Error 13 executing '/app/erts-13.1.5/bin/beam.smp'.`
  private func erlexec(_ line: String) -> Finding? {
    guard let start = line.firstRange(of: "erlexec: Error "),
      let middle = line[start.upperBound...].firstRange(of: " executing '"),
      let errno = Int32(line[start.upperBound..<middle.lowerBound])
    else { return nil }
    let path = String(line[middle.upperBound...].prefix { $0 != "'" })
    switch errno {
    case 2: return absent(facts.short(path: path))
    case 8: return foreign(path)
    case 13: return locked(facts.short(path: path))
    default:
      return Finding(
        id: .startFailed,
        sentence:
          "\(facts.short(path: path)) could not be started: \(SystemWords.words(errno: errno))")
    }
  }

  // MARK: - Libraries

  /// What the dynamic linker says. Source: ld.so(8)
  /// - Parameter program: the file that it is about, if that is known.
  static func linker(_ line: String, _ facts: FailureFacts, program: String?) -> Finding? {
    if let start = line.firstRange(of: "version `"), line.contains("' not found") {
      let version = String(line[start.upperBound...].prefix { $0 != "'" })
      let by = line.firstRange(of: "required by ").map {
        String(line[$0.upperBound...].prefix { $0 != ")" })
      }
      let file = program ?? by.map(facts.short(path:)) ?? "the VM"
      let host = facts.host.glibc().map { "; this host has \($0)" } ?? ""
      let isGlibc = version.hasPrefix("GLIBC_")
      return Finding(
        id: .targetMismatch,
        sentence: isGlibc
          ? "\(file) needs glibc \(version.dropFirst(6))\(host)"
          : "\(file) needs \(version), which this host does not have",
        remedy: "Build on a host like this one, or update this one.",
        facts: ["file": file, "needs": version])
    }
    guard let end = line.firstRange(of: ": cannot open shared object file") else { return nil }
    let words = line[..<end.lowerBound].split(separator: ":")
    guard let library = words.last?.trimmingSpaces, !library.contains("/") else { return nil }
    let file =
      program ?? words.first.map { facts.short(path: $0.trimmingSpaces) } ?? "the VM"
    return Finding(
      id: .targetMismatch,
      sentence: "\(file) needs the library \(library), which this host does not have",
      remedy: "Install that library, or build on a host like this one.",
      facts: ["file": file, "needs": library])
  }

  // MARK: - The VM's arguments

  /// `/app/erts-13.1.5/bin/beam.smp unknown flag -Zq`
  private func flag(_ line: String) -> Finding? {
    for (mark, what) in [(" unknown flag -", "unknown flag"), (" bad flag -", "wrong flag")] {
      guard let start = line.firstRange(of: mark) else { continue }
      return flag("+" + line[start.upperBound...].trimmingSpaces, what)
    }
    for mark in ["Missing argument(s) for '", "No argument given to '"] {
      guard let start = line.firstRange(of: mark) else { continue }
      return flag(String(line[start.upperBound...].prefix { $0 != "'" }), "no argument behind")
    }
    return nil
  }

  /// `bad number of processes many`, and then how the VM is used.
  private func value(_ line: String, before next: Int) -> Finding? {
    guard line.hasPrefix("bad "), next < text.lines.count,
      text.lines[next].text.hasPrefix("Usage: beam")
    else { return nil }
    let word = line.split(separator: " ").last.map(String.init) ?? ""
    // The VM writes its flags with a minus, and vm.args has them with a plus.
    return flag(word.hasPrefix("-") ? "+" + word.dropFirst() : word, said: line)
  }

  private func flag(_ flag: String, _ what: String = "", said: String? = nil) -> Finding {
    let file = "vm.args"
    let line = facts.argumentLines.first { line in
      !flag.isEmpty && line.text.split(separator: " ").contains(Substring(flag))
    }
    let place = line.map { "\(file):\($0.number): " } ?? ""
    return Finding(
      id: .virtualMachineArguments,
      sentence: "\(place)\(said ?? "\(what) \(flag)")"
        + (place.isEmpty ? " (vm.args, ERL_FLAGS or ERL_ZFLAGS)" : ""),
      remedy: "Correct rel/vm.args.eex (relx: config/vm.args), then build and deploy again.",
      facts: ["flag": flag])
  }

  // MARK: - Distribution

  /// `cat: /app/releases/COOKIE: No such file or directory`
  private func cookie(_ line: String) -> Finding? {
    guard line.contains("/COOKIE: No such file") || line.contains("COOKIE: No such file") else {
      return nil
    }
    return Finding(
      id: .cookieFile,
      sentence:
        "the release has no cookie: RELEASE_COOKIE is not set and there is no releases/COOKIE",
      remedy: "Let env.sh keep RELEASE_COOKIE as it is set.")
  }

  /// `Protocol 'inet_tcp': the name shop@127.0.0.1 seems to be in use by another Erlang node`
  private func nodeName() -> Finding? {
    if let (line, rest) = text.last(behind: ": the name "), rest.contains("seems to be in use") {
      let name = rest.prefix { !$0.isWhitespace }
      return Finding(
        id: .nodeNameTaken, sentence: "another node has the name \(name) already",
        remedy: "Let env.sh and vm.args keep the name that RELEASE_NODE gives.",
        facts: ["node": String(name)], proof: line...line)
    }
    if let (line, _) = text.last(behind: "register/listen error: ") {
      return Finding(
        id: .epmd, sentence: "the node could not register with epmd: it does not answer",
        remedy: "The agent starts epmd again; deploy again.", proof: line...line)
    }
    if let (line, _) = text.last(behind: "{filename,basedir_join_home,") {
      return Finding(
        id: .bootFailed, sentence: "HOME is not set, so that the VM cannot find its cookie",
        remedy: "Let env.sh and .profile.d keep HOME as it is set.", facts: ["variable": "HOME"],
        proof: line...line)
    }
    return nil
  }
}
