import Events

// The programs that the process types start.
extension Preflight {
  func programFindings(_ texts: StartTexts) -> [Finding] {
    let isInTree = !texts.changeFolder
    return running.flatMap { entry in
      entry.ownPrograms.filter { !isBelowLink($0) }.compactMap { program -> Finding? in
        let refuses = isInTree && entry.needsEachCommand
        if let file = self.entry(program) { return notExecutable(file, refuses: refuses) }
        return absent(
          "Procfile: \(entry.process) starts '\(program)', which the slug does not have", refuses)
      } + [absentTool(entry, texts)].compactMap { $0 }
    }
  }

  /// Whether a folder of the path is a link, behind which the manifest has no entries.
  private func isBelowLink(_ path: String) -> Bool {
    let parts = path.split(separator: "/").dropLast()
    return parts.indices.contains { entry(parts[...$0].joined(separator: "/"))?.kind == .link }
  }

  private func absent(_ sentence: String, _ refuses: Bool) -> Finding {
    let programs = manifest.files.filter {
      $0.path.hasPrefix("bin/") && $0.isExecutable && !$0.path.hasSuffix(".bat")
    }
    return Finding(
      refuses: refuses,
      cause: Cause(
        .processCommand, sentence,
        remedy: programs.isEmpty
          ? nil : "It has: \(programs.prefix(8).map(\.path).joined(separator: ", "))"))
  }

  /// A program without a path that neither the slug nor the host has.
  private func absentTool(_ entry: Procfile.Entry, _ texts: StartTexts) -> Finding? {
    let commands = ProcessCommand.all(in: entry.command)
    guard entry.needsEachCommand,
      // A script may define it as a function.
      let command = commands.throughEnd.first(where: {
        isAbsentTool($0) && !texts.scriptNames.mentioned.contains($0.program)
      }),
      !commands.contains(where: { ProcessCommand.conditions.contains($0.program) }),
      !texts.names.mentioned.contains("PATH"), !texts.names.takeVariablesFromElsewhere,
      texts.isWhole
    else { return nil }
    return absent(
      "Procfile: \(entry.process) starts '\(command.program)', which neither the slug nor this host has",
      true)
  }

  private func isAbsentTool(_ command: ProcessCommand) -> Bool {
    // A path, or an option of `env`.
    if let word = command.words.first, word.contains("/") || word.hasPrefix("-") { return false }
    let name = command.program
    return command.isSimple && !name.isEmpty && !ProcessCommand.shellWords.contains(name)
      && name.utf8.allSatisfy(ProcessCommand.isPlain) && entry("bin/" + name) == nil
      && !host.hasProgram(name)
  }
}
