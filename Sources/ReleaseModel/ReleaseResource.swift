import ErlangTerm

/// The content of a release resource file (`NAME.rel`): the applications that make up the release, with their versions.
///
/// Source: "rel", SASL reference manual.
public struct ReleaseResource: Equatable, Sendable {
  public struct Entry: Equatable, Sendable {
    public var name: String
    public var version: String
    public var startType: OTPRelease.StartType
    /// Which of its included applications are in the release; `nil`: all.
    public var includedApplications: [String]?
  }

  public var name: String
  public var version: String
  public var ertsVersion: String
  public var entries: [Entry]

  /// Reads the bytes of a `.rel` file. Names and versions in it are safe in paths, and no application is listed twice.
  public init(relFile bytes: [UInt8], file: String) throws(OTPReleaseError) {
    let terms = try OTPReleaseError.consult(bytes, file: file)
    guard terms.count == 1, let parts = terms.first?.tuple(tagged: "release").map(Array.init),
      parts.count == 3,
      let identity = parts[0].tuple, identity.count == 2,
      let name = identity[0].text, let version = identity[1].text,
      let erts = parts[1].tuple(tagged: "erts"), erts.count == 1,
      let ertsVersion = erts.first?.text,
      let applications = parts[2].list
    else { throw .unexpected(file: file, expected: .releaseResource) }
    (self.name, self.version, self.ertsVersion) = (name, version, ertsVersion)
    entries = []
    for application in applications {
      guard let entry = Entry(application) else {
        throw .unexpected(file: file, expected: .releaseResource)
      }
      entries.append(entry)
    }
    try validate(file: file)
  }

  private func validate(file: String) throws(OTPReleaseError) {
    var seen: Set<String> = []
    for entry in entries where !seen.insert(entry.name).inserted {
      throw .listedTwice(file: file, application: entry.name)
    }
    let names = [name, version, ertsVersion] + entries.flatMap { [$0.name, $0.version] }
    for name in names { try OTPRelease.requireSafe(name, file: file) }
  }
}

extension ReleaseResource.Entry {
  /// `{Name, Vsn}`, `{Name, Vsn, Type}`, `{Name, Vsn, Included}` or `{Name, Vsn, Type, Included}`.
  init?(_ term: Term) {
    guard let parts = term.tuple, (2...4).contains(parts.count),
      let name = parts[0].atom, let version = parts[1].text
    else { return nil }
    (self.name, self.version) = (name, version)
    startType = .permanent
    for (index, part) in parts.enumerated().dropFirst(2) {
      if let type = OTPRelease.StartType(part), index == 2 {
        startType = type
      } else if let elements = part.list, index == parts.count - 1 {
        let names = elements.compactMap(\.atom)
        guard names.count == elements.count else { return nil }
        includedApplications = names
      } else {
        return nil
      }
    }
  }
}
