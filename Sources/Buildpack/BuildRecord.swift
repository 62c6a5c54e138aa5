import Events
import HomeLayout
import Journal
import Posix
import Redaction

/// The events of one build. On somebody else's platform there is no home: they travel inside the slug if the config var
/// `RELPACK_RECORD` is `slug`, and else nothing is written.
final class BuildRecord {
  private enum Place {
    case nowhere
    case log(Journal)
    case slug(SlugRecordWriter)
    /// A file whose maker writes the log.
    case file(File, SlugRecordWriter)
  }

  let build: String
  private var place: Place
  private let app: String?
  private var steps: [(step: BuildStep, began: Int64)] = []
  private let environment: [String: String]
  /// Takes out the values of the build's config vars, and of the home's where there is one.
  let mask: Redactor

  /// - Parameters:
  ///   - environment: `RELTUI_HOME` names the home, `RELPACK_APP` the app, `RELPACK_BUILD` the build, `RELPACK_EVENTS`
  ///     the file of a caller who writes the log himself;
  ///     `SOURCE_VERSION` is the commit, as Heroku has it.
  ///   - config: the build's config vars.
  ///   - isRecorded: whether there are events at all.
  ///   - travels: whether the slug is to carry the events where there is no home.
  init(
    environment: [String: String], config: [String: String], isRecorded: Bool, travels: Bool
  ) {
    func value(_ name: String) -> String? {
      environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }
    if let home = value("RELTUI_HOME"), isRecorded {
      let journal = Journal(home: Home(root: home), program: "relpack", config: config)
      (place, mask) = (.log(journal), journal.mask())
    } else if isRecorded,
      let file = value(BuildNews.variable).flatMap({
        try? File.open($0, .append)
      })
    {
      (place, mask) = (.file(file, SlugRecordWriter(program: "relpack")), Redactor(ConfigSet(config)))
    } else {
      place = travels ? .slug(SlugRecordWriter(program: "relpack")) : .nowhere
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

  func step(_ step: BuildStep) throws(BuildFailure) {
    steps.append((step, Clock.monotonic()))
    try append(.buildStep) { $0.step = step.rawValue }
  }

  /// What each step took so far, in milliseconds, in their order.
  var durations: [(step: BuildStep, milliseconds: Int64)] {
    let ends = steps.dropFirst().map(\.began) + [Clock.monotonic()]
    return zip(steps, ends).map { ($0.step, $1 - $0.began) }
  }

  /// Puts the events into the slug if they are to travel; before the exchange, so that no slug lacks them.
  func carry(_ slug: BuiltSlug, in tree: String) throws(BuildFailure) {
    guard case .slug = place else { return }
    try appendEnd(slug)
    guard case .slug(let writer) = place else { return }
    do throws(PosixError) {
      try Files.replace(tree + "/" + SlugRecord.path, with: writer.bytes, mode: 0o644)
      try Files.setMode(tree + "/" + SlugRecord.path, 0o644)
    } catch { throw .unwritable(error) }
  }

  /// To be called when the slug is in its place.
  func finished(_ slug: BuiltSlug) throws(BuildFailure) {
    if case .log = place { try appendEnd(slug) }
  }

  private func appendEnd(_ slug: BuiltSlug) throws(BuildFailure) {
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
    var data = EventData()
    data.build = build
    fill(&data)
    switch place {
    case .nowhere: return
    case .log(let journal):
      do throws(Cause) { try journal.append(type, app: app, data) } catch { throw .record(error) }
    case .slug(var writer):
      // A platform's name may be none here; nobody would take the record in then.
      writer.append(type, app: app.flatMap { AppName.isValid($0) ? $0 : nil }, mask(data))
      place = .slug(writer)
    case .file(let file, var writer):
      let line = writer.append(type, app: nil, mask(data))
      place = .file(file, writer)
      do throws(PosixError) { try file.write(line) } catch { throw .unwritable(error) }
    }
  }
}
