/// The lines that the buildpack adds to an app's start scripts.
public enum OwnLines {
  /// The first line of an added block begins with it.
  public static let opening = "# --- added by reltui's buildpack"
  /// The first line of a file of the buildpack in `.profile.d`.
  public static let file = "# Written by reltui's buildpack."

  /// A script without the added blocks. Each ends with a line of dashes. Lines keep their numbers.
  static func without(_ text: String) -> String {
    if text.hasPrefix(file) { return "" }
    var isOurs = false
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      if line.hasPrefix(opening) {
        isOurs = true
      } else if isOurs, line.hasPrefix("# ---") {
        isOurs = false
        return Substring()
      }
      return isOurs ? "" : line
    }
    return lines.joined(separator: "\n")
  }
}

/// The texts of a slug that may set variables before an app's processes start. They are read when a check needs them,
/// and no more of them than `mostBytes`.
final class StartTexts {
  struct Text {
    /// Relative to the slug's tree; `Procfile` for the process types' commands.
    var path: String
    var text: String
  }

  private let preflight: Preflight
  /// Whether all texts that were asked for could be read. Otherwise one that was not may set any variable.
  private(set) var isWhole = true

  init(_ preflight: Preflight) { self.preflight = preflight }

  /// Those that every start reads.
  private(set) lazy var scripts: [Text] = {
    let manifest = preflight.manifest
    let profiles = manifest.files.filter { $0.path.hasPrefix(".profile.d/") }
    let others = manifest.otpReleases.flatMap { release in
      ["env.sh", "vm.args"].compactMap { preflight.entry("\(release.versionFolder)/\($0)") }
    }
    let started = preflight.running.flatMap {
      ProcessCommand.all(in: $0.command).prefix(Preflight.mostCommands)
    }.filter { !starts.contains($0.program) }.compactMap { preflight.entry($0.program) }
    let all = profiles + others + Set(started).sorted { $0.path < $1.path }
    // What a link leads to is not described.
    if all.contains(where: { $0.kind == .link }) { isWhole = false }
    return
      [Text(path: "Procfile", text: manifest.processes.map(\.command).joined(separator: "\n"))]
      + texts(all)
  }()

  /// The names in the process types' commands and in the scripts.
  private(set) lazy var names = ScriptNames(scripts.map(\.text))
  private(set) lazy var scriptNames = ScriptNames(scripts.dropFirst().map(\.text))

  /// The names in the scripts and in the other files of the slug that may be scripts: what is neither of the OTP
  /// releases nor described elsewhere.
  private(set) lazy var allNames: ScriptNames = {
    var names = ScriptNames(scripts.map(\.text) + texts(others).map(\.text))
    // The releases' own scripts read env.sh, as every release does.
    names.add(ScriptNames(starts.compactMap(preflight.read)))
    return names
  }()

  private var starts: Set<String> { Set(preflight.manifest.otpReleases.map(\.startCommand)) }

  private var others: [Manifest.Entry] {
    let tops = preflight.manifest.otpReleases.map { $0.folder.map { $0 + "/" } ?? "" }
    let skipped = tops.flatMap { top in ["lib/", "releases/", "erts-"].map { top + $0 } }
    let starts = starts
    return preflight.manifest.files.filter { entry in
      // A longer file is no script.
      entry.size ?? 0 <= Self.longest && !starts.contains(entry.path)
        && !(Self.described + skipped).contains { entry.path.hasPrefix($0) }
    }
  }

  private static let described = [".reltui/", ".profile.d/", "Procfile", "app.json"]
  private static let longest = 1 << 16
  private static let mostBytes = 1 << 20

  /// The texts of files, as far as they are texts.
  private func texts(_ entries: [Manifest.Entry]) -> [Text] {
    var left = Self.mostBytes
    return entries.filter { $0.kind == .file }.compactMap { entry in
      left -= entry.size ?? 0
      guard left >= 0, let text = preflight.read(entry.path) else {
        isWhole = false
        return nil
      }
      return Text(path: entry.path, text: OwnLines.without(text))
    }
  }

  /// Whether a file of `.profile.d` may leave the slug's tree.
  var changeFolder: Bool {
    let profiles = scripts.filter { $0.path.hasPrefix(".profile.d/") }
    return ScriptNames(profiles.map(\.text)).mentioned.contains("cd")
  }
}

extension OTPRelease {
  /// The folder of the release's own files, relative to the slug's tree.
  var versionFolder: String { (folder.map { $0 + "/" } ?? "") + "releases/" + version }

  /// The folder of the virtual machine's programs, relative to the slug's tree.
  var machineFolder: String { (folder.map { $0 + "/" } ?? "") + "erts-\(ertsVersion)/bin" }
}
