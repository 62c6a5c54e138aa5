import ErlangTerm

/// The reason why a folder cannot be read as an OTP release. Files are named relative to the folder.
public enum OTPReleaseError: Error, Equatable, Sendable {
  case missing(files: [String])
  case unreadable(file: String, reason: String)
  /// The file is not a term or not text. The fault has the offset, or line and column.
  case malformed(file: String, TermError)
  /// The file has a term or a line that does not belong in it.
  case unexpected(file: String, expected: Expectation)
  /// A name or version that must not become part of a path.
  case unsafeName(file: String, name: String)
  case listedTwice(file: String, application: String)
  /// The boot script starts an application that the release resource file does not list.
  case notListed(file: String, application: String)
  /// The folder has several release resource files, and nothing says which one is meant.
  case ambiguous(directory: String, files: [String])
  /// The folder has no file that is typical of `mix release` or of relx.
  case unknownKind

  public enum Expectation: Equatable, Sendable {
    case startErlData
    case releaseResource
    case applicationResource(name: String)
    case bootScript
    /// The version that `releases/start_erl.data` names.
    case version(String)
  }
}

extension OTPReleaseError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .missing(let files): "\(files.joined(separator: " or ")): not in the release"
    case .unreadable(let file, let reason): "\(file): \(reason)"
    case .malformed(let file, let fault): "\(file): \(fault)"
    case .unexpected(let file, let expected): "\(file): expected \(expected)"
    case .unsafeName(let file, let name):
      "\(file): the name \(TextFormat.print(.charlist(name))) can't be used in a path"
    case .listedTwice(let file, let application): "\(file): lists \(application) twice"
    case .notListed(let file, let application):
      "\(file): starts \(application), which the release does not list"
    case .ambiguous(let directory, let files):
      "\(directory): several releases: \(files.joined(separator: ", "))"
    case .unknownKind: "neither made by mix release nor by relx"
    }
  }
}

extension OTPReleaseError.Expectation: CustomStringConvertible {
  public var description: String {
    switch self {
    case .startErlData: "'ERTS-VERSION RELEASE-VERSION'"
    case .releaseResource: "{release, {Name, Vsn}, {erts, EVsn}, Applications}"
    case .applicationResource(let name): "{application, \(name), Properties}"
    case .bootScript: "{script, {Name, Vsn}, Instructions}"
    case .version(let version): "version \(version)"
    }
  }
}
