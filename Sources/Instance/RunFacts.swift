import Diagnosis
import Events
import HomeLayout
import Posix
import ReleaseModel
import SlugStore

/// Reads what is known of a run, so that the cause of its failure can be found.
public struct RunFacts {
  private let app: String
  private let run: Board.Run
  private let folder: RunFolder
  private let tree: String
  private let manifest: Manifest?
  private let mask: @Sendable (String) -> String

  /// - Parameters:
  ///   - tree: the slug's.
  ///   - mask: replaces the values of config vars.
  public init(
    of run: Board.Run, app: String, folder: RunFolder, tree: String, manifest: Manifest?,
    mask: @escaping @Sendable (String) -> String
  ) {
    (self.app, self.run, self.folder, self.tree) = (app, run, folder, tree)
    (self.manifest, self.mask) = (manifest, mask)
  }

  /// Lines of output in which a cause is looked for, and bytes of them and of one. A line may be longer in its file.
  private static let mostLines = 2000
  private static let mostBytes = 512 << 10
  private static let mostBytesOfFiles = 1 << 20
  private static let longestLine = 64 << 10

  public func facts(_ status: RunStatus?) -> FailureFacts {
    var facts = FailureFacts(
      app: app, subject: run.instance.description, process: run.instance.process)
    (facts.port, facts.wasReady) = (run.port, run.wasReady == true)
    (facts.exit, facts.ended) = (status?.exit, status?.ended)
    facts.output = output
    (facts.mask, facts.now) = (mask, Timestamp(milliseconds: Clock.now()))
    if let manifest { Self.add(manifest, run.instance.process, to: &facts) }
    (facts.tree, facts.folder) = (tree, folder.path)
    facts.boot = (try? Files.readIfThere(folder.boot, limit: 1 << 20)).flatMap { bytes in
      bytes.flatMap { BootAccount(text: String(decoding: $0, as: UTF8.self)) }
    }
    facts.slogan = slogan(status?.ended).map(mask)
    facts.arguments = arguments(facts.otpRelease)
    let process = status?.process?.pid
    let lived = Clock.now() - run.started.milliseconds
    facts.host.memoryKill = { process.flatMap { KernelLog.memoryKill(of: $0, age: lived) } }
    facts.host.holder = { PortOwner.holder(of: $0) }
    facts.host.glibc = { HostLibraries().glibc?.description }
    let tree = tree
    facts.host.architecture = { NativeCode.architecture(of: $0, in: tree) }
    return facts
  }

  /// The end of the output. What an app prints must not keep the agent busy.
  private var output: [LogLine] {
    var (kept, bytes): ([LogLine], Int) = ([], 0)
    let lines = LogTail.lines(
      of: folder, count: Self.mostLines, bytes: Self.mostBytesOfFiles)
    for line in Self.joined(lines).reversed() {
      // Lines are masked before they are cut, because a cut value would not be found.
      let text = mask(line.text)
      let isLong = text.utf8.count > Self.longestLine
      let shown =
        isLong ? String(decoding: text.utf8.prefix(Self.longestLine), as: UTF8.self) : text
      bytes += shown.utf8.count
      if bytes > Self.mostBytes { break }
      kept.append(LogLine(time: line.time, text: shown))
    }
    return kept.reversed()
  }

  /// The lines as they were printed: `relshim` cuts long ones.
  private static func joined(_ lines: [LogLine]) -> [LogLine] {
    var (whole, isCut) = ([LogLine](), false)
    for line in lines {
      if isCut { whole[whole.count - 1].text += line.text } else { whole.append(line) }
      isCut = line.text.utf8.count >= LogLine.longest
    }
    return whole
  }

  private static func add(_ manifest: Manifest, _ process: String, to facts: inout FailureFacts) {
    facts.otpRelease = manifest.release(startedBy: process)
    facts.command = manifest.command(of: process) ?? ""
    facts.variables = manifest.variables ?? []
    facts.migrations = manifest.migrations ?? []
    facts.files = manifest.files
  }

  /// Milliseconds between the end of a crash dump and that of the run.
  private static let longestExit: Int64 = 5000

  /// The reason in the crash dump of the VM that ended with the run. The folder belongs to the app, so no link is
  /// followed.
  private func slogan(_ ended: Timestamp?) -> String? {
    guard let home = try? File.open(folder.home, .folder),
      let file = try? File.open(Files.name(of: folder.crashDump), below: home),
      let info = try? file.info(), info.kind == .file,
      ended.map({ $0.milliseconds - info.changed <= Self.longestExit }) ?? true,
      let head = try? file.read(upTo: 65_536)
    else { return nil }
    let mark = Array("Slogan: ".utf8)
    return head.split(separator: UInt8(ascii: "\n")).prefix(5).first { $0.starts(with: mark) }.map {
      String(decoding: $0.dropFirst(mark.count), as: UTF8.self)
    }
  }

  private func arguments(_ release: OTPRelease?) -> String {
    guard let release else { return "" }
    let root = release.folder.map { "\(tree)/\($0)" } ?? tree
    let path = "\(root)/releases/\(release.version)/vm.args"
    return String(decoding: (try? Files.read(path, limit: 1 << 20)) ?? [], as: UTF8.self)
  }
}
