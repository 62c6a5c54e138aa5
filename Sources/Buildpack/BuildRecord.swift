import Events
import HomeLayout
import Journal
import Posix
import Redaction

/// The events of one build, and the steps that it has begun. On a platform without a home the events are written into
/// the slug if the config var `RELPACK_RECORD` is `slug`; otherwise they are not written.
final class BuildRecord {
  private enum Destination {
    case nowhere
    case log(EventJournal)
    case slug(SlugRecordWriter)
    /// A file that is read by the program that started this build. That program writes the log.
    case file(File, SlugRecordWriter)
  }

  let build: String
  /// The steps of the plan; before a plan is made, only the step that makes it.
  var planned: [BuildStep] = [.check]
  private var destination: Destination
  private let app: String?
  private var steps: [(step: BuildStep, began: Int64)] = []
  private let environment: [String: String]
  /// Masks the values of the build's config vars, and of the home's if there is a home.
  let mask: Redactor

  /// - Parameters:
  ///   - environment: `RELTUI_HOME` names the home, `RELPACK_APP` the app, `RELPACK_BUILD` the build, and
  ///     `RELPACK_EVENTS` the file that the calling program reads; `SOURCE_VERSION` is the commit, as on Heroku.
  ///   - travels: whether the events are written into the slug if there is no home.
  init(
    environment: [String: String], config: [String: String], isRecorded: Bool, travels: Bool
  ) {
    func value(_ name: String) -> String? {
      environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }
    if let home = value("RELTUI_HOME"), isRecorded {
      let journal = EventJournal(home: Home(root: home), program: "relpack", config: config)
      (destination, mask) = (.log(journal), journal.mask())
    } else if isRecorded,
      let file = value(BuildProgress.variable).flatMap({
        try? File.open($0, .append)
      })
    {
      destination = .file(file, SlugRecordWriter(program: "relpack"))
      mask = Redactor(ConfigSet(config))
    } else {
      destination = travels ? .slug(SlugRecordWriter(program: "relpack")) : .nowhere
      mask = Redactor(ConfigSet(config))
    }
    app = value("RELPACK_APP")
    build = value("RELPACK_BUILD").flatMap { BuildID.isValid($0) ? $0 : nil } ?? Random.hex(8)
    self.environment = environment
  }

  func started() throws(BuildFailure) {
    try append(.buildStarted) {
      $0.by = User.name(environment: environment)
      $0.commit = environment["SOURCE_VERSION"].flatMap { $0.isEmpty ? nil : $0 }
    }
  }

  /// Whether the step is in the plan and comes after all steps that have begun.
  func isNext(_ step: BuildStep) -> Bool {
    guard let place = planned.firstIndex(of: step) else { return false }
    return steps.allSatisfy { begun in planned.firstIndex(of: begun.step).map { $0 < place } ?? true
    }
  }

  func step(_ step: BuildStep) throws(BuildFailure) {
    steps.append((step, Clock.monotonic()))
    try append(.buildStep) { $0.step = step.rawValue }
  }

  /// How long each step has taken, in milliseconds, in the order of the steps.
  var durations: [(step: BuildStep, milliseconds: Int64)] {
    let ends = steps.dropFirst().map(\.began) + [Clock.monotonic()]
    return zip(steps, ends).map { ($0.step, $1 - $0.began) }
  }

  /// Writes the events into the slug if that is their destination. It is called before the slug replaces the source, so
  /// that a slug in BUILD_DIR always has its events.
  func carry(_ slug: BuiltSlug, in tree: String) throws(BuildFailure) {
    guard case .slug = destination else { return }
    try appendEnd(slug)
    guard case .slug(let writer) = destination else { return }
    do throws(PosixError) {
      try Files.replace(tree + "/" + SlugRecord.path, with: writer.bytes, mode: 0o644)
      try Files.setMode(tree + "/" + SlugRecord.path, 0o644)
    } catch { throw .unwritable(error) }
  }

  /// Records the end of the build in the log. It is called after the slug has replaced the source.
  func finished(_ slug: BuiltSlug) throws(BuildFailure) {
    if case .log = destination { try appendEnd(slug) }
  }

  private func appendEnd(_ slug: BuiltSlug) throws(BuildFailure) {
    try append(.buildFinished) {
      $0.slug = slug.id
      $0.milliseconds = slug.milliseconds
    }
  }

  /// Records the failure. An error of the log is ignored, so that it does not replace the failure itself.
  func failed(_ failure: BuildFailure, milliseconds: Int64) {
    try? append(.buildFailed) {
      $0.cause = failure.cause
      $0.milliseconds = milliseconds
    }
  }

  private func append(_ type: EventType, _ fill: (inout EventData) -> Void) throws(BuildFailure) {
    var data = EventData()
    data.build = build
    fill(&data)
    switch destination {
    case .nowhere: return
    case .log(let journal):
      _ = try BuildFailure.explained(journal.append(type, app: app, data))
    case .slug(var writer):
      // A platform may allow app names that are not valid here, and no home would import such a record.
      writer.append(type, app: app.flatMap { AppName.isValid($0) ? $0 : nil }, mask(data))
      destination = .slug(writer)
    case .file(let file, var writer):
      let line = writer.append(type, app: nil, mask(data))
      destination = .file(file, writer)
      try BuildFailure.writing(file.write(line))
    }
  }
}
