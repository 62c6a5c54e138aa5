import Buildpack
import CommandLine
import ConfigStore
import Deployment
import Events
import HomeLayout
import Instance
import Observation
import Operations
import Posix
import SlugStore

/// `relctl preview open`: finds or builds the slug, asks for the preview, and tells what does not hold here.
struct PreviewOpening {
  let call: CommandCall
  private let parent: String
  private let pull: Int
  private let lease: Int64?
  private var isFork: Bool { call.arguments.has("--fork") }

  init(_ call: CommandCall) throws(Cause) {
    self.call = call
    (parent, pull) = try call.pullRequest()
    lease = try call.lease()
  }

  private enum Origin {
    case slug(String)
    case folder(String)
    case git(GitSource)
  }

  func run() throws(Cause) -> Outcome {
    let origin = try origin()
    // Before a build that would be for nothing.
    let board = try call.board()
    do throws(Refusal) { try opening("").check(on: board) } catch { throw error.cause }
    let slug = try slug(of: origin)
    let opening = opening(slug)
    if !call.wantsJSON { try tellWhatIsIgnored(in: slug) }
    let outcome = try call.request(opening)
    if call.arguments.has("--detach") { return outcome }
    return try tell(opening.app, outcome)
  }

  private func opening(_ slug: String) -> OpenPreview {
    OpenPreview(parent: parent, pull: pull, slug: slug, isFork: isFork, lease: lease)
  }

  private func origin() throws(Cause) -> Origin {
    let named = call.arguments.positional.first
    let given = [named, call.arguments["--slug"], call.arguments["--git"]].compactMap { $0 }
    guard given.count == 1 else {
      throw Cause(
        .usage, given.isEmpty ? "the source is missing" : "more than one source is named",
        remedy: "Name one: a folder, --slug SLUG, or --git URL --ref REF")
    }
    if isFork, !User.isRoot {
      throw Cause(
        .previewFork,
        "code of a fork needs a home that root serves, where it gets a user of its own",
        remedy: "Run relctl and the agent as root.")
    }
    if let named { return .folder(named) }
    if let url = call.arguments["--git"] {
      let path = call.context.absolute(url)
      return .git(
        try GitSource(
          url: Files.isFolder(path) ? path : url, ref: call.arguments["--ref"] ?? "HEAD",
          isFork: isFork))
    }
    if call.arguments["--ref"] != nil {
      throw Cause(.usage, "--ref needs --git", remedy: "As in: --git URL --ref main")
    }
    return .slug(call.arguments["--slug"] ?? "")
  }

  private func slug(of origin: Origin) throws(Cause) -> String {
    var maker = SlugMaker(call: call, app: PreviewName.of(parent, pull), isBootChecked: false)
    maker.variablesOf = isFork ? nil : parent
    maker.isFork = isFork
    switch origin {
    case .folder(let name):
      return try maker.make(
        from: isFork ? Source(ofFork: name, call.context) : Source(name, call.context))
    case .git(let source): return try maker.make(from: source)
    case .slug(let name):
      try call.refuseBuildVariables(for: name)
      let store = StoredSlugs(home: try call.home())
      let slug = try store.find(name)
      try store.touch(slug)
      return slug
    }
  }

  private func tellWhatIsIgnored(in slug: String) throws(Cause) {
    let manifest = try StoredSlugs(home: try call.home()).manifest(slug)
    if let ignored = manifest.appJSON?.ignored {
      call.context.print(" !     app.json: no effect here: \(ignored.joined(separator: ", "))")
    }
    if isFork, let digest = try call.app(parent).previewConfig {
      let all = try ConfigSets(home: try call.home(), app: parent).load(digest)
      let kept = Set(all.values.keys).subtracting(all.withoutSecrets.values.keys)
      if !kept.isEmpty {
        call.context.print(" !     a fork does not get: \(kept.sorted().joined(separator: ", "))")
      }
    }
  }

  private func tell(_ name: String, _ outcome: Outcome) throws(Cause) -> Outcome {
    let now = Timestamp(milliseconds: Clock.now())
    guard outcome.exitCode == ExitCode.success, !call.wantsJSON,
      let report = (try call.board().apps[name]).flatMap({ PreviewReport($0, now: now) })
    else { return outcome }
    call.context.print(
      "-----> \(report.url ?? name): \(report.until == nil ? "pinned" : report.leaseText(at: now)); close it with: relctl preview close \(name)"
    )
    try call.warnOfGap(in: Board.Preview.limits.names)
    return outcome
  }
}
