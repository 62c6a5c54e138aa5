import Journal
import Posix

/// The events of one build. On somebody else's platform there is no home and nothing is written.
struct BuildRecord {
  /// 16 hexadecimal digits.
  let build: String
  private let journal: Journal?
  private let app: String?
  private let environment: [String: String]
  /// Takes out the values of the build's config vars, and of the home's where there is one.
  let mask: Mask

  /// - Parameters:
  ///   - environment: `RELTUI_HOME` names the home, `RELPACK_APP` the app, `RELPACK_BUILD` the build;
  ///     `SOURCE_VERSION` is the commit, as Heroku has it.
  ///   - config: the build's config vars.
  init(environment: [String: String], config: [String: String]) {
    func value(_ name: String) -> String? {
      environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }
    journal = value("RELTUI_HOME").map {
      Journal(home: Home(root: $0), program: "relpack", config: config)
    }
    mask = journal?.mask() ?? Mask(ConfigSet(config))
    app = value("RELPACK_APP")
    build = value("RELPACK_BUILD").flatMap { Self.isBuildID($0) ? $0 : nil } ?? Random.hex(8)
    self.environment = environment
  }

  private static func isBuildID(_ text: String) -> Bool {
    text.utf8.count == 16
      && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
  }

  func started() throws(BuildFailure) {
    try append(.buildStarted) {
      $0.by = User.name(environment: environment)
      $0.commit = environment["SOURCE_VERSION"].flatMap { $0.isEmpty ? nil : $0 }
    }
  }

  func step(_ step: BuildStep) throws(BuildFailure) {
    try append(.buildStep) { $0.step = step.rawValue }
  }

  func finished(_ slug: BuiltSlug) throws(BuildFailure) {
    try append(.buildFinished) {
      $0.slug = slug.id
      $0.milliseconds = slug.milliseconds
    }
  }

  /// Says why; a log that cannot be written does not hide it.
  func failed(_ failure: BuildFailure, milliseconds: Int64) {
    try? append(.buildFailed) {
      $0.cause = failure.cause
      $0.milliseconds = milliseconds
    }
  }

  private func append(_ type: EventType, _ fill: (inout EventData) -> Void) throws(BuildFailure) {
    guard let journal else { return }
    var data = EventData()
    data.build = build
    fill(&data)
    do throws(Cause) { try journal.append(type, app: app, data) } catch { throw .record(error) }
  }
}
