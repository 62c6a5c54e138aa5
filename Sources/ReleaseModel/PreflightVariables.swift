import Events

// The variables that a release reads: those that nothing sets, and the port.
extension Preflight {
  func variableFindings(_ texts: StartTexts) -> [Finding] {
    let set = config.union(manifest.defaultedConfig)
    let (required, inCode) = (
      manifest.unsetVariables(besides: set), manifest.unsetInCode(besides: set)
    )
    if required.isEmpty && inCode.isEmpty { return [] }
    let all = texts.allNames
    let configuration = configurationWithoutDoubt(texts)
    let missing = required.filter { !all.set.contains($0.name) }
    func isSure(_ variable: Manifest.Variable) -> Bool {
      configuration?.mentioned.contains(variable.name) == true
        && !all.mentioned.contains(variable.name)
    }
    let sure = missing.filter(isSure).map(\.name)
    return missing.map { finding($0, refuses: isSure($0), all: sure) }
      + inCode.filter { !all.mentioned.contains($0.name) }.map {
        finding($0, refuses: false, all: [])
      }
  }

  private func finding(_ variable: Manifest.Variable, refuses: Bool, all: [String]) -> Finding {
    let names = refuses ? all : [variable.name]
    return Finding(
      refuses: refuses,
      cause: Cause(
        .configMissing, variable.unset,
        remedy: "Set it: relctl config \(app) set "
          + names.map { "\($0)=…" }.joined(separator: " "),
        facts: ["missing": names.joined(separator: ",")]))
  }

  /// The names in the run-time configuration, if it is read as it stands, with no more variables than are set in sight.
  private func configurationWithoutDoubt(_ texts: StartTexts) -> ScriptNames? {
    guard manifest.otpReleases.count == 1, let release = manifest.mainRelease,
      running.contains(where: { start(of: release, by: $0.command) == .plain }),
      config.isDisjoint(with: Self.bringsVariables), !texts.allNames.takeVariablesFromElsewhere,
      texts.isWhole,
      let text = read(release.versionFolder + "/runtime.exs"),
      !["put_env", "Dotenvy", "Code."].contains(where: { text.contains($0) })
    else { return nil }
    return ScriptNames([text])
  }

  /// Config vars with flags or files for the VM, which can set variables.
  private static let bringsVariables: Set<String> = [
    "ERL_FLAGS", "ERL_AFLAGS", "ERL_ZFLAGS", "RELEASE_VM_ARGS", "VMARGS_PATH", "ENV", "BASH_ENV",
  ]

  // MARK: - The port

  /// A web process type whose code reads a port from another variable than PORT.
  func portFindings(_ texts: StartTexts) -> [Finding] {
    guard let web = running.first(where: { $0.process == ProcessType.web }),
      let variables = manifest.variables, !variables.contains(where: { $0.name == "PORT" }),
      let read = variables.first(where: { isPortOfTheApp($0.name) }),
      !texts.allNames.mentioned.contains("PORT")
    else { return [] }
    let start = "\(read.name)=$PORT"
    let line =
      ProcessCommand.all(in: web.command).count == 1
      ? "\(start) \(web.command)" : "export \(start); \(web.command)"
    return [
      Finding(
        refuses: false,
        cause: Cause(
          .portIgnored,
          "web reads \(read.name) (\(read.file):\(read.line)), and nothing reads PORT",
          remedy: "Write in the Procfile: web: \(line)", facts: ["variable": read.name]))
    ]
  }

  private func isPortOfTheApp(_ name: String) -> Bool {
    guard name.hasSuffix("_PORT") else { return false }
    let word = String(name.dropLast(5))
    let own = manifest.otpReleases.map { $0.name.uppercased() }
    return Self.portWords.contains(word) || own.contains(word)
      || own.contains { word == $0 + "_HTTP" || word == $0 + "_WEB" }
  }

  private static let portWords: Set<String> = [
    "APP", "HTTP", "WEB", "SERVER", "LISTEN", "ENDPOINT", "PHX", "PHOENIX", "API", "SERVICE",
  ]

  // MARK: - Migrations at a start

  /// Start scripts and process types that migrate while several instances start.
  func migrationFindings(_ texts: StartTexts) -> [Finding] {
    let counts = running.filter { $0.process != ProcessType.release }.map {
      ($0, formation[$0.process] ?? 0)
    }
    let all = counts.reduce(0) { $0 + $1.1 }
    let scripts = texts.scripts.dropFirst().filter { _ in all > 1 }.flatMap { text in
      text.text.migratingLines.prefix(1).map {
        migrates("\(text.path):\($0)", instances: all)
      }
    }
    return scripts
      + counts.filter { $0.1 > 1 && !$0.0.command.migratingLines.isEmpty }.map {
        migrates("Procfile: \($0.0.process)", instances: $0.1)
      }
  }

  private func migrates(_ place: String, instances: Int) -> Finding {
    Finding(
      refuses: false,
      cause: Cause(
        .startMigrates, "\(place) migrates at each start, and \(instances) instances start",
        remedy: "Migrate once, in the release phase: write release: COMMAND in the Procfile."))
  }
}

extension String {
  /// The numbers of the lines, from 1, that run a migration.
  fileprivate var migratingLines: [Int] {
    split(separator: "\n", omittingEmptySubsequences: false).enumerated().filter {
      let line = $0.element.trimmed
      return !line.hasPrefix("#") && line.contains("migrate")
    }.map { $0.offset + 1 }
  }
}
