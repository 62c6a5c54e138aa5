import Events

/// The reason why an operation is not possible now.
public enum Refusal: Error, Hashable, Sendable {
  case noApp(String)
  /// The app has no release that ever ran.
  case noRelease(app: String)
  /// The app's formation does not have the instance.
  case noInstance(InstanceName, app: String)
  case unknownRelease(ReleaseNumber, app: String)
  /// The current release is the first one that ran.
  case noPreviousRelease(ReleaseNumber, app: String)
  case isCurrent(ReleaseNumber, app: String)
  /// The app has no open request that could be cancelled.
  case nothingToCancel(app: String)
  /// The operation with this sentence cannot be cancelled any more.
  case begun(String)
  /// The operation with this sentence is requested already and not done yet.
  case isOpen(String)
  case noProcess(String, app: String, has: [String])
  case count(Int, process: String)
  /// There is no limit of this name.
  case noLimit(String)
  /// The text or number is no limit of that name.
  case limit(Limits.Name, String)
  /// A message for clients is too long.
  case message(bytes: Int)
  case noDomain(Domain, app: String, has: [Domain])
  /// Another app has the domain, or one with requests in common.
  case domainTaken(Domain, by: Domain, of: String)
  case domains(most: Int)
  case noCertificate(String, has: [String])
  /// There is no option of this name.
  case noRouteOption(String)
  case routeOption(RouteOptions.Name, String)
  /// These settings of the router cannot be used.
  case router([String])
  /// An app cannot be promoted to itself.
  case sameApp(String)
  case configChanged(app: String)
  case configMissing([String], app: String)
  case noPreview(String)
  case previewClosing(String)
  /// A preview has no previews.
  case previewOfPreview(String)
  /// An ordinary app has the name of the preview.
  case previewName(String)
  /// The preview was opened for a fork, or for none.
  case previewFork(String, isFork: Bool)
  /// There are as many previews of the app, or on the host, as there may be.
  case previews(most: Int, app: String?)
  case pull(Int)
  case lease
  case noPreviewSetting(String)
  case previewSetting(PreviewSetting, String)
  /// The host for previews shares cookies with a domain of an app.
  case previewHost(String, Domain, of: String)
  case domainOfPreviews(Domain, host: String, of: String)
  case forkPromoted(String)
  case forkSlug(String, app: String)
  /// The node is not up; the word is its state.
  case nodeNotUp(String, state: String)
  case applicationNotRunning(String)
  case applicationRunning(String)
  /// Every node needs this application.
  case applicationEssential(String)

  public var cause: Cause {
    switch self {
    case .noApp(let app): Cause(.appUnknown, "there is no app '\(app)'")
    case .noRelease(let app): Cause(.releaseNone, "'\(app)' has no release that runs")
    case .noInstance(let instance, let app):
      Cause(.instanceUnknown, "'\(app)' has no instance '\(instance)'")
    case .unknownRelease(let release, let app):
      Cause(.releaseUnknown, "'\(app)' has no release '\(release)'", remedy: Self.ledger(app))
    case .noPreviousRelease(let release, let app):
      Cause(
        .releaseUnknown,
        "'\(app)' has no release before \(release) that was healthy and was not rolled back itself",
        remedy: Self.ledger(app))
    case .isCurrent(let release, let app):
      Cause(
        .releaseUnknown, "\(release) of '\(app)' is current already", remedy: Self.ledger(app))
    case .nothingToCancel(let app):
      Cause(.requestUnknown, "'\(app)' has no request that is not done yet")
    case .begun(let sentence):
      Cause(
        .requestUnknown, "the \(sentence) has begun and cannot be cancelled",
        remedy: "Scale or restart the app, or change its limits, to change it back.")
    case .isOpen(let sentence):
      Cause(.requestOpen, "\(sentence) is requested already and not done yet")
    case .noProcess(let process, let app, let processes):
      Cause(
        .processUnknown, "'\(app)' has no process type '\(process)'",
        remedy: "It has: \(processes.joined(separator: ", "))")
    case .count(let count, let process):
      Cause(
        .usage, "\(count) instances of '\(process)' are out of range",
        remedy: "Choose a number from 0 to \(Board.App.mostInstances).")
    case .noLimit(let word):
      Cause(
        .usage, "there is no limit '\(word)'",
        remedy: "There are: \(Limits.Name.allCases.map(\.example).joined(separator: "; ")).")
    case .message(let bytes):
      Cause(
        .usage, "the message has \(bytes) bytes; at most \(ChangeMaintenance.longest) are possible")
    case .noDomain(let domain, let app, let own):
      Cause(
        .domainUnknown, "'\(app)' does not have the domain '\(domain)'",
        remedy: own.isEmpty
          ? "It has none." : "It has: \(own.map(\.description).joined(separator: ", "))")
    case .domainTaken(let domain, let taken, let app) where domain == taken:
      Cause(
        .domainTaken, "'\(app)' has the domain \(domain)",
        remedy: "Take it away first: relctl domains \(app) rm \(domain)")
    case .domainTaken(let domain, let taken, let app):
      Cause(
        .domainTaken, "\(domain) overlaps \(taken) of '\(app)'",
        remedy:
          "If both are meant, the more exact one gets a request: a host before a wildcard, the longer prefix before the shorter. Say so with --share."
      )
    case .noCertificate(let name, let names):
      Cause(
        .certificateUnknown, "there is no certificate '\(name)'",
        remedy: names.isEmpty ? "There is none." : "There are: \(names.joined(separator: ", "))")
    case .domains(let most): Cause(.usage, "an app has at most \(most) domains")
    case .noRouteOption(let word):
      Cause(
        .usage, "there is no option '\(word)'",
        remedy: "There are: \(RouteOptions.Name.allCases.map(\.rawValue).joined(separator: ", ")).")
    case .routeOption(let name, let text):
      Cause(.usage, "'\(text)' is no value of \(name.rawValue)", remedy: "It is \(name.meaning).")
    case .router(let words):
      Cause(
        .usage, "the router cannot be set to '\(words.joined(separator: " "))'",
        remedy: "Ports are numbers from 1 to 65535, and addresses as in 192.0.2.7 or 10.0.0.0/8.")
    case .limit(let name, let text):
      Cause(
        .usage, "'\(text)' is no limit of \(name.rawValue)",
        remedy: "Write it as in: \(name.example); \(name.rawValue)=none takes it away.")
    case .sameApp(let app):
      Cause(
        .usage, "'\(app)' cannot be promoted to itself",
        remedy: "Name the app that has the slug, then the other one: relctl promote FROM TO")
    case .configChanged(let app):
      Cause(
        .configConflict, "the config vars of '\(app)' have changed since this was requested",
        remedy: "Look at them, then try again: relctl config \(app)")
    case .configMissing(let names, let app):
      Cause(
        .configMissing,
        "app.json requires \(names.joined(separator: ", ")), not set for '\(app)'",
        remedy: "Set it first: relctl config \(app) set \(names[0])=…",
        facts: ["missing": names.joined(separator: ",")])
    case .noPreview(let app): Cause(.previewUnknown, "there is no preview '\(app)'")
    case .previewClosing(let app):
      Cause(.previewClosing, "the preview '\(app)' is being closed")
    case .previewOfPreview(let app):
      Cause(
        .usage, "'\(app)' is a preview itself", remedy: "Name the app whose pull request it is.")
    case .previewName(let app):
      Cause(
        .previewName, "the preview's name '\(app)' is that of an app",
        remedy: "Deploy that app under another name, and remove it.")
    case .previewFork(let app, let isFork):
      Cause(
        .previewFork,
        "'\(app)' was opened \(isFork ? "for a fork" : "with code of the project itself")",
        remedy: isFork
          ? "Say --fork again; or close it first: relctl preview close \(app)"
          : "Its config vars may hold secrets. Close it first: relctl preview close \(app)")
    case .previews(let most, let app):
      Cause(
        .previewLimit,
        "there are \(most) previews \(app.map { "of '\($0)'" } ?? "on this host") already",
        remedy: app.map { "Close one, or allow more: relctl preview set \($0) most=N" }
          ?? "Close one: relctl preview list")
    case .pull(let number):
      Cause(
        .usage, "\(number) is no number of a pull request",
        remedy: "It is a number from 1 to \(PreviewName.greatest).")
    case .lease:
      Cause(
        .usage, "a lease is a time from ten seconds to a year",
        remedy: "Write it as in: 7d, 36h, 90m")
    case .noPreviewSetting(let word):
      Cause(
        .usage, "there is no setting '\(word)' for previews",
        remedy: "There are: \(PreviewSetting.allCases.map(\.rawValue).joined(separator: ", ")).")
    case .previewSetting(let setting, let text):
      Cause(
        .usage, "'\(text)' is no value of \(setting.rawValue)", remedy: "It is \(setting.meaning).")
    case .previewHost(let host, let domain, let app):
      Cause(
        .domainTaken,
        "previews cannot be below \(host): '\(app)' has the domain \(domain), and cookies would reach both",
        remedy: "Use a domain that no app has, best one that is registered for previews alone.")
    case .domainOfPreviews(let domain, let host, let app):
      Cause(
        .domainTaken,
        "\(domain) is too near to \(host), where the previews of '\(app)' are: cookies would reach both",
        remedy: "Use another domain, or move the previews: relctl preview set \(app) host=NAME")
    case .forkSlug(let slug, let app):
      Cause(
        .previewFork,
        "the slug \(slug.prefix(12)) was built from code of a fork, and '\(app)' is no preview of one",
        remedy: "Merge it, and deploy what is built from the merge.")
    case .forkPromoted(let app):
      Cause(
        .previewFork, "'\(app)' has code of a fork, which is never promoted",
        remedy: "Merge it, and deploy what is built from the merge.")
    case .nodeNotUp(let node, let state):
      Cause(.nodeUnreachable, "\(node) is \(state); it can be asked when it is up")
    case .applicationNotRunning(let name): Cause(.nodeCall, "\(name) does not run")
    case .applicationRunning(let name): Cause(.nodeCall, "\(name) is started already")
    case .applicationEssential(let name):
      Cause(.nodeCall, "\(name) cannot be stopped: no node runs without it")
    }
  }

  private static func ledger(_ app: String) -> String {
    "See the releases with: relctl releases \(app)"
  }
}
