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

/// The texts of a slug that may set variables before an app's processes start.
struct StartTexts {
  struct Text {
    /// Relative to the slug's tree; `Procfile` for the process types' commands.
    var path: String
    var text: String
  }

  /// Read for every deployment.
  let scripts: [Text]
  private let preflight: Preflight

  init(_ preflight: Preflight) {
    self.preflight = preflight
    let manifest = preflight.manifest
    let profiles = manifest.files.map(\.path).filter { $0.hasPrefix(".profile.d/") }
    let paths = manifest.otpReleases.flatMap { release -> [String] in
      ["env.sh", "vm.args"].map { "\(release.versionFolder)/\($0)" }
    }
    scripts =
      [Text(path: "Procfile", text: manifest.processes.map(\.command).joined(separator: "\n"))]
      + (profiles + paths).compactMap { Self.text($0, preflight) }
  }

  private static func text(_ path: String, _ preflight: Preflight) -> Text? {
    guard preflight.entry(path)?.kind == .file else { return nil }
    return preflight.read(path).map { Text(path: path, text: OwnLines.without($0)) }
  }

  /// Other files of the slug that may be scripts: what is neither of the OTP releases nor described elsewhere.
  /// Read only if a variable is in question.
  var others: [Text] {
    let tops = preflight.manifest.otpReleases.map { $0.folder.map { $0 + "/" } ?? "" }
    let skipped = tops.flatMap { top in ["lib/", "releases/", "erts-"].map { top + $0 } }
    let starts = Set(preflight.manifest.otpReleases.map(\.startCommand))
    return preflight.manifest.files.filter { entry in
      entry.kind == .file && entry.size ?? 0 <= Self.longest && !starts.contains(entry.path)
        && !Self.described.contains { entry.path.hasPrefix($0) }
        && !skipped.contains { entry.path.hasPrefix($0) }
    }.prefix(Self.mostOthers).compactMap { Self.text($0.path, preflight) }
  }

  private static let described = [".reltui/", ".profile.d/", "Procfile", "app.json"]
  private static let longest = 1 << 16
  private static let mostOthers = 200
}

extension [StartTexts.Text] {
  /// Whether a line that is no comment has the name as a word.
  func mention(_ name: String) -> Bool {
    contains { $0.text.shellLines.contains { !$0.places(of: name).isEmpty } }
  }

  /// Whether a line sets the variable: `NAME=`, `${NAME:=`, or `-env NAME` for the VM.
  func sets(_ name: String) -> Bool {
    contains { text in
      text.text.shellLines.contains { line in
        line.places(of: name).contains { place in
          let rest = line[place.upperBound...]
          return rest.hasPrefix("=") || rest.hasPrefix(":=")
            || line[..<place.lowerBound].hasSuffix("-env ")
        }
      }
    }
  }

  /// Whether a line may set variables that it does not name, as `. FILE`, `eval` and `set -a` do.
  var takeVariablesFromElsewhere: Bool {
    contains { $0.text.shellLines.contains(where: Self.takesVariables) }
  }

  private static func takesVariables(_ line: String) -> Bool {
    if line.hasPrefix("-args_file") { return true }
    return ProcessCommand.all(in: line).contains { command in
      let words = command.words
      func has(_ word: String) -> Bool { words.contains(word) }
      // `bin/NAME eval` is another command.
      let evaluates = zip([""] + words, words).contains { $1 == "eval" && !$0.contains("/") }
      // `export $(cat FILE)`, `export "$line"`
      let exports = has("export") && words.contains { $0.hasPrefix("$") || $0.hasPrefix("`") }
      let exportsAll =
        has("set") && words.contains { $0 == "allexport" || $0.hasPrefix("-") && $0.contains("a") }
      return evaluates || exports || exportsAll || has(".") || has("source")
    }
  }

  /// Whether a file of `.profile.d` may leave the slug's tree.
  var changeFolder: Bool {
    contains { text in
      text.path.hasPrefix(".profile.d/")
        && text.text.shellLines.contains {
          ProcessCommand.all(in: $0).contains { $0.words.contains("cd") }
        }
    }
  }
}

extension OTPRelease {
  /// The folder of the release's own files, relative to the slug's tree.
  var versionFolder: String { (folder.map { $0 + "/" } ?? "") + "releases/" + version }

  /// The folder of the virtual machine's programs, relative to the slug's tree.
  var machineFolder: String { (folder.map { $0 + "/" } ?? "") + "erts-\(ertsVersion)/bin" }
}

extension String {
  /// Where the name stands as a whole word.
  func places(of name: String) -> [Range<String.Index>] {
    func isPart(_ character: Character) -> Bool {
      character.isLetter || character.isNumber || character == "_"
    }
    return ranges(of: name).filter { place in
      let before = place.lowerBound == startIndex ? nil : self[index(before: place.lowerBound)]
      let after = place.upperBound == endIndex ? nil : self[place.upperBound]
      return !(before.map(isPart) ?? false) && !(after.map(isPart) ?? false)
    }
  }
}
