import JSONText
import Posix
import ReleaseModel

/// Boots what was built, to see whether it can.
///
/// A program of its own does it, `relpack rehearse`, beside whatever the build does meanwhile. It ends with the build,
/// however that ends, and leaves nothing running.
public final class Rehearsal {
  public struct Request: Sendable {
    /// The slug's tree. It stays where it is, as it is, until the rehearsal has ended.
    public var tree: String
    public var releases: [OTPRelease]
    /// The process types: which command starts a release.
    public var processes: [Procfile.Entry]
    /// What run-time configuration reads.
    public var variables: [Manifest.Variable]
    public var appJSON: AppJSON?
    /// The app's config vars; no value of theirs is used but with `real`.
    public var config: [String: String]
    public var mode: BuildSettings.RehearsalChoice
    /// Made and removed.
    public var scratch: String
    /// Milliseconds that each OTP release may take.
    public var limit: Int64 = 60_000
    /// The path of `relpack`.
    public var program: String
    /// Where unshare(1) is looked for.
    public var searchPath = Invocation.standardPath

    public init(
      tree: String, releases: [OTPRelease], processes: [Procfile.Entry],
      variables: [Manifest.Variable] = [], appJSON: AppJSON? = nil, config: [String: String] = [:],
      mode: BuildSettings.RehearsalChoice = .warn, scratch: String, program: String
    ) {
      (self.tree, self.releases, self.processes) = (tree, releases, processes)
      (self.variables, self.appJSON, self.config) = (variables, appJSON, config)
      (self.mode, self.scratch, self.program) = (mode, scratch, program)
    }
  }

  let request: Request
  private let child: Child
  private let scratch: String
  /// What the child says; it ends with the child.
  private let answers: File
  /// Nobody writes into it: when it is closed, by us or by our end, the child ends.
  private var leash: File?

  private init(
    _ request: Request, _ child: Child, scratch: String, answers: File, leash: File
  ) {
    (self.request, self.child, self.scratch) = (request, child, scratch)
    (self.answers, self.leash) = (answers, leash)
  }

  deinit { stop() }

  /// Starts it and returns at once.
  public static func begin(_ request: Request) throws(PosixError) -> Rehearsal {
    let script = RehearsalScript(
      tree: request.tree, scratch: request.scratch, releases: request.releases,
      processes: request.processes, variables: request.variables,
      standIns: StandIns(request.variables, request.appJSON), known: Set(request.config.keys),
      real: request.mode == .real ? request.config : nil,
      hasNetwork: request.mode.hasNetwork,
      releaseName: request.config["RELEASE_NAME"], limit: request.limit)
    try Files.makeFolder(script.home)
    try Files.makeFolder(script.scratch + "/tmp")
    try Files.setMode(script.scratch, 0o700)
    try Files.replace(script.path, with: JSON.encode(script))
    let (reading, leash) = try File.pipe()
    let errors = try File.open(script.scratch + "/errors", .append)
    let (child, answers) = try Invocation(
      [request.program, "rehearse", script.path], in: script.scratch,
      environment: ["PATH": request.searchPath]
    ).startPiped(input: .file(reading), errors: .file(errors), newSession: true)
    return Rehearsal(request, child, scratch: script.scratch, answers: answers, leash: leash)
  }

  /// Waits for its end.
  /// - Parameter interrupts: signals that end it before.
  /// - Returns: one for each OTP release.
  public func end(interrupts: Signals? = nil) throws(BuildFailure) -> [Result] {
    var bytes: [UInt8] = []
    var interrupted: Signal?
    let descriptors = [answers.descriptor] + [interrupts?.file.descriptor].compactMap { $0 }
    do throws(PosixError) {
      while true {
        let ready = try Poll.wait(descriptors)
        interrupted = interrupts?.next()
        if interrupted != nil { break }
        guard ready.contains(answers.descriptor) else { continue }
        let part = try answers.read(upTo: 65_536)
        if part.isEmpty || bytes.count > 1 << 20 { break }
        bytes += part
      }
    } catch { throw .unreadable(error) }
    let complaint = self.complaint
    stop()
    if let interrupted { throw .interrupted(signal: interrupted) }
    guard let results = try? JSON.decode([Result].self, from: bytes) else {
      return [Result(release: "", outcome: .skipped("it ended without a word" + complaint))]
    }
    return results
  }

  private var complaint: String {
    let text = (try? Files.read(scratch + "/errors", limit: 1 << 20)) ?? []
    let first = text.split(separator: UInt8(ascii: "\n")).first
    return first.map { ": " + String(decoding: $0.prefix(200), as: UTF8.self) } ?? ""
  }

  /// Ends it where it has not ended, and removes what it made.
  public func stop() {
    guard leash != nil else { return }
    leash = nil
    _ = child.wait(until: Clock.monotonic() + 10_000)
    try? Files.remove(scratch)
  }
}
