/// Why something did not work: an error to throw, a part of an event, a sentence on the screen.
///
/// The program that met the failure writes the sentence, so that older readers can show unknown ids.
public struct Cause: Error, Hashable, Codable, Sendable {
  public struct Evidence: Hashable, Codable, Sendable {
    /// `log`, `file`, `process`
    public var kind: String
    /// Where the evidence was found: a file and line, an instance, a pid.
    public var place: String
    public var text: String

    public init(kind: String, place: String, text: String) {
      (self.kind, self.place, self.text) = (kind, place, text)
    }

    private enum CodingKeys: String, CodingKey {
      case kind, text
      case place = "where"
    }
  }

  /// A stable id: one of `ProblemID`, or one of a newer version.
  public var id: String
  public var sentence: String
  public var remedy: String?
  public var facts: [String: String]
  public var evidence: [Evidence]

  public init(
    _ id: ProblemID, _ sentence: String, remedy: String? = nil, facts: [String: String] = [:],
    evidence: [Evidence] = []
  ) {
    self.id = id.rawValue
    self.sentence = sentence
    self.remedy = remedy ?? id.remedy
    (self.facts, self.evidence) = (facts, evidence)
  }

  public var exitCode: Int32 { ProblemID(rawValue: id)?.exitCode ?? ExitCode.failed }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    id = try container.decode(String.self, forKey: .id)
    sentence = try container.decode(String.self, forKey: .sentence)
    remedy = try container.decodeIfPresent(String.self, forKey: .remedy)
    facts = try container.decodeIfPresent([String: String].self, forKey: .facts) ?? [:]
    evidence = try container.decodeIfPresent([Evidence].self, forKey: .evidence) ?? []
  }
}

/// The exit codes of reltui's programs, after BSD's `sysexits.h`.
public enum ExitCode {
  public static let success: Int32 = 0
  public static let failed: Int32 = 1
  public static let usage: Int32 = 64
  public static let badData: Int32 = 65
  public static let unavailable: Int32 = 69
  public static let `internal`: Int32 = 70
  public static let tryAgain: Int32 = 75
  public static let interrupted: Int32 = 130
}
