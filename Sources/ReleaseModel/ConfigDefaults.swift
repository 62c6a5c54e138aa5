import Events

/// The config vars that app.json declares. Source: Heroku, "app.json Schema", `env`.
extension Manifest {
  /// The config vars of a new release: those that are set, and the defaults for those that are not.
  /// - Parameter secret: makes a value for a variable with `"generator": "secret"`.
  public func withDefaults(_ config: [String: String], secret: () -> String) -> [String: String] {
    var filled = config
    for (name, variable) in appJSON?.env ?? [:] where filled[name] == nil {
      filled[name] = variable.value ?? (variable.generator == "secret" ? secret() : nil)
    }
    return filled
  }

  /// The required variables that no config var sets and no default gives, sorted.
  public func missingConfig(in config: [String: String]) -> [String] {
    (appJSON?.env ?? [:]).filter { name, variable in
      config[name] == nil && variable.isRequired && !ConfigVar.reserved.contains(name)
    }.keys.sorted()
  }

  /// The names of the config vars that app.json gives values to.
  public var defaultedConfig: Set<String> {
    Set((appJSON?.env ?? [:]).filter { $0.value.value != nil || $0.value.generator != nil }.keys)
  }

  /// The variables without which the release cannot boot and that nothing sets, each at the first place that reads it.
  /// - Parameter set: the names of the variables that are set. Those that every run has count too.
  public func unsetVariables(besides set: Set<String>) -> [Variable] {
    firstReads { $0.need == .required && !set.contains($0.name) }
  }

  /// The variables that the project's code requires where it runs and that nothing sets, each at its first place.
  public func unsetInCode(besides set: Set<String>) -> [Variable] {
    let required = Set(unsetVariables(besides: set).map(\.name))
    return firstReads {
      $0.isInCode && $0.need == .conditional && !set.contains($0.name)
        && !required.contains($0.name)
    }
  }

  private func firstReads(where isWanted: (Variable) -> Bool) -> [Variable] {
    var seen: Set<String> = []
    return (variables ?? []).filter {
      isWanted($0) && !ConfigVar.isGiven($0.name) && seen.insert($0.name).inserted
    }
  }
}

extension Manifest.Variable {
  /// Whether the application's code reads it, not its configuration.
  public var isInCode: Bool { file.hasSuffix(".ex") }

  /// The sentence for a variable that is not set.
  public var unset: String { "\(name) is not set (\(file):\(line))" }
}
