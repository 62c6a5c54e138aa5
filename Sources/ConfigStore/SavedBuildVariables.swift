import Events
import HomeLayout
import JSONText
import Posix
import Redaction

/// The variables that are kept for an app's builds. A platform would pass such variables in ENV_DIR.
///
/// The values are one of the app's sets of config vars, immutable and masked like the others. A small file beside them
/// names the set.
public struct SavedBuildVariables: Sendable {
  private let store: ConfigSets
  private let folder: AppFolder

  public init(home: Home, app: String) {
    store = ConfigSets(home: home, app: app)
    folder = home.app(app)
  }

  private struct Content: Codable {
    var format = HomeFormat.current
    var config: String
  }

  public func load() throws(Cause) -> ConfigSet {
    let bytes = try Cause.explaining(Files.readIfThere(folder.buildConfig, limit: 4096))
    guard let bytes else { return ConfigSet() }
    guard let content = try? JSON.decode(Content.self, from: bytes) else {
      throw Cause(
        .configDamaged, "'\(folder.buildConfig)' cannot be read",
        remedy: "Remove it, and set the variables again: relctl config APP set --build …")
    }
    guard content.format <= HomeFormat.current else {
      throw Cause(.formatNewer, "'\(folder.buildConfig)' has format \(content.format)")
    }
    return try store.load(content.config)
  }

  /// Changes the variables that are kept. The change is durable when this returns.
  public func change(_ change: (ConfigSet) throws(Cause) -> ConfigSet) throws(Cause) {
    try Cause.explaining(Files.makeFolder(folder.path), as: .homeUnwritable)
    let lock = try Cause.explaining(Lock.wait(folder.buildConfig + ".lock"), as: .homeUnwritable)
    defer { withExtendedLifetime(lock) {} }
    let old = try load()
    let new = try change(old)
    if new == old { return }
    let content = Content(config: try store.save(new))
    try Cause.explaining(
      Files.replace(folder.buildConfig, with: JSON.encode(content)), as: .homeUnwritable)
  }
}
