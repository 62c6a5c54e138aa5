import JSONText
import Posix
import ReleaseModel

/// A check that the built slug boots.
///
/// A separate program, `relpack boot-check`, boots the slug while the build goes on. It ends when the build ends, even if
/// the build is killed, and leaves no process running.
public final class BootCheck {
  public struct Request: Sendable {
    /// The slug's tree. It must not move or change until the check has ended.
    public var tree: String
    public var releases: [OTPRelease]
    public var processes: [Procfile.Entry]
    public var variables: [Manifest.Variable] = []
    public var appJSON: AppJSON?
    /// The app's config vars. Their values are used only with `real`.
    public var config: [String: String] = [:]
    public var mode = BootCheckMode.warn
    public var scratch: String
    /// Milliseconds that each OTP release may take.
    public var limit: Int64 = 60_000
    public var program = (try? Files.target(ofLink: "/proc/self/exe")) ?? "relpack"
    /// The PATH in which unshare(1) is looked up.
    public var searchPath = Invocation.standardPath
  }

  let request: Request
  private let child: Child
  private let scratch: String
  private let answers: File
  /// The writing end of the child's standard input. Nothing is written to it: the child ends when it is closed, which
  /// also happens when this process ends.
  private var leash: File?

  private init(
    _ request: Request, _ child: Child, scratch: String, answers: File, leash: File
  ) {
    (self.request, self.child, self.scratch) = (request, child, scratch)
    (self.answers, self.leash) = (answers, leash)
  }

  deinit { stop() }

  /// Starts the check and returns at once.
  public static func begin(_ request: Request) throws(PosixError) -> BootCheck {
    let job = BootCheckJob(
      tree: request.tree, scratch: request.scratch, releases: request.releases,
      processes: request.processes, variables: request.variables,
      placeholders: PlaceholderVars(request.variables, request.appJSON),
      known: Set(request.config.keys),
      real: request.mode == .real ? request.config : nil,
      hasNetwork: request.mode.hasNetwork,
      releaseName: request.config["RELEASE_NAME"], limit: request.limit)
    try Files.makeFolder(job.home)
    try Files.makeFolder(job.scratch + "/tmp")
    try Files.setMode(job.scratch, 0o700)
    try Files.replace(job.path, with: JSON.encode(job))
    let (reading, leash) = try File.pipe()
    let errors = try File.open(job.scratch + "/errors", .append)
    let (child, answers) = try Invocation(
      [request.program, BootSandbox.verb, job.path], in: job.scratch,
      environment: ["PATH": request.searchPath]
    ).startPiped(input: .file(reading), errors: .file(errors), newSession: true)
    return BootCheck(request, child, scratch: job.scratch, answers: answers, leash: leash)
  }

  /// Waits until the check has ended.
  public func end(interrupts: Signals? = nil) throws(BuildFailure) -> [Result] {
    var bytes: [UInt8] = []
    var interrupted: Signal?
    enum Source { case answers }
    var loop = EventLoop<Source>(signals: interrupts)
    loop.watch(answers.descriptor, as: .answers)
    do throws(PosixError) {
      while true {
        interrupted = try loop.wait().signals.first
        if interrupted != nil { break }
        let part = try answers.read(upTo: 65_536)
        if part.isEmpty || bytes.count > 1 << 20 { break }
        bytes += part
      }
    } catch { throw .unreadable(error) }
    let complaint = self.complaint
    stop()
    if let interrupted { throw .interrupted(signal: interrupted) }
    guard let results = try? JSON.decode([Result].self, from: bytes) else {
      return [
        Result(release: "", outcome: .skipped("the check ended without a result" + complaint))
      ]
    }
    return results
  }

  private var complaint: String {
    let text = (try? Files.read(scratch + "/errors", limit: 1 << 20)) ?? []
    let first = text.split(separator: UInt8(ascii: "\n")).first
    return first.map { ": " + String(decoding: $0.prefix(200), as: UTF8.self) } ?? ""
  }

  public func stop() {
    guard leash != nil else { return }
    leash = nil
    _ = child.wait(until: Clock.monotonic() + 10_000)
    try? Files.remove(scratch)
  }
}
