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
}
